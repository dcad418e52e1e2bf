"""The robot and its surroundings as a running move_group has them, kept as we want them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import Collision, ConfigError, PlanningFailed
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.interfaces import JointVector, Wait
from grasp_executor.planning.kinematics import Kinematics
from grasp_executor.planning.move_group import (
    AllowedContacts,
    Carried,
    MoveGroup,
    RobotState,
    SceneContents,
    Solid,
)
from grasp_executor.planning.moveit_codes import SUCCESS, failure_of
from grasp_executor.planning.moveit_config import MoveItConfig
from grasp_executor.planning.moveit_path import joint_travel, thinned
from grasp_executor.planning.moveit_scene import (
    CARRIED,
    WantedScene,
    links_of,
    plain,
    wanted_scene,
)
from grasp_executor.planning.touching import describe_touch
from grasp_executor.scene import Box, CollisionScene, require_volume

_SAME_M, _SAME_RAD = 1e-3, 5e-3  # by which two descriptions of one robot may differ
_LEAVING_SHARE = 0.2  # of the step of checks: the way out is short
_NOTHING = SceneContents({}, (), AllowedContacts())


class MoveItWorld:
    """One scene at a time: told without a call, sent before it is needed, verified when sent.

    The carried box and the fingers travel with every request as part of the robot's state, so
    they cannot be out of date. Obstacles are in the planning scene, where others may change them.

    Attributes:
        group: Planning group of the arm.
    """

    def __init__(
        self,
        robot: RobotModel,
        config: MoveItConfig,
        move_group: MoveGroup,
        kinematics: Kinematics,
    ) -> None:
        self._robot, self._config = robot, config
        self._move_group, self._kinematics = move_group, kinematics
        self.group = config.group or robot.arm.planning_group
        self._links, self._still_links = links_of(robot)
        self._finger_limits = _joint_limits(robot)
        self._scene = CollisionScene()
        self._attached: Box | None = None
        self._gap_m = robot.gripper.max_gap_m
        self._T_model_base: Transform | None = None
        self._there = _NOTHING
        self._wanted: WantedScene | None = None
        self._shrunk = False

    def set_scene(self, scene: CollisionScene) -> None:
        """Replace all obstacles.

        Raises:
            ConfigError: Box names repeat, or a contact names an unknown link or box.
        """
        scene.require_consistent(self._robot.name, self._links)
        self._scene, self._wanted = scene, None

    def attach(self, box: Box | None) -> None:
        """Carry a box, its pose relative to the tcp frame, with the hand; None lets go."""
        if box is not None:
            require_volume(box)
        self._attached, self._wanted = box, None

    def set_gap(self, gap_m: float) -> None:
        """Check collisions with the fingers this far apart, metres."""
        self._gap_m = float(gap_m)

    def state(self, joints: JointVector) -> RobotState:
        """The robot at arm positions, shape (J,), rad, with its fingers and what it carries."""
        positions = dict(zip(self._robot.arm.joints, map(float, joints), strict=True))
        fingers = self._robot.gripper.joints
        for finger, (lower, upper) in self._finger_limits.items():
            positions[finger] = float(np.clip(self._gap_m / len(fingers), lower, upper))
        carried = None
        if self._attached is not None:
            solid = Solid(CARRIED, self._attached.size_m, self._attached.pose)
            hand = tuple(link for link in self._robot.gripper.hand_links if link in self._links)
            carried = Carried(solid, self._robot.arm.tcp_frame, hand)
        return RobotState(positions, carried)

    def in_model(self, T_base_tcp: Transform, wait: Wait) -> Transform:
        """A pose of the base frame in move_group's model frame."""
        if self._T_model_base is None:
            self._T_model_base = self._locate(wait)
        return self._T_model_base @ T_base_tcp

    def enter(self, wait: Wait, *, shrunk: bool = False) -> None:
        """Make move_group's scene the one that was set, and see that it is.

        Args:
            wait: Of the planner.
            shrunk: All boxes smaller by ``leave_depth_m`` instead of padded.

        Raises:
            PlanningFailed: It is another one all the same.
            ConfigError: move_group's robot is another one.
        """
        if self._wanted is not None and self._shrunk is shrunk:
            return
        self._T_model_base = self._locate(wait)
        wanted = wanted_scene(
            self._scene,
            self._T_model_base,
            self._still_links,
            -self._config.leave_depth_m if shrunk else self._config.padding_m,
            self._attached is not None,
        )
        difference = "it is not known"
        for known in (self._there, None):
            if known is None or not known.contacts.names:
                known = self._move_group.read_scene(wait)
            put, remove, contacts = wanted.changes(known)
            accepted = self._move_group.change_scene(put, remove, contacts, wait)
            self._there = self._move_group.read_scene(wait)
            difference = wanted.difference(self._there)
            if accepted and not difference:
                self._wanted, self._shrunk = wanted, shrunk
                return
        raise PlanningFailed(
            f"move_group's planning scene is not the one it was given: "
            f"{difference or 'it refused a part'}; does another client write there?"
        )

    def difference(self, wait: Wait) -> str:
        """What was changed in the scene since it was entered, in words; empty if nothing."""
        if self._wanted is None:
            return "it was not sent"
        self._there = self._move_group.read_scene(wait)
        difference = self._wanted.difference(self._there)
        if difference:
            self._wanted = None
        return difference

    def touching(
        self, configurations: Sequence[JointVector], wait: Wait
    ) -> list[list[tuple[str, str]]]:
        """For each arm configuration, pairs (link, link or box) that touch and may not."""
        if not len(configurations):
            return []
        states = [self.state(joints) for joints in configurations]
        boxes = {box.name for box in self._scene.boxes}
        return [
            sorted(
                {
                    (b, a) if a in boxes else (a, b)
                    for a, b in ((plain(first), plain(second)) for first, second in pairs)
                }
            )
            for pairs in self._move_group.touching(states, self.group, wait)
        ]

    def require_free(self, positions: NDArray[np.float64], leaving: bool, wait: Wait) -> None:
        """Check a path state by state, shape (N, J), in the padded scene.

        A path that leaves the padding may be in it until it comes out, within the distance, and
        not come back. Deeper contact was excluded when it was planned.

        Raises:
            Collision: It touches something; names the pair.
        """
        self.enter(wait)
        step = self._config.check_step_rad * (_LEAVING_SHARE if leaving else 1.0)
        states, _ = thinned(positions, joint_travel(positions), step)
        first = self._kinematics.forward(states[0])
        clear = not leaving
        for joints, pairs in zip(states, self.touching(list(states), wait), strict=True):
            if not pairs:
                clear = True
                continue
            distance, _ = first.distance_to(self._kinematics.forward(joints))
            if clear or distance > self._config.leave_distance_m:
                raise Collision(
                    f"{self.explain(pairs)} after {1e3 * distance:.0f} mm of the motion"
                )
        if not clear:
            raise Collision(f"{self.explain(pairs)} at the end of the motion")

    def explain(self, pairs: Sequence[tuple[str, str]]) -> str:
        """What touches what, in words, in the scene as it was entered last."""
        padding = 0.0 if self._shrunk else self._config.padding_m
        return describe_touch(pairs, self._scene.boxes, padding)

    def _locate(self, wait: Wait) -> Transform:
        """Base frame in the model frame, from where move_group has base and tcp.

        Raises:
            ConfigError: Its robot is described otherwise than ours.
        """
        arm = self._robot.arm
        observe = np.array(arm.observe)
        code, poses = self._move_group.poses(
            self.state(observe), (arm.base_frame, arm.tcp_frame), wait
        )
        if code != SUCCESS:
            raise failure_of(code, f"asked for {arm.base_frame} and {arm.tcp_frame}")
        T_model_base, T_model_tcp = poses
        ours = self._kinematics.forward(observe)
        offset, angle = (T_model_base.inverse() @ T_model_tcp).distance_to(ours)
        if offset > _SAME_M or angle > _SAME_RAD:
            raise ConfigError(
                f"move_group's robot is not {self._robot.name}: at the profile's observe its "
                f"{arm.tcp_frame} is {1e3 * offset:.1f} mm and {angle:.3f} rad away from where "
                "our description has it; start move_group with the description of this stack, or "
                "name the robot and hand that it has"
            )
        return T_model_base


def _joint_limits(robot: RobotModel) -> dict[str, tuple[float, float]]:
    """Limits of the finger joints that move on their own, from the URDF."""
    limits = {}
    for joint in ET.fromstring(robot.urdf).iter("joint"):
        limit = joint.find("limit")
        if joint.get("name") in robot.gripper.joints and limit is not None:
            lower, upper = (float(limit.get(key, "0")) for key in ("lower", "upper"))
            limits[str(joint.get("name"))] = (lower, upper)
    return limits
