"""Collision checks of the robot, what it carries, and boxes around it.

Obstacles and the carried box become links of the robot description, fixed to the base frame and
to the tcp frame. The description is then read once: much faster than adding geometries one by
one, box against box is never a pair, and frames need no composing by hand.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import ConfigError
from grasp_core.robot import RobotModel
from grasp_executor.interfaces import JointVector
from grasp_executor.planning.libraries import (
    Scene,
    hasCollisionsAlongPath,
    loadUrdfSceneDescriptionFromXml,
    pin,
)
from grasp_executor.scene import ATTACHED, Box, CollisionScene, require_volume

GROUP = "arm"
_BOX_PREFIX = "box:"  # keeps box names apart from the robot's links
_THINNEST_M = 1e-4


class CollisionWorld:
    """The robot, the box it carries and the obstacles, at one padding.

    Args:
        robot: The robot; its ``allowed_contacts`` are not checked.
        scene: Obstacles and the contacts allowed with them.
        attached: Box carried by the hand, pose in the tcp frame, never padded; it may touch the
            hand. None for none.
        padding_m: Added to each side of padded boxes; negative shrinks all boxes.

    Raises:
        ConfigError: Two boxes share a name, a size is not above 0, or a contact names a link or
            box that does not exist.
    """

    def __init__(
        self,
        robot: RobotModel,
        scene: CollisionScene | None = None,
        attached: Box | None = None,
        padding_m: float = 0.0,
    ) -> None:
        scene = scene or CollisionScene()
        root = _without_visuals(robot.urdf)
        links = {str(link.get("name")) for link in root.iter("link")}
        self._boxes = {box.name for box in scene.boxes}
        self._allowed = _allowed_pairs(robot, scene, attached, links)
        for box in scene.boxes:
            padding = padding_m if box.padded else min(0.0, padding_m)
            _append_box(root, _BOX_PREFIX + box.name, box, robot.arm.base_frame, padding)
        if attached is not None:
            _append_box(root, ATTACHED, attached, robot.arm.tcp_frame, 0.0)
        self._xml = ET.tostring(root, encoding="unicode")
        self._robot = robot
        self._gap_m = robot.gripper.max_gap_m

    @cached_property
    def scene(self) -> Scene:
        """The world in roboplan; built when first used, for scenes often change in a row."""
        scene = Scene(self._robot.name, loadUrdfSceneDescriptionFromXml(self._xml))
        scene.addGroup(GROUP, list(self._robot.arm.joints))
        scene.setCollisions(sorted(self._allowed), False)
        self._arm = _indices(scene, self._robot.arm.joints)
        self._fingers = _indices(scene, self._robot.gripper.joints)
        lower, upper = scene.getPositionLimitVectors("")
        self._finger_limits = lower[self._fingers], upper[self._fingers]
        self._full = np.clip(np.zeros(len(lower)), lower, upper)
        self._place_fingers(scene)
        return scene

    def set_gap(self, gap_m: float) -> None:
        """Hold the fingers this far apart, metres, clipped to their limits."""
        self._gap_m = gap_m
        if "scene" in self.__dict__:
            self._place_fingers(self.scene)

    def _place_fingers(self, scene: Scene) -> None:
        if self._fingers.size:
            each = self._gap_m / self._fingers.size
            self._full[self._fingers] = np.clip(each, *self._finger_limits)
        scene.setJointPositions(self._full)

    def collides(self, joints: JointVector) -> bool:
        """Whether anything touches that may not."""
        scene = self.scene
        self._full[self._arm] = joints
        return bool(scene.hasCollisions(self._full))

    def segment_free(self, a: JointVector, b: JointVector, step_rad: float) -> bool:
        """Whether the joint-space segment between two configurations is free of collisions."""
        scene = self.scene
        full_a, full_b = self._full.copy(), self._full.copy()
        full_a[self._arm], full_b[self._arm] = a, b
        return not hasCollisionsAlongPath(scene, full_a, full_b, step_rad, True, True)

    def first_collision(self, path: NDArray[np.float64]) -> int | None:
        """Index of the first colliding configuration of a path, shape (N, J); None if free."""
        for index, joints in enumerate(path):
            if self.collides(joints):
                return index
        return None

    def touching(self, joints: JointVector) -> list[tuple[str, str]]:
        """Names of all pairs (link, link or box) that touch and may not; empty if free."""
        scene = self.scene
        model, data, geometry, geometry_data, names = self._named
        configuration = pin.neutral(model)
        self._full[self._arm] = joints
        for name, value in zip(scene.getJointNames(), self._full, strict=True):
            configuration[model.joints[model.getJointId(name)].idx_q] = value
        pin.computeCollisions(model, data, geometry, geometry_data, configuration, False)
        hits = {
            tuple(sorted((names[pair.first], names[pair.second]), key=self.is_box))
            for index, pair in enumerate(geometry.collisionPairs)
            if geometry_data.collisionResults[index].isCollision()
        }
        return sorted((first, second) for first, second in hits)

    def is_box(self, name: str) -> bool:
        """Whether a name that :meth:`touching` tells is an obstacle's."""
        return name in self._boxes

    @cached_property
    def _named(self) -> tuple[Any, Any, Any, Any, list[str]]:
        """The same world in Pinocchio, which tells what collides; built when first asked."""
        model = pin.buildModelFromXML(self._xml)
        geometry = pin.buildGeomFromUrdfString(model, self._xml, pin.COLLISION)
        links = [model.frames[item.parentFrame].name for item in geometry.geometryObjects]
        geometry.addAllCollisionPairs()
        allowed = {frozenset(pair) for pair in self._allowed}
        wanted = [
            (pair.first, pair.second)
            for pair in geometry.collisionPairs
            if frozenset((links[pair.first], links[pair.second])) not in allowed
        ]
        geometry.removeAllCollisionPairs()
        for first, second in wanted:
            geometry.addCollisionPair(pin.CollisionPair(first, second))
        names = [link.removeprefix(_BOX_PREFIX) for link in links]
        return model, model.createData(), geometry, geometry.createData(), names


