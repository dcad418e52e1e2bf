"""Digital lines of a cell: topics of std_msgs/Bool, or signals of FANUC's GPIO controller."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol

from std_msgs.msg import Bool

from grasp_core.hand_drivers import DigitalIoDriver, fanuc_signal
from grasp_ros.qos import RESULTS, STATES
from grasp_ros.spinner import Spinner

Hear = Callable[[dict[str, bool]], None]
"""Takes the levels of lines as they come."""

Answer = Callable[[], str | None]
"""None while an answer is awaited; then what went wrong, in words, empty if nothing."""


class DigitalLines(Protocol):
    """Output lines that can be set; the levels of inputs go to a :data:`Hear`."""

    where: str
    """Where the inputs come from, for messages."""

    def missing(self) -> str:
        """Who does not listen to the outputs, in words; empty if all are there."""

    def set(self, line: str, level: bool) -> Answer:
        """Set an output line."""


class BoolTopics:
    """See DigitalLines: each line is a topic of std_msgs/Bool, which nobody confirms."""

    def __init__(self, hardware: Spinner, driver: DigitalIoDriver, hear: Hear) -> None:
        node = hardware.node
        self.where = ", ".join(driver.inputs)
        self._publishers = {
            line: node.create_publisher(Bool, line, RESULTS) for line in driver.outputs
        }
        for line in driver.inputs:
            node.create_subscription(
                Bool, line, functools.partial(_hear_topic, hear, line), STATES
            )

    def missing(self) -> str:
        """See DigitalLines."""
        alone = [
            line
            for line, publisher in self._publishers.items()
            if publisher.get_subscription_count() == 0
        ]
        return f"nobody subscribes to {', '.join(alone)}" if alone else ""

    def set(self, line: str, level: bool) -> Answer:
        """See DigitalLines."""
        self._publishers[line].publish(Bool(data=level))
        return lambda: ""


def _hear_topic(hear: Hear, line: str, message: Bool) -> None:
    hear({line: message.data})


class FanucSignals:
    """See DigitalLines: set by the service of FANUC's GPIO controller, read from its state."""

    def __init__(self, hardware: Spinner, driver: DigitalIoDriver, hear: Hear) -> None:
        from fanuc_msgs.msg import IOState
        from fanuc_msgs.srv import SetBoolIO

        self.where = f"{driver.controller}/io_state"
        self._hardware = hardware
        self._inputs = frozenset(driver.inputs)
        self._hear = hear
        self._request = SetBoolIO.Request
        self._client = hardware.node.create_client(SetBoolIO, f"{driver.controller}/set_bool_io")
        if self._inputs:
            hardware.node.create_subscription(IOState, self.where, self._receive, STATES)

    def _receive(self, message: Any) -> None:
        told = {f"{value.io_type.type}[{value.index}]": value.value for value in message.values}
        self._hear({line: level for line, level in told.items() if line in self._inputs})

    def missing(self) -> str:
        """See DigitalLines."""
        ready = self._client.service_is_ready()
        return "" if ready else f"there is no service {self._client.srv_name}"

    def set(self, line: str, level: bool) -> Answer:
        """See DigitalLines."""
        request = self._request(value=level)
        request.io_type.type, request.index = fanuc_signal(line)
        future = self._hardware.run(lambda: self._client.call_async(request))

        def answer() -> str | None:
            if not future.done():
                return None
            number = future.result().result
            service = self._client.srv_name
            return f"{service} answers {number} to {line}: see the alarm" if number else ""

        return answer


LINES: dict[str, Callable[[Spinner, DigitalIoDriver, Hear], DigitalLines]] = {
    "bool_topics": BoolTopics,
    "fanuc": FanucSignals,
}
