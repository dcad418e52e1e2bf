"""A hand behind control_msgs/action/ParallelGripperCommand, as of ros2_controllers in Jazzy.

Its controller moves one joint, takes exactly one position, and aborts on a stall unless it is told
to allow that. It heeds the effort where it is given an interface for it, and its own limit else.
"""

from __future__ import annotations

from control_msgs.action import ParallelGripperCommand

from grasp_executor.ros_hand_action import ActionHand


class ParallelGripperCommandHand(ActionHand):
    """See ActionHand."""

    action_type = ParallelGripperCommand

    def _goal(self, position: float, effort_n: float) -> ParallelGripperCommand.Goal:
        goal = ParallelGripperCommand.Goal()
        goal.command.name = [self._profile.joints[0]]
        goal.command.position, goal.command.effort = [position], [effort_n]
        return goal
