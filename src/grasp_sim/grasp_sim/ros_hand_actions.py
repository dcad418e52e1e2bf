"""The actions of a simulated hand, each as the driver serves it that the profile names."""

from __future__ import annotations

import contextlib
import math
import time
from typing import Any, ClassVar

import numpy as np
from control_msgs.action import GripperCommand, ParallelGripperCommand
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node

from grasp_core.errors import HardwareLost
from grasp_core.gripper_profile import GripperProfile
from grasp_core.hand_drivers import ActionDriver
from grasp_sim.engine import Engine
from grasp_sim.gripper import GripperGoal
from grasp_sim.ros_running import Running
from grasp_sim.simulation import Simulation

_POLL_S = 0.002
_FEEDBACK_PERIOD_S = 0.1


class HandAction:
    """One action that moves the jaws; a class of its own says what its messages mean.

    Attributes:
        action_type: Type of the action.
    """

    action_type: ClassVar[Any] = None

    def __init__(
        self, node: Node, name: str, engine: Engine, running: Running, hand: GripperProfile
    ) -> None:
        self._node = node
        self._engine = engine
        self._running = running
        self._hand = hand
        self._server = ActionServer(
            node,
            self.action_type,
            name,
            execute_callback=self._execute,
            goal_callback=self._decide,
            cancel_callback=lambda goal: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def _decide(self, request: Any) -> GoalResponse:
        complaint = self.complaint(request)
        if complaint:
            self._node.get_logger().error(f"gripper command refused: {complaint}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _execute(self, handle: ServerGoalHandle) -> Any:
        with self._running:
            try:
                return self._run(handle)
            except HardwareLost:
                # The goal may be ended already, or its action server gone.
                with contextlib.suppress(rclpy_implementation.RCLError):
                    handle.abort()
                return self.action_type.Result()

    def _run(self, handle: ServerGoalHandle) -> Any:
        goal = self._engine.call(lambda simulation: self.begin(simulation, handle.request))
        told = time.monotonic()
        while not goal.done:
            time.sleep(_POLL_S)
            if handle.is_cancel_requested:
                self._engine.call(lambda simulation: simulation.stop_gripper(goal))
                handle.canceled()
                return self.report(goal, self.action_type.Result())
            if time.monotonic() - told > _FEEDBACK_PERIOD_S:
                told = time.monotonic()
                handle.publish_feedback(self.report(goal, self.action_type.Feedback()))
        result = self.report(goal, self.action_type.Result())
        if self.succeeded(goal, handle.request, result):
            handle.succeed()
        else:
            handle.abort()
        return result

    def gap_m(self) -> float:
        """What the hand's driver has measured last."""
        return float(self._engine.call(lambda s: s.hand_reading()).positions.sum())

    def complaint(self, request: Any) -> str:
        """Why a goal is refused; empty if it is not."""
        return ""

    def begin(self, simulation: Simulation, request: Any) -> GripperGoal:
        """Do what a goal asks for."""
        raise NotImplementedError

    def succeeded(self, goal: GripperGoal, request: Any, result: Any) -> bool:
        """Whether the driver calls the end of a goal a success; may add to its result."""
        raise NotImplementedError

    def report(self, goal: GripperGoal, message: Any) -> Any:
        """Fill in a result or a feedback."""
        raise NotImplementedError


class GripperCommandAction(HandAction):
    """As ``gripper_controllers`` with ``allow_stalling``: a stall is a success, too."""

    action_type = GripperCommand

    def complaint(self, request: GripperCommand.Goal) -> str:
        """See HandAction."""
        position, effort = request.command.position, request.command.max_effort
        most = self._hand.max_force_n
        if math.isfinite(position) and 0.0 <= effort <= most:
            return ""
        return (
            f"position {position}, max_effort {effort}; they must be finite and in [0, {most}] N"
        )

    def begin(self, simulation: Simulation, request: GripperCommand.Goal) -> GripperGoal:
        """See HandAction."""
        driver = self._hand.driver_as(ActionDriver)
        command = request.command
        return simulation.grip(driver.gap_from_command(command.position), command.max_effort)

    def succeeded(self, goal: GripperGoal, request: Any, result: Any) -> bool:
        """See HandAction."""
        return not goal.cancelled

    def report(self, goal: GripperGoal, message: Any) -> Any:
        """See HandAction."""
        reading = self._engine.call(lambda simulation: simulation.hand_reading())
        gap_m = float(reading.positions.sum())
        message.position = self._hand.driver_as(ActionDriver).command_from_gap(gap_m)
        message.effort = float(np.nan_to_num(np.abs(reading.efforts).min()))
        message.stalled, message.reached_goal = goal.stalled, goal.reached_goal
        return message


class ParallelGripperCommandAction(HandAction):
    """As ``parallel_gripper_controller`` by default: a stall aborts, and no effort is told."""

    action_type = ParallelGripperCommand

    def complaint(self, request: ParallelGripperCommand.Goal) -> str:
        """See HandAction."""
        positions, efforts = request.command.position, request.command.effort
        if len(positions) != 1 or not math.isfinite(positions[0]):
            return f"positions are {list(positions)}, must be one that is finite"
        if any(not 0.0 <= effort <= self._hand.max_force_n for effort in efforts):
            return f"efforts are {list(efforts)}, must lie in [0, {self._hand.max_force_n}] N"
        return ""

    def begin(self, simulation: Simulation, request: ParallelGripperCommand.Goal) -> GripperGoal:
        """See HandAction."""
        gap_m = self._hand.driver_as(ActionDriver).gap_from_command(request.command.position[0])
        return simulation.grip(gap_m, sum(request.command.effort[:1]))

    def succeeded(self, goal: GripperGoal, request: Any, result: Any) -> bool:
        """See HandAction."""
        return goal.reached_goal

    def report(self, goal: GripperGoal, message: Any) -> Any:
        """See HandAction."""
        driver = self._hand.driver_as(ActionDriver)
        message.state.position = [driver.command_from_gap(self.gap_m())]
        message.state.effort = [0.0]
        if isinstance(message, ParallelGripperCommand.Result):
            message.stalled, message.reached_goal = goal.stalled, goal.reached_goal
        return message
