"""A hand behind control_msgs/action/GripperCommand."""

from __future__ import annotations

from control_msgs.action import GripperCommand

from grasp_executor.ros_hand_action import ActionHand


class GripperCommandHand(ActionHand):
    """See ActionHand."""

    action_type = GripperCommand

    def _goal(self, position: float, effort_n: float) -> GripperCommand.Goal:
        goal = GripperCommand.Goal()
        goal.command.position, goal.command.max_effort = position, effort_n
        return goal
