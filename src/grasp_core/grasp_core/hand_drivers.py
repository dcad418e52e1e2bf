"""What a hand's driver wants to be told, by driver: a class and a line of ``DRIVERS`` each.

In ``config/grippers/NAME.yaml`` a driver's settings form the group of its name. Who talks to the
driver is in the executor (``ros_hands.py``), and its double in the simulator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from grasp_core.config import Checked, build, require_relative_names, setting
from grasp_core.errors import ConfigError
from grasp_core.jaw_inputs import JawInputs

if TYPE_CHECKING:
    from grasp_core.gripper_profile import GripperProfile

COMMAND_UNITS = ("gap", "finger", "joint_angle")
LINES = ("bool_topics", "fanuc")

_FANUC_OUTPUT = re.compile(r"(DO|RO|F)\[(\d+)\]")
_FANUC_INPUT = re.compile(r"(DI|DO|RI|RO|F)\[(\d+)\]")


@dataclass(frozen=True)
class HandDriver(Checked):
    """Base of the settings of a driver.

    Attributes:
        name: Of the driver, and of its group in the profile.
        reports_opening: Whether it measures the gap.
        opens_partly: Whether it goes to any gap, or knows open and closed alone.
        sets_force: Whether it is told how strongly to close.
    """

    name: ClassVar[str] = ""
    reports_opening: ClassVar[bool] = True
    opens_partly: ClassVar[bool] = True
    sets_force: ClassVar[bool] = True

    @property
    def shows_parts(self) -> bool:
        """Whether what it tells differs between jaws that hold something and empty ones."""
        return True

    def check(self, hand: GripperProfile) -> None:
        """Check the settings against the hand.

        Raises:
            ConfigError: They contradict each other.
        """

    def gap_from_joints(self, positions: Sequence[float]) -> float:
        """Gap in metres from the positions that it tells of the hand's joints."""
        return float(sum(positions))


@dataclass(frozen=True)
class ActionDriver(HandDriver):
    """A controller of one joint with one action, which takes positions in a unit of its own."""

    action: str = setting("gripper/gripper_cmd", "action of its controller")
    command_unit: str = setting(
        "gap",
        "what a position means to the controller: the gap, one finger's way (half the gap), or an "
        "angle",
        choices=COMMAND_UNITS,
    )
    command_offset: float = setting(0.0, "added to the commanded position, its unit")
    angle_rad: tuple[float, ...] = setting(
        (), "for joint_angle: angles of its joint, rad, increasing; gap_m has the gap at each"
    )
    gap_m: tuple[float, ...] = setting(
        (), "for joint_angle: gap at each of angle_rad, m, all growing or all shrinking"
    )

    def __post_init__(self) -> None:
        """Check the fields, then their relations.

        Raises:
            ConfigError: A value is out of its bounds or contradicts another.
        """
        super().__post_init__()
        require_relative_names(self, "action")
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
        if not np.all(np.diff(angles) > 0.0):
            raise ConfigError(f"angle_rad is {list(angles)}, must increase from value to value")
        steps = np.diff(gaps)
        if not (np.all(steps > 0.0) or np.all(steps < 0.0)):
            raise ConfigError(
                f"gap_m is {list(gaps)}, must grow or shrink from value to value all along, or an "
                "angle cannot be told from a gap"
            )

    def check(self, hand: GripperProfile) -> None:
        """See HandDriver."""
        if self.command_unit != "joint_angle":
            return
        if len(hand.joints) != 1:
            raise ConfigError(
                f"joints is {list(hand.joints)}: command_unit joint_angle reads the one joint "
                "whose angle its table holds"
            )
        if max(self.gap_m) < hand.max_gap_m - 1e-9:
            raise ConfigError(
                f"max_gap_m is {hand.max_gap_m}, but gap_m reaches no further than "
                f"{max(self.gap_m)}: add the angle of the open gripper, or lower max_gap_m"
            )

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
        """See HandDriver."""
        if self.command_unit == "joint_angle":
            return float(np.interp(positions[0], self.angle_rad, self.gap_m))
        return super().gap_from_joints(positions)


@dataclass(frozen=True)
class GripperCommandDriver(ActionDriver):
    """``control_msgs/action/GripperCommand``, as of ``gripper_controllers`` and many drivers."""

    name: ClassVar[str] = "gripper_command"


@dataclass(frozen=True)
class ParallelGripperCommandDriver(ActionDriver):
    """``control_msgs/action/ParallelGripperCommand``, as of ``parallel_gripper_controller``.

    It commands the first of the hand's joints.
    """

    name: ClassVar[str] = "parallel_gripper_command"


