"""What only an operator may say: release, acknowledge and confirm, as services of the executor."""

from __future__ import annotations

import threading

from grasp_msgs.srv import Release
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from std_srvs.srv import Trigger

from grasp_executor.pick import PickSequence
from grasp_ros.conversions import pose_from_transform

_BUSY = "a pick is running: cancel it first"


class ConfirmService:
    """The operator of :class:`~grasp_executor.interfaces.Operator`, behind ``~/confirm``."""

    def __init__(self, node: Node) -> None:
        """Serve; nothing is asked for yet."""
        self._node = node
        self._lock = threading.Lock()
        self._asked = ""
        self._confirmed = False
        self._service = node.create_service(
            Trigger, "~/confirm", self._confirm, callback_group=ReentrantCallbackGroup()
        )

    def ask(self, what: str) -> None:
        """See Operator."""
        with self._lock:
            self._asked, self._confirmed = what, False
        self._node.get_logger().warning(f"waits for ~/confirm: {what}")

    def has_confirmed(self) -> bool:
        """See Operator."""
        with self._lock:
            return self._confirmed

    def withdraw(self) -> None:
        """See Operator."""
        with self._lock:
            self._asked, self._confirmed = "", False

    def destroy(self) -> None:
        """Serve no more."""
        self._node.destroy_service(self._service)

    def _confirm(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        with self._lock:
            asked = self._asked
            # One word is for one motion: a second, however soon, finds nothing to confirm.
            response.success = bool(asked) and not self._confirmed
            self._confirmed = bool(asked)
        response.message = f"confirmed: {asked}" if response.success else "nothing waits"
        return response


class OperatorServices:
    """Serves ``~/release`` and ``~/acknowledge`` between picks."""

    def __init__(
        self, node: Node, sequence: PickSequence, busy: threading.Lock, base_frame: str
    ) -> None:
        """Serve.

        Args:
            node: Whose services they are.
            sequence: Opens the hand, and forgets the fault.
            busy: Held while a pick or one of these runs.
            base_frame: Frame of the poses told.
        """
        self._node = node
        self._sequence = sequence
        self._busy = busy
        self._base_frame = base_frame
        group = ReentrantCallbackGroup()
        self._services = [
            node.create_service(Release, "~/release", self._release, callback_group=group),
            node.create_service(Trigger, "~/acknowledge", self._acknowledge, callback_group=group),
        ]

    def destroy(self) -> None:
        """Serve no more."""
        for service in self._services:
            self._node.destroy_service(service)

    def _release(self, request: Release.Request, response: Release.Response) -> Release.Response:
        if not self._busy.acquire(blocking=False):
            response.success, response.message = False, _BUSY
            return response
        try:
            report = self._sequence.release(request.confirm)
        finally:
            self._busy.release()
        response.success, response.message = report.success, report.message
        response.height_m = float(report.height_m)
        if report.T_base_grasp is not None:
            response.pose.header.frame_id = self._base_frame
            response.pose.header.stamp = self._node.get_clock().now().to_msg()
            response.pose.pose = pose_from_transform(report.T_base_grasp)
        if request.confirm:
            self._node.get_logger().warning(f"release by an operator: {report.message}")
        return response

    def _acknowledge(
        self, request: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        if not self._busy.acquire(blocking=False):
            response.success, response.message = False, _BUSY
            return response
        try:
            response.success, response.message = self._sequence.acknowledge()
        finally:
            self._busy.release()
        self._node.get_logger().warning(f"acknowledge by an operator: {response.message}")
        return response
