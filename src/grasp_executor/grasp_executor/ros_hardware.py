"""Arm and gripper over ROS: joint states, FollowJointTrajectory, GripperCommand."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from control_msgs.action import FollowJointTrajectory, GripperCommand
from control_msgs.msg import JointTolerance
from rclpy.action import ActionClient
from trajectory_msgs.msg import JointTrajectoryPoint

from grasp_core.errors import (
    GripperFailed,
    StaleJointStates,
    TrajectoryAborted,
    TrajectoryRefused,
    UnexpectedContact,
)
from grasp_core.gripper_profile import GripperProfile
from grasp_core.robot import RobotModel
from grasp_executor.config import ExecutorConfig
from grasp_executor.interfaces import ArmState, GripperState, JointTrajectory, JointVector
from grasp_executor.ros_motion import ActionMotion
from grasp_executor.ros_states import JointSample, JointStateCache
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
        goal.trajectory.joint_names = list(trajectory.joints)
        goal.trajectory.points = [
            JointTrajectoryPoint(
                positions=positions.tolist(),
                velocities=velocities.tolist(),
                accelerations=accelerations.tolist(),
                time_from_start=_duration(time_s),
            )
            for time_s, positions, velocities, accelerations in zip(
                trajectory.times_s,
                trajectory.positions,
                trajectory.velocities,
                trajectory.accelerations,
                strict=True,
            )
        ]
        path_rad, goal_rad = self._profile.tolerances_rad()
        goal.path_tolerance = _tolerances(self._joints, path_rad)
        goal.goal_tolerance = _tolerances(self._joints, goal_rad)
        goal.goal_time_tolerance = _duration(self._profile.goal_time_tolerance_s)
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


class RosGripper:
    """A gripper behind its joint states and GripperCommand."""

    def __init__(
        self, hardware: Spinner, model: RobotModel, config: ExecutorConfig, states: JointStateCache
    ) -> None:
        self._hardware = hardware
        self._profile = model.gripper
        self._action = config.gripper_action or self._profile.action
        self._states = states
        states.remember(self._profile.joints)
        self._timeout_s = config.hardware_timeout_s
        self._client = ActionClient(
            hardware.node,
            GripperCommand,
            self._action,
        )

    def state(self) -> GripperState:
        """See Gripper."""
        return _gripper_state(self._profile, self._states.read(self._profile.joints))

    def states_since(self, stamp_s: float) -> list[GripperState]:
        """See Gripper."""
        profile = self._profile
        self._states.read(profile.joints)
        samples = self._states.since(profile.joints, stamp_s)
        return [_gripper_state(profile, sample) for sample in samples]

    def start(self, gap_m: float, force_n: float) -> ActionMotion:
        """See Gripper."""
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
            _judge_gripper,
            GripperFailed,
        )


def _gripper_state(profile: GripperProfile, joints: Sequence[JointSample]) -> GripperState:
    efforts = [abs(joint.effort) for joint in joints] if profile.reports_force else [math.nan] * 2
    return GripperState(
        profile.gap_from_joints([joint.position for joint in joints]),
        np.array(efforts),
        min(joint.stamp_s for joint in joints),
    )


def _judge_gripper(status: int, result: GripperCommand.Result) -> None:
    # A stalled gripper may be reported as aborted: it holds something, which is what closing is.
    if status != GoalStatus.STATUS_SUCCEEDED and not (result.stalled or result.reached_goal):
        raise GripperFailed(
            f"the gripper gave up at position {result.position:.4f} with {result.effort:.1f} N"
        )


def _duration(seconds: float) -> Duration:
    sec, nanosec = divmod(round(float(seconds) * NANOSECONDS), NANOSECONDS)
    return Duration(sec=int(sec), nanosec=int(nanosec))
