"""The robot model: ``config/robots/NAME`` (arm and URDF) with a hand of ``config/grippers``."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from grasp_core.config import (
    Checked,
    build,
    load_yaml,
    require_relative_names,
    setting,
)
from grasp_core.config_folder import config_dir
from grasp_core.errors import ConfigError
from grasp_core.gripper_profile import PREFIX, GripperProfile, load_gripper
from grasp_core.mounted_hand import mount, read_urdf

_TCP = "{tcp}"
_HAND = "{hand}"

CAMERA_FIXED, CAMERA_ON_HAND = CAMERA_MOUNTS = ("fixed", "hand")


@dataclass(frozen=True)
class ArmProfile(Checked):
    """Joints, limits and named configurations of an arm, and its driver."""

    urdf: str = setting(
        "robot.urdf", "robot description, a file beside this one; without the hand if that has one"
    )
    gripper: str = setting("", "hand that it carries, a file under config/grippers")
    prefix: str = setting("", "what {prefix} in the names of its hand stands for")
    flange: str = setting("", "link that carries a hand with a URDF of its own")
    flange_rpy: tuple[float, ...] = setting(
        (0.0, 0.0, 0.0),
        "roll, pitch, yaw of that hand's root, +Z away from the arm, in the flange's frame, rad",
        length=3,
    )
    cell: str = setting(
        "tabletop",
        "cell that it fits and takes unless another is named, a file under config/cells",
    )
    base_frame: str = setting("", "frame in which poses are planned")
    tcp_frame: str = setting(
        "", "link of the grasp frame: between the fingertips, +Z approach; {tcp} in a hand's URDF"
    )
    trajectory_action: str = setting(
        "arm_controller/follow_joint_trajectory", "FollowJointTrajectory action of its controller"
    )
    joint_states_topic: str = setting("joint_states", "topic of its driver's own joint states")
    external_wrench_topic: str = setting(
        "",
        "WrenchStamped topic of what its hand exerts on its surroundings, base frame, estimated "
        "from its joint torques; a lifted mass shows its weight as a positive force.z; empty: "
        "it measures none",
    )
    external_wrench_axis: tuple[float, ...] = setting(
        (0.0, 0.0, 1.0),
        "direction of the force by which a lifted mass shows on external_wrench_topic, a unit "
        "vector in the frame of its messages; of a force-torque sensor that turns with the hand, "
        "while that points straight down",
        minimum=-1.0,
        maximum=1.0,
        length=3,
    )
    stop_topic: str = setting(
        "",
        "topic on which its driver tells its mode, to see a protective stop; empty: it tells none",
    )
    stop_type: str = setting(
        "", "message type of stop_topic, as package/msg/Type; must be installed beside the driver"
    )
    stop_field: str = setting(
        "", "field of that message that holds the mode, dots for fields in it"
    )
    stop_values: tuple[str, ...] = setting(
        (), "values of that field, as texts, at which the robot has stopped itself"
    )
    planning_group: str = setting("arm", "name of the arm in MoveIt's semantic description")
    joints: tuple[str, ...] = setting((), "arm joints, base to tip")
    lower: tuple[float, ...] = setting((), "lower position limits, rad")
    upper: tuple[float, ...] = setting((), "upper position limits, rad")
    velocity: tuple[float, ...] = setting((), "velocity limits, rad/s", minimum=1e-3)
    acceleration: tuple[float, ...] = setting((), "acceleration limits, rad/s^2", minimum=1e-3)
    observe: tuple[float, ...] = setting(
        (), "home: configuration outside the camera's view, where picks begin and end, rad"
    )
    look: tuple[float, ...] = setting(
        (),
        "configuration from which a camera on the hand sees the workspace, in place of observe, "
        "rad; empty: none was taught",
    )
    reach_m: float = setting(
        0.0,
        "how far from the base frame's z axis it grasps straight down, from table height to 0.25 "
        "m above, m; cells that reach further are refused; 0: not told",
        minimum=0.0,
    )
    allowed_contacts: tuple[str, ...] = setting(
        (),
        "link pairs 'a b' that never collide or always touch; {hand} is every link of the hand",
    )
    path_tolerance_rad: tuple[float, ...] = setting(
        (0.1,),
        "joint error on the way at which something is in it, rad; one for all joints, or each",
        minimum=1e-3,
        maximum=1.0,
    )
    goal_tolerance_rad: tuple[float, ...] = setting(
        (0.02,),
        "joint error allowed at the end, rad; one for all joints, or each",
        minimum=1e-4,
        maximum=1.0,
    )
    goal_time_tolerance_s: float = setting(
        0.5, "time beyond the last point to come within it, s", minimum=0.01, maximum=60.0
    )
    payload_kg: float = setting(1.0, "largest mass the arm may carry, kg", minimum=0.0)

    def __post_init__(self) -> None:
        """Check the fields, then their relations.

        Raises:
            ConfigError: A value is out of its bounds or contradicts another.
        """
        super().__post_init__()
        require_relative_names(self, "trajectory_action", "joint_states_topic")
        if self.external_wrench_topic:
            require_relative_names(self, "external_wrench_topic")
        if abs(np.linalg.norm(self.external_wrench_axis) - 1.0) > 1e-3:
            raise ConfigError(
                f"external_wrench_axis is {list(self.external_wrench_axis)}, must have length 1: "
                "give a unit vector"
            )
        self._check_stop()
        taught = ("look",) if self.look else ()
        for field in ("lower", "upper", "velocity", "acceleration", "observe", *taught):
            count = len(getattr(self, field))
            if count != len(self.joints):
                raise ConfigError(
                    f"{field} has {count} values, needs one for each of the {len(self.joints)} "
                    f"joints {', '.join(self.joints)}"
                )
        for field in ("path_tolerance_rad", "goal_tolerance_rad"):
            values = getattr(self, field)
            if len(values) not in (1, len(self.joints)):
                raise ConfigError(
                    f"{field} has {len(values)} values, needs one for all joints or one for each "
                    f"of the {len(self.joints)}"
                )

    def tolerances_rad(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Joint errors allowed on the way and at its end, shape (J,) each, rad."""
        count = len(self.joints)
        path, goal = (
            np.broadcast_to(np.array(values), count).copy()
            for values in (self.path_tolerance_rad, self.goal_tolerance_rad)
        )
        return path, goal

    def _check_stop(self) -> None:
        if not self.stop_topic:
            return
        require_relative_names(self, "stop_topic")
        if len(self.stop_type.split("/")) != 3 or not (self.stop_field and self.stop_values):
            raise ConfigError(
                f"stop_topic is {self.stop_topic!r}, but stop_type is {self.stop_type!r}, "
                f"stop_field {self.stop_field!r} and stop_values {list(self.stop_values)}: name a "
                "type as package/msg/Type, its field, and the values that mean stopped"
            )


