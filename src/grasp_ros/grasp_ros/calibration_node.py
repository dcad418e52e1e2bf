"""The node that publishes a hand-eye calibration on TF, so that RViz shows what the stack uses.

Detector and executor read the file themselves; TF says the same, whatever else the camera's
driver publishes of its frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from geometry_msgs.msg import TransformStamped
from rclpy.clock import Clock, ClockType
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from tf2_msgs.msg import TFMessage

from grasp_core.calibration_link import CalibrationLink
from grasp_core.config import Checked, setting
from grasp_core.errors import ConfigError
from grasp_core.hand_eye import load_hand_eye
from grasp_ros.conversions import transform_from_msg, transform_to_msg
from grasp_ros.parameters import declare
from grasp_ros.qos import STATIC_TF
from grasp_ros.spin import run

_TELL_PERIOD_S = 10.0
_SETTLE_S = 1.0  # for links that are published already when the node starts


@dataclass(frozen=True)
class CalibrationPublisherConfig(Checked):
    """Parameters of the node."""

    hand_eye: str = setting(
        "", "YAML file with the camera's pose in the base frame or on the hand"
    )
    root_frame: str = setting(
        "",
        "root of the frames that the camera's driver publishes; empty where it publishes none",
    )


class CalibrationPublisher(Node):
    """Publishes one static transform, once it is known which."""

    def __init__(self) -> None:
        super().__init__("calibration_publisher")
        config = declare(self, CalibrationPublisherConfig)
        if not config.hand_eye:
            raise ConfigError("hand_eye is empty: name the file of a hand-eye calibration")
        self._link = CalibrationLink(load_hand_eye(Path(config.hand_eye)), config.root_frame)
        # Without event handlers: see grasp_ros.camera_input.
        quiet = PublisherEventCallbacks(use_default_callbacks=False)
        self._publisher = self.create_publisher(
            TFMessage, "/tf_static", STATIC_TF, event_callbacks=quiet
        )
        self._is_published = False
        self._told = ""
        self.create_subscription(TFMessage, "/tf_static", self._receive, STATIC_TF)
        # Wall time: a simulator that was killed stops /clock.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._settling = self.create_timer(_SETTLE_S, self._settled, clock=steady)
        self._telling = self.create_timer(_TELL_PERIOD_S, self._tell, clock=steady)
        self._has_settled = False

    def _receive(self, message: TFMessage) -> None:
        for item in message.transforms:
            complaint = self._link.saw(
                item.header.frame_id, item.child_frame_id, transform_from_msg(item.transform)
            )
            if complaint:
                self.get_logger().error(complaint)
        if self._has_settled:
            self._publish()

    def _settled(self) -> None:
        self._settling.cancel()
        self._has_settled = True
        self._publish()

    def _publish(self) -> None:
        if self._is_published:
            return
        link, self._told = self._link.missing()
        if link is None:
            return
        parent, child, T_parent_child = link
        message = TransformStamped(
            child_frame_id=child, transform=transform_to_msg(T_parent_child)
        )
        message.header.frame_id = parent
        message.header.stamp = self.get_clock().now().to_msg()
        self._link.published(link)
        self._is_published = True
        self._publisher.publish(TFMessage(transforms=[message]))
        self.get_logger().info(f"the calibration hangs {child!r} from {parent!r}")

    def _tell(self) -> None:
        if self._told and not self._is_published:
            self.get_logger().warning(self._told)


def main() -> None:
    """Run the calibration publisher."""
    raise SystemExit(run(CalibrationPublisher, 1))


if __name__ == "__main__":
    main()
