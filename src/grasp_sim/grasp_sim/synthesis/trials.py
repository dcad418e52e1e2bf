"""Grasps tried by a free hand: it is put at the pose, closes, lifts, and tells what happened.

Much faster than a pick by the whole robot, and it leaves the scene as it was. Objects other than
the one that is grasped are held where they lie, which costs least; what only a push would free
counts as a failure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pybullet

from grasp_core.transform import Transform
from grasp_sim.config import STEPS_PER_S
from grasp_sim.gripper import GripperController
from grasp_sim.synthesis.free_hand import FORCE_N, PARKED, joints_at
from grasp_sim.synthesis.hold import Hold
from grasp_sim.truth import truth_of
from grasp_sim.world import SimObject, World

_PENETRATION_M = 0.0005
_CLOSE_S = 1.0  # longest
_LIFT_M, _LIFT_S = 0.05, 0.5
_HOLD_S = 0.1
_EMPTY_GAP_M = 0.002


class _Hand:
    """Joints of the free hand in a world, and their motors."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._joints = [world.joints[name] for name in world.robot.arm.joints]
        self._fingers = [world.joints[name] for name in world.robot.gripper.joints]

    def put(self, pose: Sequence[float], gap_m: float) -> None:
        """Be at a pose at once."""
        client, body = self._world.client, self._world.robot_body
        for joint, position in zip(self._joints, pose, strict=True):
            client.resetJointState(body, joint, position)
        for joint in self._fingers:
            client.resetJointState(body, joint, gap_m / 2.0)

    def drive(self, pose: Sequence[float], gap_m: float, force_n: float) -> None:
        """Set the motors' targets."""
        client, body = self._world.client, self._world.robot_body
        client.setJointMotorControlArray(
            body,
            self._joints,
            pybullet.POSITION_CONTROL,
            targetPositions=list(pose),
            forces=[FORCE_N] * len(self._joints),
        )
        for joint in self._fingers:
            client.setJointMotorControl2(
                body,
                joint,
                pybullet.POSITION_CONTROL,
                targetPosition=gap_m / 2.0,
                force=force_n,
                maxVelocity=self._world.config.finger_speed_m_s,
            )

    def gap_m(self) -> float:
        """Distance between the fingers."""
        states = self._world.client.getJointStates(self._world.robot_body, self._fingers)
        return float(np.sum([state[0] for state in states]))


def park_hand(world: World) -> None:
    """Keep the free hand out of the picture and away from what falls."""
    _Hand(world).drive(PARKED, world.robot.gripper.max_gap_m, FORCE_N)


class GraspTrials:
    """Tries grasps in a scene that has come to rest; the world's robot is a free hand."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rest = {name: world.pose(thing) for name, thing in world.objects.items()}
        self._hand = _Hand(world)

    def try_grasp(self, name: str, T_base_grasp: Transform, opening_m: float) -> Hold:
        """Try one grasp; afterwards everything lies where it lay.

        Args:
            name: The object that is meant.
            T_base_grasp: Grasp frame, approaching straight down.
            opening_m: Gap before closing.

        Raises:
            ConfigError: The approach is not straight down.
            ObjectNotFound: No such object.
        """
        world, thing = self._world, self._world.object(name)
        pose = joints_at(T_base_grasp)
        for other in world.objects.values():
            if other is not thing:
                world.set_movable(other, False)
        self._hand.put(pose, opening_m)
        try:
            if self._collides():
                return Hold.COLLIDES
            return self._close_and_lift(thing, pose, opening_m)
        finally:
            self._hand.put(PARKED, world.robot.gripper.max_gap_m)
            world.set_grip(0.0, holding=False)
            for other in world.objects.values():
                world.set_movable(other, True)
                world.place(other, self._rest[other.name])

    def _close_and_lift(self, thing: SimObject, pose: Sequence[float], opening_m: float) -> Hold:
        world, config = self._world, self._world.config
        gripper = GripperController(config, world.robot.gripper.max_gap_m)
        goal = gripper.command(0.0, config.default_force_n, 0.0)
        world.set_grip(goal.force_n, holding=False)
        for step in range(int(_CLOSE_S * STEPS_PER_S)):
            self._step(pose)
            gripper.watch(step / STEPS_PER_S, self._hand.gap_m())
            if goal.done:
                break
        if self._hand.gap_m() <= _EMPTY_GAP_M:
            return Hold.EMPTY
        world.set_grip(config.default_force_n, holding=True)
        steps = int(_LIFT_S * STEPS_PER_S)
        x, y, z, yaw = pose
        for step in range(1, steps + int(_HOLD_S * STEPS_PER_S) + 1):
            share = min(step / steps, 1.0)
            lift = _LIFT_M * share * share * (3.0 - 2.0 * share)  # starts and ends at rest
            self._step((x, y, z + lift, yaw))
            if self._hand.gap_m() <= _EMPTY_GAP_M:
                return Hold.LOST
        return Hold.HELD if truth_of(world, thing).between_fingers else Hold.LOST

    def _collides(self) -> bool:
        world = self._world
        world.client.performCollisionDetection()
        contacts = world.client.getContactPoints(bodyA=world.robot_body)
        return any(
            contact[2] != world.robot_body and contact[8] < -_PENETRATION_M for contact in contacts
        )

    def _step(self, pose: Sequence[float]) -> None:
        """Go on closing at a pose."""
        self._hand.drive(pose, 0.0, self._world.config.default_force_n)
        self._world.step()
