"""Where the links of an arm are along a trajectory, and how fast their fastest point moves.

Independent of any planner: it reads the robot description alone, so one limit holds for all of
them.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from grasp_core.errors import ConfigError
from grasp_core.optional import needed_by
from grasp_core.robot import RobotModel
from grasp_executor.interfaces import JointTrajectory
from grasp_executor.scene import Box

Array = NDArray[np.float64]

_STEP_S = 0.005  # between the instants at which speeds are looked at
_MOST_STEPS = 40  # of those between two points of a trajectory
_DIFFERENCE_S = 1e-5
_MARGIN = 1.002  # for what is faster between two instants


@dataclass(frozen=True, eq=False)
class _Joint:
    """A joint of the description: parent and child link, and how the child moves in the parent."""

    parent: str
    child: str
    T_parent_joint: Array
    axis: Array
    turns: bool
    column: int | None  # of the arm's joints; None where it does not move
    resting: float


class LinkMotion:
    """Forward kinematics of every link, for many configurations at once.

    Attributes:
        chain: Links from the base to the tcp frame, in order.
    """

    def __init__(self, robot: RobotModel) -> None:
        """Read the robot's description.

        Raises:
            ConfigError: A collision shape is of no kind known.
            MissingDependency: It is a mesh, and the library that reads meshes is not installed.
        """
        root = ElementTree.fromstring(robot.urdf)
        self._robot = robot
        joints = {one.child: one for one in map(self._joint, root.findall("joint"))}
        self._joints = _from_base(joints, robot.arm.base_frame)
        self._corners = {
            str(link.get("name")): _corners_of(link)
            for link in root.findall("link")
            if link.get("name") in {one.child for one in self._joints}
        }
        self.chain = [robot.arm.tcp_frame]
        while self.chain[0] != robot.arm.base_frame:
            self.chain.insert(0, joints[self.chain[0]].parent)

    def _joint(self, element: ElementTree.Element) -> _Joint:
        name, kind = element.get("name", ""), element.get("type", "fixed")
        arm, hand = self._robot.arm, self._robot.gripper
        axis = element.find("axis")
        is_finger = kind == "prismatic" and name in hand.joints
        return _Joint(
            _link(element, "parent"),
            _link(element, "child"),
            _origin(element),
            _vector(axis.get("xyz", "1 0 0")) if axis is not None else np.array([1.0, 0.0, 0.0]),
            turns=kind in ("revolute", "continuous"),
            column=arm.joints.index(name) if name in arm.joints else None,
            resting=hand.max_gap_m / len(hand.joints) if is_finger else 0.0,
        )

    def poses(self, joints: Array) -> dict[str, Array]:
        """Poses of all links in the base frame.

        Args:
            joints: Shape (N, J), rad, in the order of the profile.

        Returns:
            ``T_base_link`` by link, shape (N, 4, 4) each; the fingers stand wide open.
        """
        count = len(joints)
        found = {self._robot.arm.base_frame: np.broadcast_to(np.eye(4), (count, 4, 4))}
        for joint in self._joints:
            values = (
                np.full(count, joint.resting) if joint.column is None else joints[:, joint.column]
            )
            found[joint.child] = found[joint.parent] @ joint.T_parent_joint @ _moved(joint, values)
        return found

    def fastest_m_s(self, trajectory: JointTrajectory, held: Box | None = None) -> float:
        """Speed of the fastest point of any link, and of what the hand holds.

        The speed of a rigid body is greatest at a corner of its hull, so the corners of the boxes
        around its shapes bound it.

        Args:
            trajectory: Interpolated by cubic polynomials, as its controller does.
            held: Pose in the tcp frame; None for nothing.

        Returns:
            Metres per second.
        """
        positions, velocities = _sampled(trajectory)
        step = _DIFFERENCE_S * velocities
        before = self._corners_at(positions - step, held)
        after = self._corners_at(positions + step, held)
        speeds = np.linalg.norm(after - before, axis=2) / (2.0 * _DIFFERENCE_S)
        return float(speeds.max())

    def _corners_at(self, joints: Array, held: Box | None) -> Array:
        """Corners of everything that moves, shape (N, M, 3), metres, base frame."""
        poses = self.poses(joints)
        corners = [(poses[link], corners) for link, corners in self._corners.items()]
        if held is not None:
            half = 0.5 * np.array(held.size_m)
            corners.append(
                (poses[self._robot.arm.tcp_frame], held.pose.apply(_corners(-half, half)))
            )
        return np.concatenate(
            [
                np.einsum("nij,mj->nmi", T[:, :3, :3], points) + T[:, None, :3, 3]
                for T, points in corners
            ],
            axis=1,
        )


class LinkSpeedLimit:
    """Slows trajectories down as wholes, so that no point of the robot is faster than allowed."""

    def __init__(self, robot: RobotModel, limit_m_s: float) -> None:
        """Prepare; see :class:`LinkMotion` for the errors.

        Args:
            robot: Whose trajectories they are.
            limit_m_s: Metres per second, above 0.
        """
        self._motion = LinkMotion(robot)
        self._limit_m_s = limit_m_s

    def slowed(self, trajectory: JointTrajectory, held: Box | None = None) -> JointTrajectory:
        """The trajectory, its time stretched where it was too fast; its path is the same."""
        stretch = _MARGIN * self._motion.fastest_m_s(trajectory, held) / self._limit_m_s
        if stretch <= 1.0:
            return trajectory
        return replace(
            trajectory,
            times_s=trajectory.times_s * stretch,
            velocities=trajectory.velocities / stretch,
            accelerations=trajectory.accelerations / stretch**2,
        )


def _sampled(trajectory: JointTrajectory) -> tuple[Array, Array]:
    """Positions and velocities at and between the points, shape (M, J) each."""
    h = np.diff(trajectory.times_s)[:, None]
    if not len(h):
        return trajectory.positions, trajectory.velocities
    q0, q1 = trajectory.positions[:-1], trajectory.positions[1:]
    v0, v1 = trajectory.velocities[:-1], trajectory.velocities[1:]
    steps = int(np.clip(math.ceil(float(h.max()) / _STEP_S), 1, _MOST_STEPS))
    positions, velocities = [trajectory.positions[-1:]], [trajectory.velocities[-1:]]
    for s in np.arange(steps) / steps:
        # Cubic Hermite polynomial and its derivative.
        positions.append(
            (1 + 2 * s) * (1 - s) ** 2 * q0
            + s * (1 - s) ** 2 * h * v0
            + s**2 * (3 - 2 * s) * q1
            + s**2 * (s - 1) * h * v1
        )
        velocities.append(
            6 * s * (1 - s) * (q1 - q0) / h + (1 - s) * (1 - 3 * s) * v0 + s * (3 * s - 2) * v1
        )
    return np.concatenate(positions), np.concatenate(velocities)


def _from_base(joints: dict[str, _Joint], base: str) -> list[_Joint]:
    """Joints of all that hangs from the base frame, parents before their children."""
    ordered: list[_Joint] = []
    known = {base}
    while more := [j for j in joints.values() if j.parent in known and j.child not in known]:
        ordered += more
        known |= {joint.child for joint in more}
    return ordered


def _moved(joint: _Joint, values: Array) -> Array:
    """``T_joint_child``, shape (N, 4, 4)."""
    moved = np.broadcast_to(np.eye(4), (len(values), 4, 4)).copy()
    along = values[:, None] * joint.axis
    if joint.turns:
        moved[:, :3, :3] = Rotation.from_rotvec(along).as_matrix()
    else:
        moved[:, :3, 3] = along
    return moved


def _corners_of(link: ElementTree.Element) -> Array:
    """Corners of the boxes around a link's collision shapes, shape (M, 3); its origin without."""
    corners = [np.zeros((1, 3))]
    for collision in link.findall("collision"):
        shape = next(iter(collision.find("geometry") or ()), None)
        if shape is None:
            raise ConfigError(f"link {link.get('name')} has a collision without a geometry")
        T_link_shape = _origin(collision)
        points = _corners(*_extent(shape, str(link.get("name"))))
        corners.append(points @ T_link_shape[:3, :3].T + T_link_shape[:3, 3])
    return np.concatenate(corners)


