"""A parallel gripper: geometry, force, what it reports, and the driver that moves it.

``config/grippers/NAME.yaml`` says what is true of the hardware; a robot names the one it carries.
Names of joints, links, topics and actions may hold ``{prefix}``: the same hand goes to several
arms, and each robot's profile says with which prefix its driver names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from grasp_core.config import (
    Checked,
    build,
    load_yaml,
    require_relative_names,
    setting,
)
from grasp_core.config_folder import config_dir
from grasp_core.errors import BadGoal, ConfigError
from grasp_core.hand_drivers import DRIVERS, GripperCommandDriver, HandDriver, with_driver

PREFIX = "{prefix}"
DriverT = TypeVar("DriverT", bound=HandDriver)


@dataclass(frozen=True)
class GripperProfile(Checked):
    """Fingers, limits and driver of a parallel gripper; the gap is between its fingers."""

    urdf: str = setting(
        "",
        "description of the hand, a file beside this one, whose root goes to the arm's flange; "
        "empty: the robot's own URDF holds the hand",
    )
    joints: tuple[str, ...] = setting(
        (),
        "joints of the URDF that move its fingers: two, m, whose sum is the gap, or an angle, rad",
    )
    finger_links: tuple[str, ...] = setting((), "links of the two fingers", length=2)
    hand_links: tuple[str, ...] = setting((), "links of the hand, fingers included")
    max_gap_m: float = setting(0.08, "widest gap, m", minimum=0.0)
    start_force_n: float = setting(
        20.0, "grip of a first closing, N per finger; what light objects need", minimum=0.5
    )
    force_step_n: float = setting(
        25.0, "by which the next closing is stronger where a grip gave way, N", minimum=1.0
    )
    max_force_n: float = setting(
        40.0, "strongest grip that it keeps up, N per finger", minimum=0.0
    )
    reports_force: bool = setting(
        True, "whether its joint states carry a measured effort, N per finger"
    )
    reports_opening: bool = setting(
        True,
        "whether its driver measures the gap; false: it is unknown, which is no fault then",
    )
    driver: HandDriver = setting(
        GripperCommandDriver(), "who moves it, with the settings of the group of that name"
    )
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
    finger_length_m: float = setting(0.045, "fingertip to palm, m", minimum=0.0)
    pad_width_m: float = setting(0.02, "finger pad across the closing axis, m", minimum=0.0)
    pad_height_m: float = setting(0.02, "finger pad along the approach axis, m", minimum=0.0)
    finger_thickness_m: float = setting(0.01, "finger along the closing axis, m", minimum=0.0)
    hand_width_m: float = setting(0.2, "palm along the closing axis, m", minimum=0.0)
    hand_depth_m: float = setting(0.065, "palm across the closing axis, m", minimum=0.0)

    @property
    def states_hz(self) -> float:
        """Messages a second with joint states, measured anew or repeated."""
        return self.published_hz or self.joint_states_hz

    def __post_init__(self) -> None:
        """Check the fields, then their relations.

        Raises:
            ConfigError: A value is out of its bounds or contradicts another.
        """
        super().__post_init__()
        require_relative_names(self, "joint_states_topic")
        if self.reports_opening is not self.driver.reports_opening:
            needed = str(self.driver.reports_opening).lower()
            raise ConfigError(
                f"reports_opening is {str(self.reports_opening).lower()}, must be {needed} for "
                f"driver {self.driver.name}: correct it, or name another driver"
            )
        if self.start_force_n > self.max_force_n:
            raise ConfigError(
                f"start_force_n is {self.start_force_n} N, must be at most max_force_n "
                f"({self.max_force_n} N): lower it"
            )
        if self.reports_force and not self.reports_opening:
            raise ConfigError(
                f"reports_force is true, must be false for driver {self.driver.name}, which "
                "measures nothing"
            )
        self.driver.check(self)

    def grip_forces_n(self, delicate_n: float = 0.0) -> tuple[float, ...]:
        """Forces of one closing after the other, N per finger, increasing.

        Args:
            delicate_n: Most that what is grasped bears; 0 for as much as the hand has.

        Raises:
            BadGoal: The hand knows one force, and that is more.
        """
        most_n = min(delicate_n, self.max_force_n) if delicate_n > 0.0 else self.max_force_n
        if not self.driver.sets_force and most_n < self.max_force_n:
            raise BadGoal(
                f"delicate_force_n is {delicate_n} N, and the hand knows {self.max_force_n} N "
                "alone: take another hand, or leave it 0"
            )
        first_n = self.start_force_n if self.driver.sets_force else self.max_force_n
        forces = [min(first_n, most_n)]
        while forces[-1] < most_n:
            forces.append(min(forces[-1] + self.force_step_n, most_n))
        return tuple(forces)

    def driver_as(self, kind: type[DriverT]) -> DriverT:
        """The driver's settings, of the kind that somebody needs.

        Raises:
            ConfigError: The driver is another one.
        """
        if not isinstance(self.driver, kind):
            raise ConfigError(f"the hand's driver is {self.driver.name}, not {kind.name}")
        return self.driver

    def gap_from_joints(self, positions: Sequence[float]) -> float:
        """Gap in metres from the joint states' positions, in the order of ``joints``."""
        return self.driver.gap_from_joints(positions)


def gripper_names() -> list[str]:
    """Names of the hands under ``config/grippers``."""
    return sorted(path.stem for path in (config_dir() / "grippers").glob("*.yaml"))


def load_gripper(name: str, prefix: str = "") -> GripperProfile:
    """Read a hand's profile; what it leaves open it takes from the hand it is ``based_on``.

    Args:
        name: File under ``config/grippers``.
        prefix: With which one robot's driver names it: ``{prefix}`` wherever that stands.

    Raises:
        ConfigError: No such hand, or a value of its profile is wrong; names both.
    """
    path = _profile_path(name)
    values = load_yaml(path)
    if "based_on" in values:
        other = load_yaml(_profile_path(str(values.pop("based_on"))))
        if values.get("driver", other.get("driver")) != other.get("driver"):
            other = {name: value for name, value in other.items() if name not in DRIVERS}
        values = {**other, **values}
    return build(GripperProfile, with_driver(_named(values, prefix), str(path)), str(path))


def _named(value: Any, prefix: str) -> Any:
    """A value of the file with the prefix filled in, in whatever it holds."""
    if isinstance(value, dict):
        return {key: _named(held, prefix) for key, held in value.items()}
    if isinstance(value, list):
        return [_named(held, prefix) for held in value]
    return value.replace(PREFIX, prefix) if isinstance(value, str) else value


def _profile_path(name: str) -> Path:
    if name not in gripper_names():
        raise ConfigError(f"no gripper {name!r}; valid names are {', '.join(gripper_names())}")
    return config_dir() / "grippers" / f"{name}.yaml"
