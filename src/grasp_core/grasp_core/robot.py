"""The robot model: one URDF and one profile under ``config/robots/NAME``, read by everyone."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasp_core.config import Checked, build, config_dir, load_yaml, setting
from grasp_core.errors import ConfigError, MissingDependency

_MESH_PREFIX = "package://pybullet_data/"
COMMAND_UNITS = ("gap", "finger", "joint_angle")


@dataclass(frozen=True)
class ArmProfile(Checked):
    """Joints, limits and named configurations of an arm."""

    base_frame: str = setting("", "frame in which poses are planned")
    tcp_frame: str = setting("", "link of the grasp frame: between the fingertips, +Z approach")
    joints: tuple[str, ...] = setting((), "arm joints, base to tip")
    lower: tuple[float, ...] = setting((), "lower position limits, rad")
    upper: tuple[float, ...] = setting((), "upper position limits, rad")
    velocity: tuple[float, ...] = setting((), "velocity limits, rad/s", minimum=1e-3)
    acceleration: tuple[float, ...] = setting((), "acceleration limits, rad/s^2", minimum=1e-3)
    observe: tuple[float, ...] = setting((), "configuration outside the camera's view, rad")
    allowed_contacts: tuple[str, ...] = setting(
        (), "link pairs 'a b' that never collide or always touch"
    )
    payload_kg: float = setting(1.0, "largest mass the arm may carry, kg", minimum=0.0)


@dataclass(frozen=True)
class GripperProfile(Checked):
    """Fingers, limits and command convention of a parallel gripper."""

    joints: tuple[str, ...] = setting((), "finger joints, m each; gap is their sum")
    finger_links: tuple[str, ...] = setting((), "links of the two fingers", length=2)
    hand_links: tuple[str, ...] = setting((), "links of the hand, fingers included")
    max_gap_m: float = setting(0.08, "widest gap, m", minimum=0.0)
    max_force_n: float = setting(40.0, "strongest grip, N per finger", minimum=0.0)
    command_unit: str = setting(
        "gap", "what GripperCommand.position means to the driver", choices=COMMAND_UNITS
    )
    command_offset: float = setting(0.0, "added to the commanded position, its unit")
    reports_force: bool = setting(True, "whether joint states carry a measured effort, N")
    finger_length_m: float = setting(0.045, "fingertip to palm, m", minimum=0.0)
    pad_width_m: float = setting(0.02, "finger pad across the closing axis, m", minimum=0.0)
    pad_height_m: float = setting(0.02, "finger pad along the approach axis, m", minimum=0.0)
    finger_thickness_m: float = setting(0.01, "finger along the closing axis, m", minimum=0.0)
    hand_width_m: float = setting(0.2, "palm along the closing axis, m", minimum=0.0)
    hand_depth_m: float = setting(0.065, "palm across the closing axis, m", minimum=0.0)


@dataclass(frozen=True)
class RobotModel:
    """A robot as simulator, planner, executor and RViz see it.

    Attributes:
        name: Folder under ``config/robots``.
        arm: Arm profile.
        gripper: Gripper profile.
        urdf: Robot description; mesh files as absolute paths.
    """

    name: str
    arm: ArmProfile
    gripper: GripperProfile
    urdf: str

    def limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper joint limits, shape (J,) each, rad."""
        return np.array(self.arm.lower), np.array(self.arm.upper)

    def command_from_gap(self, gap_m: float) -> float:
        """Driver position for a gap between the fingers, metres -> the driver's unit.

        Raises:
            ConfigError: The driver commands joint angles, which needs a linkage model.
        """
        if self.gripper.command_unit == "joint_angle":
            raise ConfigError(
                f"robot {self.name}: command_unit joint_angle has no linkage model yet; use a "
                "driver that takes gap or finger"
            )
        scale = 0.5 if self.gripper.command_unit == "finger" else 1.0
        return gap_m * scale + self.gripper.command_offset

    def gap_from_command(self, position: float) -> float:
        """Gap in metres for a driver position; inverse of :meth:`command_from_gap`."""
        scale = 0.5 if self.gripper.command_unit == "finger" else 1.0
        return (position - self.gripper.command_offset) / scale


def robot_names() -> list[str]:
    """Names of the robots under ``config/robots``."""
    return sorted(p.parent.name for p in (config_dir() / "robots").glob("*/profile.yaml"))


def load_robot(name: str) -> RobotModel:
    """Read a robot's profile and URDF.

    Raises:
        ConfigError: No such robot, or its profile is inconsistent.
        MissingDependency: The package that holds its meshes is not installed.
    """
    folder = config_dir() / "robots" / name
    if not (folder / "profile.yaml").is_file():
        raise ConfigError(f"no robot {name!r}; valid names are {', '.join(robot_names())}")
    profile = load_yaml(folder / "profile.yaml")
    source = str(folder / "profile.yaml")
    arm = build(ArmProfile, profile.get("arm", {}), f"{source} (arm)")
    gripper = build(GripperProfile, profile.get("gripper", {}), f"{source} (gripper)")
    for field in ("lower", "upper", "velocity", "acceleration", "observe"):
        if len(getattr(arm, field)) != len(arm.joints):
            raise ConfigError(f"{source}: {field} needs one value for each of {arm.joints}")
    text = (folder / f"{name}.urdf").read_text(encoding="utf-8")
    if _MESH_PREFIX in text:
        text = text.replace(_MESH_PREFIX, f"{_mesh_root()}/")
    return RobotModel(name=name, arm=arm, gripper=gripper, urdf=text)


def _mesh_root() -> Path:
    found = importlib.util.find_spec("pybullet_data")
    if found is None or not found.submodule_search_locations:
        raise MissingDependency(
            "the robot's meshes come with the package pybullet: pip install pybullet"
        )
    return Path(found.submodule_search_locations[0])
