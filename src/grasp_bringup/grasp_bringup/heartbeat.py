"""Whether the nodes of a stack still answer: a process that is there may hang."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from grasp_bringup.processes import StackFailed

PERIOD_S = 2.0
# Far more than any node needs on a machine that is only busy: setting up a scene blocks longest.
SILENT_S = 60.0


class Question(Protocol):
    """Something asked of a node that it answers whatever it is doing."""

    def done(self) -> bool:
        """Whether the answer has come."""


@dataclass
class _Pulse:
    """What is known of a node: when it answered last, and what it is being asked."""

    answered_s: float
    question: Question | None = None


class Heartbeat:
    """Asks every node again and again, and says when one has been silent for too long."""

    def __init__(
        self,
        names: Sequence[str],
        ask: Callable[[str], Question | None],
        *,
        silent_s: float = SILENT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin; nodes have as long as ever to answer for the first time.

        Args:
            names: Of the nodes.
            ask: Asks a node without waiting; None where it is not to be found.
            silent_s: How long a node may be silent, wall seconds.
            clock: Wall time, seconds.
        """
        self._ask = ask
        self._silent_s = silent_s
        self._clock = clock
        self._pulses = {name: _Pulse(clock()) for name in names}

    def check(self) -> None:
        """Note who has answered, and ask again; returns at once.

        Raises:
            StackFailed: A node hangs.
        """
        now_s = self._clock()
        for name, pulse in self._pulses.items():
            if pulse.question is not None and pulse.question.done():
                pulse.answered_s, pulse.question = now_s, None
            silent_s = now_s - pulse.answered_s
            if silent_s > self._silent_s:
                raise StackFailed(
                    f"node {name} has not answered for {silent_s:.0f} s, though its process is "
                    "there: it hangs; its log may say why"
                )
            if pulse.question is None and silent_s >= min(PERIOD_S, self._silent_s / 4.0):
                pulse.question = self._ask(name)


def asking(node: Any) -> Callable[[str], Question | None]:
    """How to ask nodes over ROS: for the types of no parameters, which every node serves.

    Args:
        node: An rclpy node that is being spun.
    """
    from rcl_interfaces.srv import GetParameterTypes

    clients: dict[str, Any] = {}

    def ask(name: str) -> Question | None:
        if name not in clients:
            clients[name] = node.create_client(GetParameterTypes, f"{name}/get_parameter_types")
        if not clients[name].service_is_ready():
            return None
        future: Question = clients[name].call_async(GetParameterTypes.Request())
        return future

    return ask
