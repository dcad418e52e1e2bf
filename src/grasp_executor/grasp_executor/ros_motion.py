"""A goal of an action server as a motion that can be watched, cancelled and judged."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.task import Future

from grasp_core.errors import GraspStackError, HardwareLost
from grasp_executor.tracking import Tracking
from grasp_ros.spinner import Spinner


class ActionMotion:
    """A goal of an action server as an :class:`~grasp_executor.interfaces.ArmMotion`."""

    def __init__(
        self,
        hardware: Spinner,
        client: ActionClient,
        name: str,
        goal: Any,
        what: str,
        timeout_s: float,
        judge: Callable[[int, Any], None],
        refused: type[GraspStackError],
        tracking: Tracking | None = None,
        feedback: Callable[[Any], None] | None = None,
    ) -> None:
        """Send a goal.

        Args:
            hardware: Node and thread of the client.
            client: Of the action.
            name: Of the action, for messages.
            goal: What is sent.
            what: Who follows it, for messages.
            timeout_s: Wall time without an answer that means that it is lost.
            judge: Raises what a status and a result mean.
            refused: What a refusal means.
            tracking: How the progress of an arm is judged.
            feedback: Takes the messages of the feedback.

        Raises:
            HardwareLost: There is no such action.
        """
        self._hardware = hardware
        self._what = what
        self._timeout_s = timeout_s
        self._judge = judge
        self._refused = refused
        self._tracking = tracking
        self._lost: HardwareLost | None = None
        self._handle: Any = None
        self._result: Future | None = None
        self._cancelled = False
        self._cancel_sent = False
        if not client.wait_for_server(timeout_sec=timeout_s):
            raise HardwareLost(
                f"{what} does not answer on {name} for {timeout_s:.1f} s: does its controller run?"
            )
        self._since = time.monotonic()
        told = {} if feedback is None else {"feedback_callback": feedback}
        self._accepted = hardware.run(lambda: client.send_goal_async(goal, **told))
        self._accepted.add_done_callback(self._on_answer)

    def done(self) -> bool:
        """See Motion."""
        if self._lost is not None:
            return True
        if self._handle is None:
            if not self._accepted.done():
                return self._silent("neither accepts nor refuses the goal")
            self._handle = self._accepted.result()
            if self._handle.accepted:
                self._result = self._hardware.run(self._handle.get_result_async)
        if not self._handle.accepted:
            return True
        if self._cancelled and not self._cancel_sent and not self._result_ready():
            self._cancel_sent = True
            self._since = time.monotonic()
            self._hardware.run(self._handle.cancel_goal_async)
        if self._cancel_sent and not self._result_ready():
            return self._silent("does not confirm the cancel")
        return self._result_ready()

    def progress_s(self) -> float:
        """See ArmMotion."""
        return math.nan if self._tracking is None else self._tracking.progress_s()

    def _on_answer(self, future: Future) -> None:
        """Cancel a goal that is accepted after it was given up."""
        if (self._cancelled or self._lost is not None) and future.result().accepted:
            future.result().cancel_goal_async()

    def _result_ready(self) -> bool:
        return self._result is not None and self._result.done()

    def _silent(self, complaint: str) -> bool:
        if time.monotonic() - self._since > self._timeout_s:
            self._lost = HardwareLost(f"{self._what} {complaint} within {self._timeout_s:.1f} s")
        return self._lost is not None

    @property
    def status(self) -> int:
        """How the goal ended, a status of GoalStatus; STATUS_UNKNOWN until then."""
        if self._result is None or not self._result.done():
            return int(GoalStatus.STATUS_UNKNOWN)
        return int(self._result.result().status)

    def cancel(self) -> None:
        """See Motion."""
        self._cancelled = True
        self.done()

    def check(self) -> None:
        """See Motion."""
        if self._lost is not None:
            raise self._lost
        if not self._handle.accepted:
            raise self._refused(f"{self._what} refused the goal; its log says why")
        response = self._result.result() if self._result is not None else None
        if response is not None:
            self._judge(response.status, response.result)