def _indices(scene: Scene, joints: tuple[str, ...]) -> NDArray[np.intp]:
    return np.asarray(scene.getJointPositionIndices(list(joints)), dtype=np.intp)


def _without_visuals(urdf: str) -> ET.Element:
    root = ET.fromstring(urdf)
    for link in root.iter("link"):
        for visual in link.findall("visual"):
            link.remove(visual)
    return root


def _allowed_pairs(
    robot: RobotModel, scene: CollisionScene, attached: Box | None, links: set[str]
) -> set[tuple[str, str]]:
    pairs = set()
    for text in robot.arm.allowed_contacts:
        names = text.split()
        if len(names) != 2 or not links.issuperset(names):
            raise ConfigError(
                f"robot {robot.name}: allowed_contacts holds {text!r}, which does not name two "
                "links of the URDF"
            )
        pairs.add((names[0], names[1]))
    scene.require_consistent(robot.name, links)
    for link, box in scene.contacts:
        if link != ATTACHED or attached is not None:
            pairs.add((link, _BOX_PREFIX + box))
    if attached is not None:
        pairs.update((ATTACHED, link) for link in robot.gripper.hand_links if link in links)
    return pairs


def _append_box(root: ET.Element, name: str, box: Box, parent: str, padding_m: float) -> None:
    require_volume(box)
    size = [max(_THINNEST_M, side + 2.0 * padding_m) for side in box.size_m]
    rpy = box.pose.rpy
    link = ET.SubElement(root, "link", name=name)
    geometry = ET.SubElement(ET.SubElement(link, "collision"), "geometry")
    ET.SubElement(geometry, "box", size=_numbers(size))
    joint = ET.SubElement(root, "joint", name=f"fix {name}", type="fixed")
    ET.SubElement(joint, "parent", link=parent)
    ET.SubElement(joint, "child", link=name)
    ET.SubElement(joint, "origin", xyz=_numbers(box.pose.translation), rpy=_numbers(rpy))


def _numbers(values: Any) -> str:
    return " ".join(repr(float(value)) for value in values)
