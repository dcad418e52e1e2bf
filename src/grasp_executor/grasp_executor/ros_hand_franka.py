"""Franka's hand behind franka_gripper of franka_ros2: actions move and grasp, service stop."""

from __future__ import annotations

from typing import Any

from franka_msgs.action import Grasp, Move
from rclpy.action import ActionClient
from rclpy.task import Future
from std_srvs.srv import Trigger

from grasp_core.errors import GripperFailed
from grasp_core.hand_drivers import FrankaDriver
from grasp_core.robot import RobotModel
from grasp_executor.config import ExecutorConfig
from grasp_executor.interfaces import Motion
from grasp_executor.ros_hand_action import WideOpening
from grasp_executor.ros_hand_states import JointStateHand
from grasp_executor.ros_motion import ActionMotion
from grasp_executor.ros_states import JointStateCache
from grasp_ros.spinner import Spinner


class FrankaHand(JointStateHand):
    """See Gripper.

    Opening is a ``move``; closing is a ``grasp``, which keeps its force, and whose epsilon takes
    anything between the jaws, or nothing, for success: whoever closes them judges by the states.
    """

    def __init__(
        self, hardware: Spinner, model: RobotModel, config: ExecutorConfig, states: JointStateCache
    ) -> None:
        super().__init__(model.gripper, states)
        self._driver = driver = model.gripper.driver_as(FrankaDriver)
        self._hardware = hardware
        self._timeout_s = config.hardware_timeout_s
        self._move = ActionClient(hardware.node, Move, f"{driver.node}/move")
        self._grasp = ActionClient(hardware.node, Grasp, f"{driver.node}/grasp")
        self._stop = hardware.node.create_client(Trigger, f"{driver.node}/stop")

    def start(self, gap_m: float, force_n: float) -> Motion:
        """See Gripper."""
        if gap_m <= 0.0:
            return self._close(force_n)
        if gap_m < self._profile.max_gap_m:
            return self._open(gap_m)
        return WideOpening(self._open, gap_m)

    def stop(self) -> None:
        """Have the jaws stop, and press no more; what comes of it, their states tell."""
        if not self._stop.service_is_ready():
            self._complain("is not there")
            return
        self._hardware.run(lambda: self._stop.call_async(Trigger.Request())).add_done_callback(
            self._hear_of_stop
        )

    def _hear_of_stop(self, answer: Future) -> None:
        response = answer.result()
        if response is not None and not response.success:
            self._complain(f"failed: {response.message}")

    def _complain(self, what: str) -> None:
        node = self._hardware.node
        node.get_logger().error(f"{self._stop.srv_name} {what}")

    def _open(self, gap_m: float) -> ActionMotion:
        goal = Move.Goal(width=gap_m, speed=self._driver.speed_m_s)
        return self._send(self._move, "move", goal)

    def _close(self, force_n: float) -> ActionMotion:
        goal = Grasp.Goal(width=0.0, speed=self._driver.speed_m_s, force=force_n)
        goal.epsilon.inner = goal.epsilon.outer = 2.0 * self._profile.max_gap_m
        return self._send(self._grasp, "grasp", goal)

    def _send(self, client: ActionClient, name: str, goal: Any) -> ActionMotion:
        return _StoppedMotion(
            self,
            self._hardware,
            client,
            f"{self._driver.node}/{name}",
            goal,
            "the gripper",
            self._timeout_s,
            self._judge,
            GripperFailed,
        )

    def _judge(self, status: int, result: Any) -> None:
        """A missed width is no failure, but what the hand's library threw is one.

        Raises:
            GripperFailed: There is an error in words.
        """
        if result.error:
            raise GripperFailed(
                f"{self._driver.node} reports {result.error!r}: if the hand was switched on or "
                "its fingers were changed, home it while it is empty (ros2 action send_goal "
                f"{self._driver.node}/homing franka_msgs/action/Homing '{{}}'); else see its log"
            )


class _StoppedMotion(ActionMotion):
    """A goal whose cancelling stops the hand, too: its server may be late to see the cancel."""

    def __init__(self, hand: FrankaHand, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._hand = hand

    def cancel(self) -> None:
        """See Motion."""
        if not self.done():
            self._hand.stop()
        super().cancel()
