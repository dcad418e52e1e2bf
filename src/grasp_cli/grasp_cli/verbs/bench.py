"""Measure speed and precision on this machine.

Detectors against each other, the simulator, picks with their planning, errors of grasp poses, and
how old an image is when its grasps are there.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.table import Table

from grasp_benchmark.speed.ros_latency import measure_latency
from grasp_benchmark.speed.simulated import measure_picks, measure_poses, measure_simulator
from grasp_bringup.environment import log_folder
from grasp_bringup.stack import read_defaults, simulated_robot
from grasp_cli.interrupt import Interrupt
from grasp_core.cell import load_cell
from grasp_core.errors import ConfigError
from grasp_core.json_file import require_writable, write_json
from grasp_core.optional import needed_by
from grasp_core.robot import RobotModel, load_robot
from grasp_detection.registry import DEFAULT

EXAMPLES = (
    "grasp bench",
    "grasp bench --only detectors --rounds 5 --json bench.json",
)
PARTS = ("detectors", "simulator", "picks", "poses", "latency")
_WIDTH = 120  # of tables where the output is no terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--rounds", type=int, default=20, help="times each detector runs (20)")
    parser.add_argument("--picks", type=int, default=20, help="dev objects picked in process (20)")
    parser.add_argument("--grasps", type=int, default=200, help="grasps per camera tilt (200)")
    parser.add_argument("--images", type=int, default=40, help="images sent to the node (40)")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything (0)")
    parser.add_argument("--robot", help="folder under config/robots (as config/simulator.yaml)")
    parser.add_argument(
        "--gripper", help="file under config/grippers (the simulator's, or another robot's own)"
    )
    parser.add_argument(
        "--only", help=f"parts, separated by commas: {', '.join(PARTS)} (all of them)"
    )
    parser.add_argument("--json", type=Path, help="file for the figures, by detector")


def run(options: argparse.Namespace) -> int:
    """Measure and show; whatever ends it, the figures so far are written.

    Raises:
        ConfigError: A value is out of range, or there is no such part or robot.
        GraspStackError: The stack failed.
    """
    parts = _parts(options)
    name, options.gripper = simulated_robot(options.robot, options.gripper)
    robot = load_robot(name, options.gripper)
    require_writable(options.json)
    figures: dict[str, Any] = {}
    with _quiet_graphics() as console:
        try:
            _measure(parts, robot, options, console, figures)
        finally:
            if options.json and figures:
                write_json(options.json, figures)
    return 0


def _parts(options: argparse.Namespace) -> tuple[str, ...]:
    """Which parts to measure.

    Raises:
        ConfigError: A value is out of range, or there is no such part.
    """
    for name in ("rounds", "picks", "grasps", "images"):
        if getattr(options, name) < 1:
            raise ConfigError(f"--{name} is {getattr(options, name)}, must be at least 1")
    if options.seed < 0:
        raise ConfigError(f"--seed is {options.seed}, must be at least 0")
    parts = PARTS if options.only is None else tuple(options.only.split(","))
    for part in parts:
        if part not in PARTS:
            raise ConfigError(f"--only names {part!r}; valid are {', '.join(PARTS)}")
    return parts


@contextlib.contextmanager
def _quiet_graphics() -> Iterator[Console]:
    """A console of its own: the graphics driver writes into the process's streams."""
    streams = [os.dup(1), os.dup(2)]
    silence = os.open(os.devnull, os.O_WRONLY)
    try:
        with os.fdopen(os.dup(1), "w") as out:
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            yield Console(file=out, width=None if out.isatty() else _WIDTH)
    finally:
        sys.stdout.flush()
        for number, stream in zip((1, 2), streams, strict=True):
            os.dup2(stream, number)
            os.close(stream)
        os.close(silence)


def _measure(
    parts: tuple[str, ...],
    robot: RobotModel,
    options: argparse.Namespace,
    console: Console,
    figures: dict[str, Any],
) -> None:
    """Show each part, and put it among the figures, as soon as it is measured."""
    cell, seed = load_cell(read_defaults().simulator.cell), options.seed
    with console.status("rendering") as status:
        simulator, frames = measure_simulator(robot, seed)
        if "detectors" in parts:
            with needed_by("measuring detectors", "torch safetensors"):
                from grasp_benchmark.speed.detection import measure_detection
            detectors = measure_detection(
                frames, robot.gripper, cell, options.rounds, status.update
            )
            _show_detectors(detectors, console)
            figures |= detectors
        if "simulator" in parts:
            figures["simulator"] = simulator
            _show_simulator(simulator, console)
        if "picks" in parts:
            status.update("picking")
            figures["picks"] = measure_picks(robot, options.picks, seed)
            _show_picks(figures["picks"], console)
        if "poses" in parts:
            figures["pose_error"] = _poses(robot, options, status, console)
        if "latency" in parts:
            status.update("asking the detector node")
            log_dir = log_folder() / "grasp_bench"
            with Interrupt() as interrupt:
                figures["latency"] = measure_latency(
                    frames[0],
                    robot,
                    options.gripper,
                    DEFAULT,
                    options.images,
                    log_dir,
                    interrupt.check,
                )
            _show_latency(figures["latency"], console)


