"""A pick with somebody beside the robot: shows its stages, and asks before motions that wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from grasp_msgs.action import Pick
from std_srvs.srv import Trigger

from grasp_bringup.client import StackClient

_POLL_S = 0.05
_CALL_S = 10.0


class AttendedPick:
    """Sends a pick, and is the operator's voice while it runs."""

    def __init__(
        self,
        client: StackClient,
        confirms: Callable[[str], bool],
        tell: Callable[[str], None] = lambda line: None,
        executor: str = "executor",
    ) -> None:
        """Prepare.

        Args:
            client: Of a stack that is up.
            confirms: Asked whether a motion may begin; False cancels the pick.
            tell: Told of each stage.
            executor: Name of the executor node.
        """
        self._client = client
        self._confirms = confirms
        self._tell = tell
        self._executor = executor
        self._lock = threading.Lock()
        self._stage, self._waits_for, self._asked = "", "", 0

    def run(self, goal: Pick.Goal) -> Pick.Result:
        """Do one pick; an interruption cancels it first.

        Raises:
            GoalRefused: The executor is busy or not active.
            StackFailed: The executor does not answer.
        """
        answered, told = 0, ""
        ending = self._client.send_pick(goal, self._note)
        try:
            while not ending.done():
                self._client.check()
                with self._lock:
                    stage, what, asked = self._stage, self._waits_for, self._asked
                if stage != told:
                    told = stage
                    self._tell(stage)
                if what and asked != answered:
                    answered = asked
                    self._answer(what)
                time.sleep(_POLL_S)
        except BaseException:
            self._client.cancel_pick()
            raise
        return ending.result().result

    def _answer(self, what: str) -> None:
        if not self._confirms(what):
            self._client.cancel_pick()
            return
        name = f"{self._executor}/confirm"
        answer = self._client.call(Trigger, name, Trigger.Request(), _CALL_S)
        if not answer.success:
            self._tell(answer.message)

    def _note(self, feedback: Pick.Feedback) -> None:
        """Take a feedback, in the client's thread."""
        with self._lock:
            # Two motions in a row may be told in the same words: what counts is that it is asked.
            if feedback.waits_for and not self._waits_for:
                self._asked += 1
            self._stage, self._waits_for = feedback.stage, feedback.waits_for
