"""FollowJointTrajectory, served as ros2_control serves it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import numpy as np
from control_msgs.action import FollowJointTrajectory
from control_msgs.msg import JointTolerance
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node

from grasp_core.errors import GraspStackError, HardwareLost
from grasp_ros.conversions import ns_to_stamp
from grasp_sim.config import STEPS_PER_S
from grasp_sim.engine import Engine
from grasp_sim.ros_running import Running
from grasp_sim.simulation import Simulation
from grasp_sim.trajectory import (
    ErrorCode,
    Goal,
    InvalidTrajectory,
    Status,
    Tolerances,
    check_trajectory,
)

_POLL_S = 0.002
_REST_RAD_S = 0.01
_REST_PATIENCE_S = 2.0
_ARM_FEEDBACK_PERIOD_S = 0.02


class ArmController:
    """The action of the arm."""

    def __init__(
        self,
        node: Node,
        name: str,
        engine: Engine,
        running: Running,
        enabled: Callable[[], bool],
    ) -> None:
        self._node = node
        self._running = running
        self._engine = engine
        self._enabled = enabled
        self._server = ActionServer(
            node,
            FollowJointTrajectory,
            name,
            execute_callback=self._execute,
            goal_callback=self._decide,
            cancel_callback=lambda goal: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def _decide(self, goal: FollowJointTrajectory.Goal) -> GoalResponse:
        try:
            if not self._enabled():
                raise InvalidTrajectory(ErrorCode.INVALID_GOAL, "the controller is not active")
            self._engine.call(lambda simulation: _check(simulation, goal))
        except InvalidTrajectory as error:
            self._node.get_logger().error(f"trajectory refused ({error.error_code.name}): {error}")
            return GoalResponse.REJECT
        except GraspStackError as error:
            self._node.get_logger().error(f"trajectory refused: {error}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _execute(self, handle: ServerGoalHandle) -> FollowJointTrajectory.Result:
        with self._running:
            try:
                return self._run(handle)
            except HardwareLost as error:
                # The node is going; its action server may be gone already.
                with contextlib.suppress(rclpy_implementation.RCLError):
                    handle.abort()
                return FollowJointTrajectory.Result(error_string=str(error))

    def _run(self, handle: ServerGoalHandle) -> FollowJointTrajectory.Result:
        result = FollowJointTrajectory.Result()
        try:
            goal = self._engine.call(lambda simulation: _follow(simulation, handle.request))
        except InvalidTrajectory as error:  # the arm has moved since it was accepted
            handle.abort()
            result.error_code, result.error_string = int(error.error_code), str(error)
            return result
        told = time.monotonic()
        while not goal.done:
            time.sleep(_POLL_S)
            if time.monotonic() - told > _ARM_FEEDBACK_PERIOD_S:
                told = time.monotonic()
                self._tell(handle, goal)
            if handle.is_cancel_requested:
                self._engine.call(lambda simulation: simulation.stop_arm(goal))
                self._wait_for_rest()
                handle.canceled()
                return result
        result.error_code, result.error_string = int(goal.error_code), goal.error_text
        if goal.status is Status.SUCCEEDED:
            handle.succeed()
        else:
            self._node.get_logger().warning(f"trajectory {goal.status.value}: {goal.error_text}")
            handle.abort()
        return result

    def _tell(self, handle: ServerGoalHandle, goal: Goal) -> None:
        """Publish where the arm is and where it should be."""

        def look(simulation: Simulation) -> FollowJointTrajectory.Feedback:
            message = FollowJointTrajectory.Feedback()
            message.header.stamp = ns_to_stamp(simulation.time_ns)
            message.joint_names = list(simulation.robot.arm.joints)
            actual, speed = simulation.arm_state()
            desired = goal.desired if goal.desired.size else actual
            message.desired.positions = desired.tolist()
            message.actual.positions, message.actual.velocities = actual.tolist(), speed.tolist()
            message.error.positions = (desired - actual).tolist()
            elapsed = ns_to_stamp(round(goal.steps * 1e9 / STEPS_PER_S))
            message.desired.time_from_start.sec = elapsed.sec
            message.desired.time_from_start.nanosec = elapsed.nanosec
            return message

        message = self._engine.call(look)
        if not goal.done:
            handle.publish_feedback(message)

    def _wait_for_rest(self) -> None:
        deadline = time.monotonic() + _REST_PATIENCE_S
        while time.monotonic() < deadline:
            speed = self._engine.call(lambda simulation: np.abs(simulation.arm_state()[1]).max())
            if speed < _REST_RAD_S:
                return
            time.sleep(_POLL_S)


def _check(simulation: Simulation, goal: FollowJointTrajectory.Goal) -> None:
    trajectory = goal.trajectory
    check_trajectory(
        simulation.robot.arm,
        trajectory.joint_names,
        [_seconds(point.time_from_start) for point in trajectory.points],
        [point.positions for point in trajectory.points],
        [point.velocities for point in trajectory.points],
        [point.accelerations for point in trajectory.points],
        current=simulation.arm_state()[0],
        start_tolerance_rad=simulation.config.start_tolerance_rad,
    )


def _follow(simulation: Simulation, goal: FollowJointTrajectory.Goal) -> Goal:
    trajectory = goal.trajectory
    return simulation.follow(
        trajectory.joint_names,
        [_seconds(point.time_from_start) for point in trajectory.points],
        [point.positions for point in trajectory.points],
        [point.velocities for point in trajectory.points],
        [point.accelerations for point in trajectory.points],
        _tolerances(simulation, goal),
    )


def _tolerances(simulation: Simulation, goal: FollowJointTrajectory.Goal) -> Tolerances:
    default = simulation.default_tolerances()
    time_s = _seconds(goal.goal_time_tolerance)
    return Tolerances(
        _strictest(goal.path_tolerance, default.path_rad),
        _strictest(goal.goal_tolerance, default.goal_rad),
        time_s if time_s > 0.0 else default.goal_time_s,
    )


def _strictest(tolerances: list[JointTolerance], default: float) -> float:
    """One tolerance for all joints: the strictest one named; 0 is the default, below 0 none."""
    named = [tolerance.position for tolerance in tolerances if tolerance.position != 0.0]
    if not named:
        return default
    limits = [value for value in named if value > 0.0]
    return min(limits) if limits else 0.0


def _seconds(duration: object) -> float:
    return duration.sec + duration.nanosec * 1e-9  # type: ignore[attr-defined]
