"""Which configurations keep clear of a scene's boxes, and how an arm may leave where it is.

Boxes are padded on each side, and every configuration of every trajectory is checked. Two
exceptions let an arm leave where it legitimately is:

- ``CollisionScene.contacts`` are never checked.
- A *start* may be inside the padding, or touch a box by up to ``leave_depth_m`` (an object stands
  on its table). The motion must then come clear of the padding within ``leave_distance_m`` of tcp
  travel, without touching deeper on the way, and may not come back. A *goal* is never excused:
  allow the contact or do not pad the box instead.

The carried box is not padded; it may touch the hand, and is checked against everything else.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import Collision
from grasp_core.robot import RobotModel
from grasp_executor.interfaces import JointVector
from grasp_executor.planning.collision import CollisionWorld
from grasp_executor.planning.embedded_config import EmbeddedConfig
from grasp_executor.planning.kinematics import Kinematics
from grasp_executor.planning.touching import describe_touch
from grasp_executor.scene import Box, CollisionScene

_WIDE_M = 0.002  # added to the padding where paths keep grazing


class Clearance:
    """The rule above, for one scene at a time.

    Attributes:
        padded: The scene as it is planned in.
    """

    def __init__(self, robot: RobotModel, config: EmbeddedConfig, kinematics: Kinematics) -> None:
        self._robot, self._config, self._kinematics = robot, config, kinematics
        self._scene = CollisionScene()
        self._attached: Box | None = None
        self._gap_m = robot.gripper.max_gap_m
        self.padded = self._build(config.padding_m)
        self._shrunk: CollisionWorld | None = None
        self._wide: CollisionWorld | None = None

    def set_scene(self, scene: CollisionScene) -> None:
        """Replace all obstacles.

        Raises:
            ConfigError: Box names repeat, or a contact names an unknown link or box.
        """
        self._replace(scene, self._attached)

    def attach(self, box: Box | None) -> None:
        """Carry a box, its pose relative to the tcp frame, with the hand; None lets go."""
        if box is not self._attached:
            self._replace(self._scene, box)

    def set_gap(self, gap_m: float) -> None:
        """Check with the fingers this far apart, metres; fully open until told."""
        self._gap_m = float(gap_m)
        for world in (self.padded, self._shrunk, self._wide):
            if world is not None:
                world.set_gap(self._gap_m)

    @property
    def wide(self) -> CollisionWorld:
        """The scene with a little more padding, for searches whose paths keep grazing."""
        if self._wide is None:
            self._wide = self._build(self._config.padding_m + _WIDE_M)
        return self._wide

    def must_leave(self, start: JointVector) -> bool:
        """Whether a start is inside the padding and must leave it.

        Raises:
            Collision: It touches deeper than that; names the pair.
        """
        if not self.padded.collides(start):
            return False
        shrunk = self._shrunk_world()
        if shrunk.collides(start):
            raise Collision(f"{self._touch(shrunk, start)} at the start")
        return True

    def require_free(self, name: str, joints: JointVector) -> None:
        """Refuse a configuration that is not free.

        Raises:
            Collision: Names the pair.
        """
        if self.padded.collides(joints):
            raise Collision(f"{self.explain(joints)} at the {name}")

    def first_bad(self, path: NDArray[np.float64], leaving: bool) -> int | None:
        """Index of the first configuration of a path that is not allowed; None if all are.

        Args:
            path: Shape (N, J), rad.
            leaving: Its start is inside the padding, and it is on its way out.
        """
        clear = 0
        if leaving:
            origin = self._kinematics.matrix(path[0])[:3, 3]
            shrunk = self._shrunk_world()
            while clear < len(path) and self.padded.collides(path[clear]):
                tip = self._kinematics.matrix(path[clear])[:3, 3]
                too_far = float(np.linalg.norm(tip - origin)) > self._config.leave_distance_m
                if too_far or shrunk.collides(path[clear]):
                    return clear
                clear += 1
            if clear == len(path):
                return clear - 1
        bad = self.padded.first_collision(path[clear:])
        return None if bad is None else clear + bad

    def explain(self, joints: JointVector) -> str:
        """What touches what in a configuration that is not free."""
        return self._touch(self.padded, joints, self._config.padding_m)

    def _touch(self, world: CollisionWorld, joints: JointVector, padding_m: float = 0.0) -> str:
        return describe_touch(world.touching(joints), self._scene.boxes, padding_m)

    def _replace(self, scene: CollisionScene, attached: Box | None) -> None:
        world = CollisionWorld(self._robot, scene, attached, self._config.padding_m)
        world.set_gap(self._gap_m)
        self._scene, self._attached = scene, attached
        self.padded, self._shrunk, self._wide = world, None, None

    def _build(self, padding_m: float) -> CollisionWorld:
        world = CollisionWorld(self._robot, self._scene, self._attached, padding_m)
        world.set_gap(self._gap_m)
        return world

    def _shrunk_world(self) -> CollisionWorld:
        if self._shrunk is None:
            self._shrunk = self._build(-self._config.leave_depth_m)
        return self._shrunk