def _show_detectors(figures: dict[str, Any], console: Console) -> None:
    table = Table(
        *("detector", "weights", "px", "parameters", "MB", "right %", "runtime"),
        *("ms", "p95", "ratio", "peak MB"),
        title="640x480 frame to ranked grasps, in turns",
    )
    for name, row in figures.items():
        learned = bool(row["runtime"])
        accuracy = row.get("accuracy")
        table.add_row(
            name,
            str(row["weights"]) if learned else "-",
            str(row["input_px"]) if learned else "-",
            f"{row['parameters']:,}" if row.get("parameters") else "-",
            f"{row['weights_mb']:.1f}" if learned else "-",
            f"{100 * accuracy:.1f}" if accuracy is not None else "-",
            row["runtime"] or "-",
            f"{row['ms_median']:.1f}",
            f"{row['ms_p95']:.1f}",
            f"{row['ratio_to_gr_convnet']:.3f}",
            f"{row['peak_mb']:.0f}",
        )
    console.print(table)
    for name, row in figures.items():
        if row["runtime"]:
            stages = ", ".join(f"{stage} {ms:.1f}" for stage, ms in row["stages_ms"].items())
            others = ", ".join(
                f"{runtime} {one['ms_median']:.1f} (ratio {one['ratio_to_gr_convnet']:.2f})"
                for runtime, one in row["runtimes"].items()
            )
            console.print(f"{name}: {stages} ms; {others}", highlight=False, soft_wrap=True)
            if gpu := row.get("gpu"):
                console.print(
                    f"{name} on {gpu['card']}: {gpu['ms_median']:.1f} ms, {gpu['ms_p95']:.1f} p95 "
                    f"(ratio {gpu['ratio_to_gr_convnet']:.2f} on the same card)",
                    highlight=False,
                    soft_wrap=True,
                )
            console.print(
                f"{name}: right on the {row['accuracy_on']}, as its weights have it",
                highlight=False,
                soft_wrap=True,
            )
    console.print(
        "ms: median; ratio: to gr_convnet with 32 channels on torch, with an input as large, in "
        "the same round; MB: 10^6 bytes\n",
        highlight=False,
    )


def _show_simulator(figures: dict[str, Any], console: Console) -> None:
    table = Table("what", "median ms", "p95 ms", title="simulator")
    for name, values in figures["ms"].items():
        table.add_row(name, f"{values['median']:.1f}", f"{values['p95']:.1f}")
    console.print(table)
    for name, factor in figures["real_time_factor"].items():
        console.print(f"physics alone, {name}: {factor:.0f} times real time")
    console.print(f"renderer: {figures['renderer']}\n")


def _show_picks(figures: dict[str, Any], console: Console) -> None:
    planning = "no plan was made"
    if figures["plan_ms_median"] is not None:
        planning = (
            f"planning {figures['plan_ms_median']:.0f} ms median, {figures['plan_ms_p95']:.0f} ms "
            "p95"
        )
    console.print(
        f"{figures['success']} of {figures['picks']} picks of dev objects in one process "
        f"with detector {figures['detector']}, {figures['picks_per_hour']:.0f} picks an hour; "
        f"{planning}\n",
        soft_wrap=True,
    )


def _poses(
    robot: RobotModel, options: argparse.Namespace, status: Status, console: Console
) -> dict[str, dict[str, float]]:
    status.update("comparing poses")
    errors = measure_poses(robot, options.grasps, options.seed)
    table = Table(
        "camera tilt", "grasps", "point error p95 mm", "worst mm", "angle p95 deg", "width p95 mm",
        title="grasp pose against the simulator's truth, noise-free depth",
    )  # fmt: skip
    for tilt, row in errors.items():
        table.add_row(
            f"{tilt} deg",
            str(options.grasps),
            f"{row['point_mm_p95']:.3f}",
            f"{row['point_mm_max']:.3f}",
            f"{row['angle_deg_p95']:.3f}",
            f"{row['width_mm_p95']:.3f}",
        )
    console.print(table)
    return errors


def _show_latency(figures: dict[str, float], console: Console) -> None:
    console.print(
        f"detector node with {DEFAULT}: {figures['ms_median']:.0f} ms from the image's stamp to "
        f"the arrival of its grasps, median; {figures['ms_p95']:.0f} ms p95; of that detection "
        f"{figures['ms_detection']:.0f} ms",
        soft_wrap=True,
    )