@dataclass(frozen=True)
class RobotModel:
    """A robot as simulator, planner, executor and RViz see it.

    Attributes:
        name: Folder under ``config/robots``.
        arm: Arm profile.
        gripper: Profile of the hand that it carries.
        urdf: Robot description; mesh files as absolute paths.
    """

    name: str
    arm: ArmProfile
    gripper: GripperProfile
    urdf: str

    def for_camera(self, mount: str) -> RobotModel:
        """The robot whose picks begin and end where its camera sees the workspace.

        Args:
            mount: ``fixed``: outside the view of a camera beside it; ``hand``: where the camera
                on its hand looks at the workspace.

        Raises:
            ConfigError: Its profile has no such configuration.
        """
        if mount != CAMERA_ON_HAND:
            return self
        if not self.arm.look:
            raise ConfigError(
                f"robot {self.name} has no look configuration, from which a camera on its hand "
                f"sees the workspace: teach one, and write it into config/robots/{self.name}/"
                "profile.yaml"
            )
        return replace(self, arm=replace(self.arm, observe=self.arm.look))

    def limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper joint limits, shape (J,) each, rad."""
        return np.array(self.arm.lower), np.array(self.arm.upper)


def robot_names() -> list[str]:
    """Names of the robots under ``config/robots``."""
    return sorted(p.parent.name for p in (config_dir() / "robots").glob("*/profile.yaml"))


def load_robot(name: str, gripper: str = "") -> RobotModel:
    """Read a robot's profile, its hand's profile, and their URDFs as one.

    Args:
        name: Folder under ``config/robots``.
        gripper: File under ``config/grippers``; empty for the hand that the robot's profile
            names. One without a URDF of its own must be in the robot's.

    Raises:
        ConfigError: No such robot or hand, a wrong value, or names that the URDF does not hold.
        MissingDependency: A package that holds its meshes is not installed.
    """
    folder = config_dir() / "robots" / name
    if name not in robot_names():
        raise ConfigError(f"no robot {name!r}; valid names are {', '.join(robot_names())}")
    source = folder / "profile.yaml"
    arm = build(ArmProfile, load_yaml(source), str(source))
    if not (gripper or arm.gripper):
        raise ConfigError(f"{source}: gripper is empty: name a file under config/grippers")
    gripper = gripper or arm.gripper
    hand = load_gripper(gripper, arm.prefix)
    arm = replace(arm, allowed_contacts=_contacts(arm, hand))
    path = folder / arm.urdf
    urdf = read_urdf(path, source, {})
    if hand.urdf:
        _mount(arm, hand, urdf, source)
    _require_in_urdf(arm, hand, f"gripper {gripper}", urdf, path)
    return RobotModel(name, arm, hand, ElementTree.tostring(urdf, encoding="unicode"))


def _contacts(arm: ArmProfile, hand: GripperProfile) -> tuple[str, ...]:
    """Pairs that are not checked: the profile's, and all within the hand."""
    pairs = []
    for pair in arm.allowed_contacts:
        links = hand.hand_links if _HAND in pair else ("",)
        pairs += [pair.replace(_HAND, link) for link in links]
    pairs += [f"{a} {b}" for a, b in itertools.combinations(hand.hand_links, 2)]
    return tuple(dict.fromkeys(pairs))


