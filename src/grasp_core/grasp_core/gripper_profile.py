"""A parallel gripper: geometry, force, and how its driver is commanded and read.

``config/grippers/NAME.yaml`` says what is true of the hardware; a robot names the one it carries.
Names of joints, links, topics and actions may hold ``{prefix}``: the same hand goes to several
arms, and each robot's profile says with which prefix its driver names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from grasp_core.config import (
    Checked,
    build,
    load_yaml,
    require_relative_names,
    setting,
)
from grasp_core.config_folder import config_dir
from grasp_core.errors import ConfigError

COMMAND_UNITS = ("gap", "finger", "joint_angle")
PREFIX = "{prefix}"


@dataclass(frozen=True)
class GripperProfile(Checked):
    """Fingers, limits and driver of a parallel gripper; the gap is between its fingers."""

    urdf: str = setting(
        "",
        "description of the hand, a file beside this one, whose root goes to the arm's flange; "
        "empty: the robot's own URDF holds the hand",
    )
    joints: tuple[str, ...] = setting(
        (), "joints of its joint states: fingers, m, whose sum is the gap, or one joint_angle, rad"
    )
    finger_links: tuple[str, ...] = setting((), "links of the two fingers", length=2)
    hand_links: tuple[str, ...] = setting((), "links of the hand, fingers included")
    max_gap_m: float = setting(0.08, "widest gap, m", minimum=0.0)
    max_force_n: float = setting(
        40.0, "strongest grip that it keeps up, N per finger", minimum=0.0
    )
    reports_force: bool = setting(
        True, "whether its joint states carry a measured effort, N per finger"
    )
    action: str = setting("gripper/gripper_cmd", "GripperCommand action of its driver")
    joint_states_topic: str = setting(
        "gripper/joint_states", "topic of its driver's own joint states"
    )
    joint_states_hz: float = setting(
        100.0, "how often its driver measures, 1/s", minimum=1.0, maximum=1000.0
    )
    published_hz: float = setting(
        0.0,
        "how often its driver publishes joint states, 1/s; between two measurements it repeats "
        "the last one with a fresh stamp; 0: as often as it measures",
        minimum=0.0,
        maximum=1000.0,
    )
    command_unit: str = setting(
        "gap",
        "what GripperCommand.position means to the driver: the gap, one finger's way (half the "
        "gap), or an angle",
        choices=COMMAND_UNITS,
    )
    command_offset: float = setting(0.0, "added to the commanded position, its unit")
    angle_rad: tuple[float, ...] = setting(
        (), "for joint_angle: angles of its joint, rad, increasing; gap_m has the gap at each"
    )
    gap_m: tuple[float, ...] = setting(
        (), "for joint_angle: gap at each of angle_rad, m, all growing or all shrinking"
    )
    finger_length_m: float = setting(0.045, "fingertip to palm, m", minimum=0.0)
    pad_width_m: float = setting(0.02, "finger pad across the closing axis, m", minimum=0.0)
    pad_height_m: float = setting(0.02, "finger pad along the approach axis, m", minimum=0.0)
    finger_thickness_m: float = setting(0.01, "finger along the closing axis, m", minimum=0.0)
    hand_width_m: float = setting(0.2, "palm along the closing axis, m", minimum=0.0)
    hand_depth_m: float = setting(0.065, "palm across the closing axis, m", minimum=0.0)

    def __post_init__(self) -> None:
        """Check the fields, then their relations.

        Raises:
            ConfigError: A value is out of its bounds or contradicts another.
        """
        super().__post_init__()
        require_relative_names(self, "action", "joint_states_topic")
        if self.command_unit == "joint_angle":
            self._check_table()
        elif self.angle_rad or self.gap_m:
            raise ConfigError(
                f"angle_rad and gap_m belong to command_unit joint_angle, which is "
                f"{self.command_unit!r}: take them out, or change it"
            )

    def _check_table(self) -> None:
        angles, gaps = self.angle_rad, self.gap_m
        if len(angles) != len(gaps) or len(angles) < 2:
            raise ConfigError(
                f"angle_rad has {len(angles)} values and gap_m {len(gaps)}: command_unit "
                "joint_angle needs both, as many of one as of the other, at least two"
            )
        if len(self.joints) != 1:
            raise ConfigError(
                f"joints is {list(self.joints)}: command_unit joint_angle reads the one joint "
                "whose angle its table holds"
            )
        if not np.all(np.diff(angles) > 0.0):
            raise ConfigError(f"angle_rad is {list(angles)}, must increase from value to value")
        steps = np.diff(gaps)
        if not (np.all(steps > 0.0) or np.all(steps < 0.0)):
            raise ConfigError(
                f"gap_m is {list(gaps)}, must grow or shrink from value to value all along, or an "
                "angle cannot be told from a gap"
            )
        if max(gaps) < self.max_gap_m - 1e-9:
            raise ConfigError(
                f"max_gap_m is {self.max_gap_m}, but gap_m reaches no further than {max(gaps)}: "
                "add the angle of the open gripper, or lower max_gap_m"
            )

    def with_prefix(self, prefix: str) -> GripperProfile:
        """The hand as one robot's driver names it: ``{prefix}`` filled in wherever it stands."""
        named: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, str):
                named[field.name] = value.replace(PREFIX, prefix)
            elif isinstance(value, tuple) and value and isinstance(value[0], str):
                named[field.name] = tuple(text.replace(PREFIX, prefix) for text in value)
        return replace(self, **named)

    def command_from_gap(self, gap_m: float) -> float:
        """Position that the driver takes for a gap in metres; beyond a table, its nearest end."""
        if self.command_unit == "joint_angle":
            order = np.argsort(self.gap_m)
            gaps, angles = np.array(self.gap_m)[order], np.array(self.angle_rad)[order]
            return float(np.interp(gap_m, gaps, angles)) + self.command_offset
        scale = 0.5 if self.command_unit == "finger" else 1.0
        return gap_m * scale + self.command_offset

    def gap_from_command(self, position: float) -> float:
        """Gap in metres for a driver's position; inverse of :meth:`command_from_gap`."""
        value = position - self.command_offset
        if self.command_unit == "joint_angle":
            return self.gap_from_joints([value])
        return value * 2.0 if self.command_unit == "finger" else value

    def gap_from_joints(self, positions: Sequence[float]) -> float:
        """Gap in metres from the joint states' positions, in the order of ``joints``."""
        if self.command_unit == "joint_angle":
            return float(np.interp(positions[0], self.angle_rad, self.gap_m))
        return float(sum(positions))


def gripper_names() -> list[str]:
    """Names of the hands under ``config/grippers``."""
    return sorted(path.stem for path in (config_dir() / "grippers").glob("*.yaml"))


def load_gripper(name: str) -> GripperProfile:
    """Read a hand's profile; what it leaves open it takes from the hand it is ``based_on``.

    Raises:
        ConfigError: No such hand, or a value of its profile is wrong; names both.
    """
    path = _profile_path(name)
    values = load_yaml(path)
    if "based_on" in values:
        values = {**load_yaml(_profile_path(str(values.pop("based_on")))), **values}
    return build(GripperProfile, values, str(path))


def _profile_path(name: str) -> Path:
    if name not in gripper_names():
        raise ConfigError(f"no gripper {name!r}; valid names are {', '.join(gripper_names())}")
    return config_dir() / "grippers" / f"{name}.yaml"