@dataclass(frozen=True)
class FrankaDriver(HandDriver):
    """The node ``franka_gripper`` of franka_ros2 (Jazzy): actions move and grasp, service stop."""

    name: ClassVar[str] = "franka"

    node: str = setting("franka_gripper", "name of its node, which begins those of its actions")
    speed_m_s: float = setting(0.1, "how fast the gap changes, m/s", minimum=0.001, maximum=0.5)

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            ConfigError: A value is out of its bounds.
        """
        super().__post_init__()
        require_relative_names(self, "node")


@dataclass(frozen=True)
class DigitalIoDriver(HandDriver):
    """Valves and switches on digital lines: it opens or closes, and nobody measures the gap.

    A line is named by its topic of std_msgs/Bool, or as FANUC's controller does: RO[1], DI[101].
    """

    name: ClassVar[str] = "digital_io"
    reports_opening: ClassVar[bool] = False
    opens_partly: ClassVar[bool] = False
    sets_force: ClassVar[bool] = False

    lines: str = setting(
        "bool_topics",
        "how lines are set and read: each a topic of std_msgs/Bool, or by FANUC's GPIO controller",
        choices=LINES,
    )
    controller: str = setting(
        "fanuc_gpio_controller",
        "for fanuc: name of the GPIO controller; its io_state, kept short, must hold the inputs, "
        "its io_cmd must not hold the outputs, which it would write over",
    )
    close_output: str = setting("", "line that closes the jaws while it is on; empty: a spring")
    open_output: str = setting("", "line that opens the jaws while it is on; empty: a spring")
    part_present_input: str = setting(
        "", "line that is on while a part is between the jaws; empty: there is none"
    )
    closed_input: str = setting(
        "", "line that is on at the closed end of the jaws' way, nothing in them; empty: none"
    )
    opened_input: str = setting(
        "", "line that is on at the open end of the jaws' way; empty: there is none"
    )
    active_low: tuple[str, ...] = setting((), "those of the lines above that are on when false")
    move_s: float = setting(
        0.5, "time that the jaws take from end to end at most, s", minimum=0.01, maximum=10.0
    )
    part_present_s: float = setting(
        0.5,
        "time after a closing within which the inputs must show the part, s",
        minimum=0.01,
        maximum=4.0,
    )

    def __post_init__(self) -> None:
        """Check the fields, then their relations.

        Raises:
            ConfigError: A value is out of its bounds or contradicts another.
        """
        super().__post_init__()
        lines = [*self.outputs, *self.inputs]
        if not self.outputs:
            raise ConfigError("close_output and open_output are empty: name one or both")
        if len(set(lines)) != len(lines):
            raise ConfigError(f"the lines are {', '.join(lines)}: one is named twice")
        unknown = sorted(set(self.active_low) - set(lines))
        if unknown:
            raise ConfigError(
                f"active_low names {', '.join(unknown)}, which is none of {', '.join(lines)}"
            )
        self._check_names()

    def _check_names(self) -> None:
        if self.lines == "fanuc":
            require_relative_names(self, "controller")
            for line in self.outputs:
                fanuc_signal(line, _FANUC_OUTPUT)
            for line in self.inputs:
                fanuc_signal(line, _FANUC_INPUT)
            return
        outputs, inputs = ("close", "open"), ("part_present", "closed", "opened")
        fields = [f"{name}_output" for name in outputs] + [f"{name}_input" for name in inputs]
        require_relative_names(self, *(field for field in fields if getattr(self, field)))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Lines that are set."""
        return tuple(line for line in (self.close_output, self.open_output) if line)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Lines that are read."""
        named = (self.part_present_input, self.closed_input, self.opened_input)
        return tuple(line for line in named if line)

    @property
    def shows_parts(self) -> bool:
        """See HandDriver."""
        return bool(self.part_present_input or self.closed_input)

    def levels(self, closes: bool) -> dict[str, bool]:
        """What each output line is set to for closing or opening, the one that goes off first."""
        wanted = [(self.close_output, closes), (self.open_output, not closes)]
        if closes:
            wanted.reverse()
        return {line: self.level(line, on) for line, on in wanted if line}

    def level(self, line: str, on: bool) -> bool:
        """Level of a line that is on or off."""
        return on is not (line in self.active_low)

    def inputs_from(self, levels: Mapping[str, bool]) -> JawInputs:
        """What levels of lines mean."""
        # A polarity is its own inverse.
        on = {line: self.level(line, level) for line, level in levels.items()}
        return JawInputs(
            on.get(self.part_present_input), on.get(self.closed_input), on.get(self.opened_input)
        )


def fanuc_signal(line: str, kinds: re.Pattern[str] = _FANUC_INPUT) -> tuple[str, int]:
    """Kind and number of a line of FANUC's controller, such as RO and 1 of ``RO[1]``.

    Raises:
        ConfigError: It is none.
    """
    match = kinds.fullmatch(line)
    if match is None:
        allowed = kinds.pattern.partition(")")[0].strip("(").replace("|", ", ")
        raise ConfigError(
            f"the line {line!r} is no signal of FANUC's controller: name it as RO[1], with one "
            f"of {allowed}"
        )
    return match[1], int(match[2])


DRIVERS: dict[str, type[HandDriver]] = {
    kind.name: kind
    for kind in (
        GripperCommandDriver,
        ParallelGripperCommandDriver,
        FrankaDriver,
        DigitalIoDriver,
    )
}


def with_driver(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    """A hand's values with its driver's name and group turned into the driver's settings.

    Raises:
        ConfigError: No such driver, a wrong setting, or a group of another driver.
    """
    values = dict(values)
    name = values.get("driver", GripperCommandDriver.name)
    if name not in DRIVERS:
        raise ConfigError(f"{source}: no driver {name!r}; valid names are {', '.join(DRIVERS)}")
    others = sorted(set(values) & set(DRIVERS) - {name})
    if others:
        raise ConfigError(
            f"{source}: {', '.join(others)} is the group of another driver than {name}: take it "
            "out, or change driver"
        )
    group = values.pop(name, None) or {}
    if not isinstance(group, Mapping):
        raise ConfigError(f"{source}: {name} must hold a mapping, holds {group!r}")
    return {**values, "driver": build(DRIVERS[name], group, f"{source} ({name})")}
