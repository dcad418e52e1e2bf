"""A simulated hand behind the node of Franka's: actions move and grasp, service stop."""

from __future__ import annotations

from typing import Any

from franka_msgs.action import Grasp, Move
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from std_srvs.srv import Trigger

from grasp_core.gripper_profile import GripperProfile
from grasp_core.hand_drivers import FrankaDriver
from grasp_sim.engine import Engine
from grasp_sim.gripper import GripperGoal
from grasp_sim.ros_hand_actions import HandAction
from grasp_sim.ros_running import Running
from grasp_sim.simulation import Simulation

_UNFORCED_N = 5.0  # of a move, which presses with what its friction needs
_STOPPED_N = 0.1
_FAILED = "libfranka gripper: Command failed!"


class FrankaAction(HandAction):
    """What both actions share: they refuse nothing, and tell the whole gap."""

    def report(self, goal: GripperGoal, message: Any) -> Any:
        """See HandAction."""
        if hasattr(message, "current_width"):
            message.current_width = self.gap_m()
        return message


class MoveAction(FrankaAction):
    """Goes to a width; one that the hand does not have fails at once."""

    action_type = Move

    def begin(self, simulation: Simulation, request: Move.Goal) -> GripperGoal:
        """See HandAction."""
        if not 0.0 <= request.width <= self._hand.max_gap_m + 1e-9:
            return GripperGoal(request.width, 0.0, cancelled=True)
        return simulation.grip(request.width, _UNFORCED_N)

    def succeeded(self, goal: GripperGoal, request: Move.Goal, result: Move.Result) -> bool:
        """See HandAction."""
        result.success = goal.reached_goal
        result.error = _FAILED if goal.cancelled else ""
        return bool(result.success)


class GraspAction(FrankaAction):
    """Closes with a force, which stays on."""

    action_type = Grasp

    def begin(self, simulation: Simulation, request: Grasp.Goal) -> GripperGoal:
        """See HandAction."""
        return simulation.grip(0.0, min(request.force, self._hand.max_force_n))

    def succeeded(self, goal: GripperGoal, request: Grasp.Goal, result: Grasp.Result) -> bool:
        """See HandAction."""
        low, high = request.width - request.epsilon.inner, request.width + request.epsilon.outer
        result.success = not goal.cancelled and bool(low < self.gap_m() < high)
        result.error = _FAILED if goal.cancelled else ""
        return bool(result.success)


def serve_franka(node: Node, engine: Engine, running: Running, hand: GripperProfile) -> None:
    """Serve what the node of Franka's hand does."""
    name = hand.driver_as(FrankaDriver).node
    MoveAction(node, f"{name}/move", engine, running, hand)
    GraspAction(node, f"{name}/grasp", engine, running, hand)

    def stop(request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        engine.call(lambda simulation: simulation.grip(simulation.gap_m, _STOPPED_N))
        response.success = True
        return response

    node.create_service(Trigger, f"{name}/stop", stop, callback_group=ReentrantCallbackGroup())