def _mount(arm: ArmProfile, hand: GripperProfile, urdf: ElementTree.Element, source: Path) -> None:
    """Add the hand to the arm's description."""
    path = config_dir() / "grippers" / hand.urdf
    names = {PREFIX: arm.prefix, _TCP: arm.tcp_frame}
    try:
        mount(urdf, read_urdf(path, source, names), arm.flange, arm.flange_rpy)
    except ConfigError as error:
        raise ConfigError(f"{source} with {path}: {error}") from error


def _require_in_urdf(
    arm: ArmProfile, hand: GripperProfile, hand_name: str, urdf: ElementTree.Element, path: Path
) -> None:
    """Check that the URDF holds every joint and link that the profiles name."""
    joints = {joint.get("name", "") for joint in urdf.findall("joint")}
    links = {link.get("name", "") for link in urdf.findall("link")}
    pairs = [link for pair in arm.allowed_contacts for link in pair.split()]
    for owner, kind, known, named in (
        ("the arm's profile", "joint", joints, arm.joints),
        (hand_name, "joint", joints, hand.joints),
        (hand_name, "link", links, [*hand.finger_links, *hand.hand_links]),
        ("the arm's profile", "link", links, [arm.base_frame, arm.tcp_frame, *pairs]),
    ):
        missing = sorted(set(named) - known)
        if missing:
            raise ConfigError(
                f"{owner} names the {kind} {', '.join(map(repr, missing))}, which {path} does not "
                f"hold: correct the name, or name a hand that this robot carries"
            )
