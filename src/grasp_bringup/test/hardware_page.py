"""The tables of ``docs/hardware.md``, written from profiles, codes and remedies.

``python -m hardware_page --write`` brings the page up to date; a test fails while it is not.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from grasp_bringup.arguments import REAL_ARGUMENTS
from grasp_bringup.description import as_text
from grasp_core.arm_driver import load_arm_driver
from grasp_core.camera_profile import camera_names, load_camera
from grasp_core.config_folder import config_dir
from grasp_core.errors import Code
from grasp_core.gripper_profile import GripperProfile, gripper_names, load_gripper
from grasp_core.hand_drivers import DigitalIoDriver
from grasp_core.remedies import REMEDIES
from grasp_core.robot import robot_names

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "hardware.md"
ACTION = ROOT / "src" / "grasp_msgs" / "action" / "Pick.action"
TRIED = "nothing"


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def arguments() -> str:
    """Arguments of real.launch.py."""
    rows = []
    for name, about in REAL_ARGUMENTS.items():
        values = ", ".join(f"`{choice}`" for choice in about.choices)
        # A cell ends at a bar.
        meaning, _, empty = about.help.replace("|", "or").rpartition("; empty: ")
        rows.append((f"`{name}`", meaning, values, empty))
    return table(("Argument", "What it sets", "Values", "When not given"), rows)


def robots() -> str:
    """Arms with their drivers."""
    rows = []
    for name in robot_names():
        driver = load_arm_driver(name)
        if driver.ended:
            rows.append((f"`{name}`", driver.ended, "", "", TRIED))
            continue
        besides = ", ".join(f"`{one}`" for one in driver.controllers)
        started = f"`{driver.launch_file}` of `{driver.package}`: {driver.starts}"
        rows.append((f"`{name}`", driver.needs, started, besides, TRIED))
    header = ("Robot", "Needs", "What its own launch starts", "Spawned beside it", "Tried")
    return table(header, rows)


def hands() -> str:
    """Hands with their driver, what it tells, and what proves a grip."""
    rows = []
    for name in gripper_names():
        hand = load_gripper(name)
        rows.append(
            (
                f"`{name}`",
                f"`{hand.driver.name}`",
                f"{hand.max_gap_m * 1000:.0f} mm",
                ", ".join(f"{force_n:.0f}" for force_n in hand.grip_forces_n()) + " N",
                *_evidence(hand),
                TRIED,
            )
        )
    header = ("Hand", "Driver", "Widest gap", "Grips", "What it tells")
    return table((*header, "What proves a grip", "Tried"), rows)


def _evidence(hand: GripperProfile) -> tuple[str, str]:
    """What a hand tells, and what proves a grip of it."""
    weight = "the weight that the arm feels, where it does"
    if not hand.reports_opening:
        lines = ", ".join(f"`{line}`" for line in hand.driver_as(DigitalIoDriver).inputs)
        inputs = "its inputs, " if hand.driver.shows_parts else ""
        return f"no opening, no force; inputs {lines or 'none'}", f"{inputs}{weight}"
    told = f"`{hand.joint_states_topic}` at {hand.joint_states_hz:.0f} Hz"
    if hand.reports_force:
        return f"{told}: opening, force of each finger", "opening and force"
    return f"{told}: opening, no force", f"opening, {weight}"


def cameras() -> str:
    """Cameras with their drivers and what these are told."""
    rows = []
    for name in camera_names():
        camera = load_camera(name)
        driver = camera.driver
        if driver.ended:
            started, told = f"none: {driver.ended}", ""
        else:
            started = f"`{driver.launch_file or driver.executable}` of `{driver.package}`"
            asked = [name for name in (driver.aligns, driver.synchronises) if name]
            told = ", ".join(f"`{name}:={as_text(driver.parameters[name])}`" for name in asked)
        reach = f"{camera.min_range_m:g} to {camera.max_range_m:g} m"
        rows.append((f"`{name}`", started, told, f"`{camera.depth_topic}`", reach, TRIED))
    header = ("Camera", "Driver", "Told", "Depth, aligned to colour", "Range", "Tried")
    return table(header, rows)


def meanings() -> dict[str, str]:
    """What each code means, by name, as the action says."""
    lines = re.findall(r"^uint16 (\w+)=\d+ *(?:# (.*))?$", ACTION.read_text(), re.MULTILINE)
    return dict(lines)


def errors() -> str:
    """Codes with meaning and cure."""
    said = meanings()
    rows = [
        (str(code.value), f"`{code.name}`", said[code.name], REMEDIES[code])
        for code in Code
        if code is not Code.OK
    ]
    return table(("Code", "Name", "Meaning", "Cure"), rows)


def recovering() -> list[str]:
    """Controllers that come up again after a stop of the FR3."""
    path = config_dir() / "robots" / "fr3" / "controllers.yaml"
    manager = yaml.safe_load(path.read_text())["/**"]["controller_manager"]["ros__parameters"]
    return [name for name, value in manager.items() if isinstance(value, dict) and "type" in value]


TABLES: dict[str, Callable[[], str]] = {
    "arguments": arguments,
    "robots": robots,
    "hands": hands,
    "cameras": cameras,
    "errors": errors,
}


def page(text: str) -> str:
    """A page with its tables up to date."""
    for name, make in TABLES.items():
        begin, end = f"<!-- {name}: written by hardware_page -->", f"<!-- end of {name} -->"
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = f"{before}{begin}\n{make()}\n{end}{after}"
    return text


def main() -> None:
    """Print the tables, or write them into the page."""
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print("\n\n".join(make() for make in TABLES.values()))


if __name__ == "__main__":
    main()
