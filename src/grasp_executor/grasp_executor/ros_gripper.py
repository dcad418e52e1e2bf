"""A gripper over ROS: joint states and GripperCommand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from action_msgs.msg import GoalStatus
from control_msgs.action import GripperCommand
from rclpy.action import ActionClient

from grasp_core.errors import GripperFailed
from grasp_core.gripper_profile import GripperProfile
from grasp_core.robot import RobotModel
from grasp_executor.config import ExecutorConfig
from grasp_executor.interfaces import GripperState, Motion
from grasp_executor.ros_motion import ActionMotion
from grasp_executor.ros_states import JointSample, JointStateCache
from grasp_ros.spinner import Spinner

_LESS_WIDE_M = 0.0005  # than the profile's widest: some servers abort beyond their own widest


class RosGripper:
    """A gripper behind its joint states and GripperCommand.

    Servers differ in when they call a motion done, stalled or aborted: Franka's aborts when it
    closes over an object, never says ``stalled``, and aborts beyond the width that homing found.
    So no verdict of theirs is a failure here; whoever moves the jaws judges by the states.
    """

    def __init__(
        self, hardware: Spinner, model: RobotModel, config: ExecutorConfig, states: JointStateCache
    ) -> None:
        self._hardware = hardware
        self._profile = model.gripper
        self._action = config.gripper_action or self._profile.action
        self._states = states
        states.remember(self._profile.joints)
        self._timeout_s = config.hardware_timeout_s
        self._client = ActionClient(hardware.node, GripperCommand, self._action)

    def state(self) -> GripperState:
        """See Gripper."""
        return _gripper_state(self._profile, self._states.read(self._profile.joints))

    def states_since(self, stamp_s: float) -> list[GripperState]:
        """See Gripper."""
        profile = self._profile
        self._states.read(profile.joints)
        samples = self._states.since(profile.joints, stamp_s)
        return [_gripper_state(profile, sample) for sample in samples]

    def start(self, gap_m: float, force_n: float) -> Motion:
        """See Gripper."""
        if gap_m < self._profile.max_gap_m:
            return self._send(gap_m, force_n)
        return _WideOpening(self, gap_m, force_n)

    def _send(self, gap_m: float, force_n: float) -> ActionMotion:
        goal = GripperCommand.Goal()
        goal.command.position = self._profile.command_from_gap(gap_m)
        goal.command.max_effort = force_n
        return ActionMotion(
            self._hardware,
            self._client,
            self._action,
            goal,
            "the gripper",
            self._timeout_s,
            _judge_nothing,
            GripperFailed,
        )


class _WideOpening:
    """Opening to the widest: asked for once more, a little less, where the server aborts it."""

    def __init__(self, gripper: RosGripper, gap_m: float, force_n: float) -> None:
        self._gripper = gripper
        self._less_m = gap_m - _LESS_WIDE_M
        self._force_n = force_n
        self._motion = gripper._send(gap_m, force_n)
        self._again = False
        self._cancelled = False

    def done(self) -> bool:
        """See Motion."""
        if not self._motion.done():
            return False
        if self._again or self._cancelled or self._motion.status != GoalStatus.STATUS_ABORTED:
            return True
        self._again = True
        self._motion = self._gripper._send(self._less_m, self._force_n)
        return False

    def cancel(self) -> None:
        """See Motion."""
        self._cancelled = True
        self._motion.cancel()

    def check(self) -> None:
        """See Motion."""
        self._motion.check()


def _gripper_state(profile: GripperProfile, joints: Sequence[JointSample]) -> GripperState:
    efforts = [abs(joint.effort) for joint in joints] if profile.reports_force else [math.nan] * 2
    return GripperState(
        profile.gap_from_joints([joint.position for joint in joints]),
        np.array(efforts),
        min(joint.stamp_s for joint in joints),
    )


def _judge_nothing(status: int, result: GripperCommand.Result) -> None:
    """The measured state decides."""
