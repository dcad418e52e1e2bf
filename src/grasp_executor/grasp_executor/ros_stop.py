"""Protective stops over ROS: a topic of one's own, and the mode that the arm's driver tells."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from std_msgs.msg import Bool

from grasp_core.errors import ConfigError
from grasp_core.robot import ArmProfile
from grasp_executor.fault_latch import FaultLatch
from grasp_ros.qos import STATES


def watch_stops(node: Node, arm: ArmProfile, topic: str, latch: FaultLatch) -> None:
    """Subscribe to whatever tells of a protective stop.

    Args:
        node: Node that subscribes.
        arm: Names the topic, type, field and values of its driver's mode, if it tells one.
        topic: Of std_msgs/Bool, true while stopped; empty for none.
        latch: Is told.

    The type of a driver's message comes with that driver: where it is not installed, as beside a
    simulator, the mode is not read, and the log says so.

    Raises:
        ConfigError: The type of the driver's message lacks the field.
    """
    if topic:
        node.create_subscription(
            Bool,
            topic,
            lambda message: latch.report_stop(topic, "stopped" if message.data else None),
            STATES,
        )
    if not arm.stop_topic:
        return
    try:
        kind = _message_type(arm)
    except ImportError as error:
        node.get_logger().warning(
            f"protective stops are not read from {arm.stop_topic}: {error}; beside the real "
            f"robot, install {arm.stop_type.partition('/')[0]}"
        )
        return
    node.create_subscription(kind, arm.stop_topic, _mode_reader(arm, latch), STATES)


def _mode_reader(arm: ArmProfile, latch: FaultLatch) -> Callable[[Any], None]:
    def read(message: Any) -> None:
        value = str(_field_of(message, arm.stop_field))
        stopped = value in arm.stop_values
        reason = f"{arm.stop_field} is {value}" if stopped else None
        latch.report_stop(arm.stop_topic, reason)

    return read


def _message_type(arm: ArmProfile) -> Any:
    package, kind, name = arm.stop_type.split("/")
    try:
        found = getattr(importlib.import_module(f"{package}.{kind}"), name)
        _field_of(found(), arm.stop_field)
    except AttributeError as error:
        raise ConfigError(
            f"stop_type {arm.stop_type!r} with stop_field {arm.stop_field!r} of the arm's profile "
            f"cannot be read: {error}; correct the names"
        ) from error
    return found


def _field_of(message: Any, path: str) -> Any:
    return functools.reduce(getattr, path.split("."), message)
