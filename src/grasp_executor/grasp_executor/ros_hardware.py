"""An arm over ROS: joint states and FollowJointTrajectory."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
from action_msgs.msg import GoalStatus
from control_msgs.action import FollowJointTrajectory
from control_msgs.msg import JointTolerance
from rclpy.action import ActionClient

from grasp_core.errors import (
    StaleJointStates,
    TrajectoryAborted,
    TrajectoryRefused,
    UnexpectedContact,
)
from grasp_core.robot import RobotModel
from grasp_executor.config import ExecutorConfig
from grasp_executor.interfaces import ArmState, JointTrajectory, JointVector
from grasp_executor.ros_motion import ActionMotion
from grasp_executor.ros_states import JointStateCache
from grasp_executor.ros_trajectory import duration_to_msg, trajectory_to_msg
from grasp_executor.ros_wrench import ExternalWrench
from grasp_executor.tracking import Tracking
from grasp_ros.conversions import NANOSECONDS, stamp_to_ns
from grasp_ros.spinner import Spinner


class RosArm:
    """An arm behind its joint states and FollowJointTrajectory."""

    def __init__(
        self, hardware: Spinner, model: RobotModel, config: ExecutorConfig, states: JointStateCache
    ) -> None:
        self._hardware = hardware
        self._action = config.arm_action or model.arm.trajectory_action
        self._profile = model.arm
        self._joints = model.arm.joints
        self._contact_s = config.contact_s
        self._states = states
        self._timeout_s = config.hardware_timeout_s
        self._client = ActionClient(
            hardware.node,
            FollowJointTrajectory,
            self._action,
        )
        self._wrench = ExternalWrench(hardware.node, model.arm, config.state_timeout_s)

    def external_force_n(self) -> tuple[float, float] | None:
        """See Arm."""
        return self._wrench.vertical_n()

    def state(self) -> ArmState:
        """See Arm."""
        joints = self._states.read(self._joints)
        if any(math.isnan(joint.velocity) for joint in joints):
            raise StaleJointStates(
                "the joint states carry no velocity: the driver must publish it, or nobody knows "
                "when the arm is at rest"
            )
        return ArmState(
            np.array([joint.position for joint in joints]),
            np.array([joint.velocity for joint in joints]),
            min(joint.stamp_s for joint in joints),
        )

    def start(self, trajectory: JointTrajectory) -> ActionMotion:
        """See Arm."""
        goal = FollowJointTrajectory.Goal()
        goal.trajectory = trajectory_to_msg(trajectory)
        path_rad, goal_rad = self._profile.tolerances_rad()
        goal.path_tolerance = _tolerances(self._joints, path_rad)
        goal.goal_tolerance = _tolerances(self._joints, goal_rad)
        goal.goal_time_tolerance = duration_to_msg(self._profile.goal_time_tolerance_s)
        tracking = Tracking(trajectory, path_rad, self._contact_s)
        return ActionMotion(
            self._hardware,
            self._client,
            self._action,
            goal,
            "the arm",
            self._timeout_s,
            _judge_trajectory,
            TrajectoryRefused,
            tracking,
            lambda message: _track(tracking, trajectory.joints, message.feedback),
        )


def _tolerances(joints: Sequence[str], limits_rad: JointVector) -> list[JointTolerance]:
    return [
        JointTolerance(name=name, position=float(limit))
        for name, limit in zip(joints, limits_rad, strict=True)
    ]


def _track(
    tracking: Tracking, joints: Sequence[str], feedback: FollowJointTrajectory.Feedback
) -> None:
    """Take a feedback; one that lacks a joint, set point or position tells nothing."""
    names = list(feedback.joint_names)
    desired, actual = feedback.desired.positions, feedback.actual.positions
    if not set(joints) <= set(names) or not len(names) == len(desired) == len(actual):
        return
    order = [names.index(name) for name in joints]
    # A controller that does not stamp its feedback is taken to send every sample once.
    stamp_s = stamp_to_ns(feedback.header.stamp) / NANOSECONDS or time.monotonic()
    tracking.add(stamp_s, np.array(desired)[order], np.array(actual)[order])


def _judge_trajectory(status: int, result: FollowJointTrajectory.Result) -> None:
    codes = FollowJointTrajectory.Result
    if status == GoalStatus.STATUS_SUCCEEDED and result.error_code == codes.SUCCESSFUL:
        return
    message = f"the arm controller reports {result.error_code}: {result.error_string or 'aborted'}"
    if result.error_code in (
        codes.INVALID_GOAL,
        codes.INVALID_JOINTS,
        codes.OLD_HEADER_TIMESTAMP,
    ):
        raise TrajectoryRefused(message)
    if result.error_code == codes.PATH_TOLERANCE_VIOLATED:
        raise UnexpectedContact(message)
    raise TrajectoryAborted(message)
