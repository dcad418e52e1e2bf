"""The digital lines of a simulated hand: valves that are switched, and inputs that are told."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from std_msgs.msg import Bool

from grasp_core.gripper_profile import GripperProfile
from grasp_core.hand_drivers import DigitalIoDriver, fanuc_signal
from grasp_ros.qos import RESULTS
from grasp_sim.engine import Engine

Switch = Callable[[str, bool], None]
"""Takes the level of an output line."""


class Valves:
    """Drive the jaws as the output lines say; with both or neither on they stay as they are."""

    def __init__(self, engine: Engine, hand: GripperProfile) -> None:
        self._engine = engine
        self._hand = hand
        self._driver = driver = hand.driver_as(DigitalIoDriver)
        self._on = {driver.close_output: False, driver.open_output: False}
        # A valve with a spring goes back when its coil is off.
        self._springs = not (driver.close_output and driver.open_output)

    def switch(self, line: str, level: bool) -> None:
        """See Switch."""
        driver = self._driver
        self._on[line] = driver.level(line, level)
        closes, opens = self._on.get(driver.close_output), self._on.get(driver.open_output)
        if self._springs:
            closes = closes if driver.close_output else not opens
            opens = not closes
        if closes is opens:
            return
        gap_m = 0.0 if closes else self._hand.max_gap_m
        self._engine.call(lambda simulation: simulation.grip(gap_m, self._hand.max_force_n))


class LineServer(Protocol):
    """Takes the output lines of a hand, and tells its inputs."""

    def tell(self, levels: Mapping[str, bool]) -> None:
        """Publish the level of each input line."""


class BoolTopics:
    """See LineServer: each line is a topic of std_msgs/Bool."""

    def __init__(self, node: Node, driver: DigitalIoDriver, switch: Switch) -> None:
        group = ReentrantCallbackGroup()
        for line in driver.outputs:
            node.create_subscription(
                Bool, line, functools.partial(_take, switch, line), RESULTS, callback_group=group
            )
        self._publishers = {
            line: node.create_publisher(Bool, line, RESULTS) for line in driver.inputs
        }

    def tell(self, levels: Mapping[str, bool]) -> None:
        """See LineServer."""
        for line, level in levels.items():
            self._publishers[line].publish(Bool(data=level))


def _take(switch: Switch, line: str, message: Bool) -> None:
    switch(line, message.data)


class FanucSignals:
    """See LineServer: as FANUC's GPIO controller."""

    def __init__(self, node: Node, driver: DigitalIoDriver, switch: Switch) -> None:
        from fanuc_msgs.msg import BoolIO, IOState
        from fanuc_msgs.srv import SetBoolIO

        self._bool_io, self._io_state = BoolIO, IOState
        self._outputs, self._switch = driver.outputs, switch
        self._publisher = node.create_publisher(IOState, f"{driver.controller}/io_state", RESULTS)
        node.create_service(
            SetBoolIO,
            f"{driver.controller}/set_bool_io",
            self._set,
            callback_group=ReentrantCallbackGroup(),
        )

    def _set(self, request: Any, response: Any) -> Any:
        line = f"{request.io_type.type}[{request.index}]"
        response.result = int(line not in self._outputs)
        if response.result == 0:
            self._switch(line, request.value)
        return response

    def tell(self, levels: Mapping[str, bool]) -> None:
        """See LineServer."""
        message = self._io_state()
        for line, level in levels.items():
            value = self._bool_io(value=level)
            value.io_type.type, value.index = fanuc_signal(line)
            message.values.append(value)
        self._publisher.publish(message)


LINES: dict[str, Callable[[Node, DigitalIoDriver, Switch], LineServer]] = {
    "bool_topics": BoolTopics,
    "fanuc": FanucSignals,
}
