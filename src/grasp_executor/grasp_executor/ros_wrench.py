"""The external wrench of an arm's driver or a force-torque sensor, to weigh what was lifted."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import WrenchStamped
from rclpy.node import Node

from grasp_core.robot import ArmProfile
from grasp_ros.conversions import NANOSECONDS, stamp_to_ns
from grasp_ros.qos import STATES


class ExternalWrench:
    """Newest vertical force of the topic that the arm's profile names, if it names one."""

    def __init__(self, node: Node, arm: ArmProfile, timeout_s: float) -> None:
        """Subscribe.

        Args:
            node: Node that subscribes.
            arm: Names the topic; empty: nothing is ever measured.
            timeout_s: Age at which a measurement is none any more, seconds of node time.
        """
        self._axis = np.array(arm.external_wrench_axis)
        self._clock = node.get_clock()
        self._timeout_s = timeout_s
        self._newest: WrenchStamped | None = None
        if arm.external_wrench_topic:
            node.create_subscription(
                WrenchStamped, arm.external_wrench_topic, self._receive, STATES
            )

    def _receive(self, message: WrenchStamped) -> None:
        self._newest = message

    def vertical_n(self) -> tuple[float, float] | None:
        """Force along the base frame's -z that pulls at the hand, newtons, and its stamp, seconds.

        None where the arm measures none, or for too long.
        """
        message = self._newest
        if message is None:
            return None
        stamp_s = stamp_to_ns(message.header.stamp) / NANOSECONDS
        if not self._clock.now().nanoseconds / NANOSECONDS - stamp_s <= self._timeout_s:
            return None
        force = message.wrench.force
        return float(self._axis @ (force.x, force.y, force.z)), stamp_s
