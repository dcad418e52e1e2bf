"""Playing the operator of a simulated stack: nobody stands beside it who could be asked."""

from __future__ import annotations

from grasp_msgs.action import Pick
from grasp_msgs.srv import Release
from std_srvs.srv import Trigger

from grasp_bringup.client import StackClient
from grasp_core.errors import Code

_WAITS_FOR_ACKNOWLEDGE = (Code.UNEXPECTED_CONTACT, Code.PROTECTIVE_STOP, Code.NOT_ACKNOWLEDGED)
_TIMEOUT_S = 30.0


class PlayedOperator:
    """Releases what a pick has left in the hand, and acknowledges what has stopped it."""

    def __init__(self, client: StackClient, executor: str = "executor") -> None:
        """Prepare.

        Args:
            client: Calls the services.
            executor: Name of the executor node.
        """
        self._client = client
        self._executor = executor

    def attend_to(self, result: Pick.Result) -> tuple[bool, bool]:
        """Do what is needed before the next pick.

        Returns:
            Whether the hand was opened, and whether a fault was acknowledged.

        Raises:
            StackFailed: The executor does not answer.
        """
        acknowledged = result.code in _WAITS_FOR_ACKNOWLEDGE and self._acknowledge()
        wanted = result.holding or result.code == Code.HAND_NOT_EMPTY
        return wanted and self._release(), acknowledged

    def _release(self) -> bool:
        request = Release.Request(confirm=True)
        answer = self._client.call(Release, f"{self._executor}/release", request, _TIMEOUT_S)
        return bool(answer.success)

    def _acknowledge(self) -> bool:
        name = f"{self._executor}/acknowledge"
        return bool(self._client.call(Trigger, name, Trigger.Request(), _TIMEOUT_S).success)
