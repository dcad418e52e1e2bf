"""The robot's hand without its arm: four joints carry it straight to any grasp from above."""

from __future__ import annotations

import math
from xml.etree import ElementTree

from grasp_core.errors import ConfigError
from grasp_core.robot import ArmProfile, RobotModel
from grasp_core.transform import Transform

JOINTS = ("hand_x", "hand_y", "hand_z", "hand_yaw")
PARKED = (0.0, 0.0, 3.0, 0.0)  # above every camera
FORCE_N = 500.0
_REACH = 7.0  # m and rad
_CARRIER = "hand_carrier"


def free_hand(robot: RobotModel) -> RobotModel:
    """A robot that is the hand alone.

    Its joints are x, y and z of the grasp frame in the base frame, and the yaw. At yaw 0 the grasp
    frame's +Z points down and its +Y along -y of the base.

    Args:
        robot: A robot whose hand holds the grasp frame by a fixed joint.

    Raises:
        ConfigError: The URDF lacks one of the links that the profile names.
    """
    source = ElementTree.fromstring(robot.urdf)
    kept = {*robot.gripper.hand_links, robot.arm.tcp_frame}
    joints = {_end(joint, "child"): joint for joint in source.findall("joint")}
    if not kept <= joints.keys():
        missing = ", ".join(sorted(kept - joints.keys()))
        raise ConfigError(f"robot {robot.name}: its URDF has no joint that carries {missing}")
    root = ElementTree.Element("robot", name=f"{robot.name}_hand")
    _add_carrier(root)
    for link in source.findall("link"):
        if link.get("name") in kept:
            root.append(link)
    for child in kept:
        if _end(joints[child], "parent") in kept:
            root.append(joints[child])
    tcp = joints[robot.arm.tcp_frame]
    downwards = Transform.from_rpy((math.pi, 0.0, 0.0)) @ _origin(tcp).inverse()
    _add_joint(root, "hand_mount", "fixed", _CARRIER, _end(tcp, "parent"), downwards)
    count = len(JOINTS)
    arm = ArmProfile(
        base_frame="base",
        tcp_frame=robot.arm.tcp_frame,
        joints=JOINTS,
        lower=(-_REACH,) * count,
        upper=(_REACH,) * count,
        velocity=(10.0,) * count,
        acceleration=(10.0,) * count,
        observe=PARKED,
        payload_kg=robot.arm.payload_kg,
    )
    urdf = ElementTree.tostring(root, encoding="unicode")
    return RobotModel(root.attrib["name"], arm, robot.gripper, urdf)


def joints_at(T_base_grasp: Transform) -> tuple[float, float, float, float]:
    """Joint positions that bring the grasp frame to a pose whose approach is straight down.

    Raises:
        ConfigError: It approaches from elsewhere.
    """
    if T_base_grasp.rotation[2, 2] > -0.999:
        raise ConfigError("a free hand only grasps from straight above")
    x, y, z = map(float, T_base_grasp.translation)
    closing = T_base_grasp.rotation[:, 1]
    return x, y, z, math.atan2(closing[0], -closing[1])


def _add_carrier(root: ElementTree.Element) -> None:
    ElementTree.SubElement(root, "link", name="base")
    parent = "base"
    for name, axis in zip(JOINTS, ("1 0 0", "0 1 0", "0 0 1", "0 0 1"), strict=True):
        child = _CARRIER if name == JOINTS[-1] else f"{name}_link"
        _add_link(root, child)
        kind = "revolute" if name == JOINTS[-1] else "prismatic"
        joint = _add_joint(root, name, kind, parent, child, Transform.identity())
        ElementTree.SubElement(joint, "axis", xyz=axis)
        limits = {"lower": -_REACH, "upper": _REACH, "velocity": 10.0, "effort": FORCE_N}
        ElementTree.SubElement(joint, "limit", {k: str(v) for k, v in limits.items()})
        parent = child


def _add_link(root: ElementTree.Element, name: str) -> None:
    link = ElementTree.SubElement(root, "link", name=name)
    inertial = ElementTree.SubElement(link, "inertial")
    ElementTree.SubElement(inertial, "mass", value="0.5")
    moments = dict.fromkeys(("ixx", "iyy", "izz"), "0.01")
    products = dict.fromkeys(("ixy", "ixz", "iyz"), "0")
    ElementTree.SubElement(inertial, "inertia", {**moments, **products})


def _add_joint(
    root: ElementTree.Element, name: str, kind: str, parent: str, child: str, pose: Transform
) -> ElementTree.Element:
    joint = ElementTree.SubElement(root, "joint", name=name, type=kind)
    ElementTree.SubElement(joint, "parent", link=parent)
    ElementTree.SubElement(joint, "child", link=child)
    rpy = pose.rpy
    values = {"rpy": rpy, "xyz": pose.translation}
    text = {key: " ".join(map(str, value)) for key, value in values.items()}
    ElementTree.SubElement(joint, "origin", text)
    return joint


def _end(joint: ElementTree.Element, which: str) -> str:
    found = joint.find(which)
    return "" if found is None else found.get("link", "")


def _origin(joint: ElementTree.Element) -> Transform:
    found = joint.find("origin")
    values = {} if found is None else found.attrib
    rpy, xyz = (
        [float(number) for number in values.get(key, "0 0 0").split()] for key in ("rpy", "xyz")
    )
    return Transform.from_rpy(rpy, xyz)
