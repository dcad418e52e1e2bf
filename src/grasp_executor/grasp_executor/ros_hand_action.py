"""A hand whose driver takes a position by one action, and publishes joint states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient

from grasp_core.errors import GripperFailed
from grasp_core.hand_drivers import ActionDriver
from grasp_core.robot import RobotModel
from grasp_executor.config import ExecutorConfig
from grasp_executor.interfaces import Motion
from grasp_executor.ros_hand_states import JointStateHand
from grasp_executor.ros_motion import ActionMotion
from grasp_executor.ros_states import JointStateCache
from grasp_ros.spinner import Spinner

_LESS_WIDE_M = 0.0005  # than the profile's widest: some servers abort beyond their own widest


class ActionHand(JointStateHand):
    """See Gripper.

    Servers differ in when they call a motion done, stalled or aborted: some abort when the jaws
    close over an object, or never say ``stalled``. So no verdict of theirs is a failure here;
    whoever moves the jaws judges by the states.

    Attributes:
        action_type: Type of the action.
    """

    action_type: ClassVar[Any] = None

    def __init__(
        self, hardware: Spinner, model: RobotModel, config: ExecutorConfig, states: JointStateCache
    ) -> None:
        super().__init__(model.gripper, states)
        self._driver = model.gripper.driver_as(ActionDriver)
        self._hardware = hardware
        self._action = config.gripper_action or self._driver.action
        self._timeout_s = config.hardware_timeout_s
        self._client = ActionClient(hardware.node, self.action_type, self._action)

    def start(self, gap_m: float, force_n: float) -> Motion:
        """See Gripper."""

        def send(gap_m: float) -> ActionMotion:
            return ActionMotion(
                self._hardware,
                self._client,
                self._action,
                self._goal(self._driver.command_from_gap(gap_m), force_n),
                "the gripper",
                self._timeout_s,
                _judge_nothing,
                GripperFailed,
            )

        return send(gap_m) if gap_m < self._profile.max_gap_m else WideOpening(send, gap_m)

    def _goal(self, position: float, effort_n: float) -> Any:
        """A goal for a position in the driver's unit."""
        raise NotImplementedError


class WideOpening:
    """A Motion to the widest gap: asked for once more, a little less, where the server aborts it.

    Franka's aborts beyond the width that homing found, which is not quite the data sheet's.
    """

    def __init__(self, send: Callable[[float], ActionMotion], widest_m: float) -> None:
        """Begin to open.

        Args:
            send: Sends the jaws to a gap, metres.
            widest_m: Gap of the profile, metres.
        """
        self._send = send
        self._less_m = widest_m - _LESS_WIDE_M
        self._motion = send(widest_m)
        self._again = False
        self._cancelled = False

    def done(self) -> bool:
        """See Motion."""
        if not self._motion.done():
            return False
        if self._again or self._cancelled or self._motion.status != GoalStatus.STATUS_ABORTED:
            return True
        self._again = True
        self._motion = self._send(self._less_m)
        return False

    def cancel(self) -> None:
        """See Motion."""
        self._cancelled = True
        self._motion.cancel()

    def check(self) -> None:
        """See Motion."""
        self._motion.check()


def _judge_nothing(status: int, result: Any) -> None:
    """The measured state decides."""