def _extent(shape: ElementTree.Element, link: str) -> tuple[Array, Array]:
    """Lowest and highest corner of the box around a shape, metres, its own frame."""
    if shape.tag == "box":
        half = 0.5 * _vector(shape.get("size", ""))
    elif shape.tag == "sphere":
        half = np.full(3, float(shape.get("radius", "nan")))
    elif shape.tag == "cylinder":
        radius, length = float(shape.get("radius", "nan")), float(shape.get("length", "nan"))
        half = np.array([radius, radius, 0.5 * length])
    elif shape.tag == "mesh":
        return _mesh_extent(shape.get("filename", ""), _vector(shape.get("scale", "1 1 1")))
    else:
        raise ConfigError(
            f"link {link} has the collision shape {shape.tag!r}, must be box, sphere, cylinder "
            "or mesh"
        )
    return -half, half


def _mesh_extent(path: str, scale: Array) -> tuple[Array, Array]:
    with needed_by("the limit of the links' speed, where a link is drawn by a mesh", "coal"):
        import coal
    if not Path(path).is_file():
        raise ConfigError(f"there is no mesh {path}")
    mesh = coal.MeshLoader().load(path, scale)
    mesh.computeLocalAABB()
    box = mesh.aabb_local
    return np.array(box.min_), np.array(box.max_)


def _corners(lowest: Array, highest: Array) -> Array:
    return np.array(list(itertools.product(*zip(lowest, highest, strict=True))))


def _origin(element: ElementTree.Element) -> Array:
    matrix = np.eye(4)
    origin = element.find("origin")
    if origin is not None:
        matrix[:3, :3] = Rotation.from_euler(
            "xyz", _vector(origin.get("rpy", "0 0 0"))
        ).as_matrix()
        matrix[:3, 3] = _vector(origin.get("xyz", "0 0 0"))
    return matrix


def _vector(text: str) -> Array:
    return np.array([float(word) for word in text.split()])


def _link(joint: ElementTree.Element, end: str) -> str:
    found = joint.find(end)
    if found is None:
        raise ConfigError(f"joint {joint.get('name')} names no {end} link")
    return str(found.get("link"))
