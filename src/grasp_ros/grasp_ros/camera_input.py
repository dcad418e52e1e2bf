"""The camera's three topics, subscribed only while wanted, paired by stamp."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, Image

from grasp_core.frame import RgbdFrame
from grasp_ros.conversions import (
    camera_from_info,
    color_from_image,
    depth_from_image,
    stamp_to_ns,
)
from grasp_ros.pairing import StampPairer
from grasp_ros.qos import SENSOR

STREAMS: dict[str, type] = {"color": Image, "depth": Image, "camera_info": CameraInfo}
"""Message type by stream, as :class:`CameraInput` names them; the first leads the pairing."""

# rclpy's executor dies when a subscription with event handlers is destroyed while it collects what
# to wait for; best effort and volatile, these match any publisher and need no warnings.
_NO_EVENTS = SubscriptionEventCallbacks(use_default_callbacks=False)

CameraMessages = dict[str, Image | CameraInfo]


def frame_of(stamp_ns: int, messages: CameraMessages) -> RgbdFrame:
    """Decode a pair of camera messages.

    Raises:
        BadImage: An encoding that is not supported, or sizes that differ.
        BadCalibration: The camera_info is not that of a calibrated camera.
    """
    return RgbdFrame(
        color=color_from_image(messages["color"]),
        depth_m=depth_from_image(messages["depth"]),
        camera=camera_from_info(messages["camera_info"]),
        stamp_ns=stamp_ns,
        frame_id=messages["color"].header.frame_id,
    )


class CameraInput:
    """Subscribes to the camera while open and hands on complete sets of messages."""

    def __init__(
        self,
        node: Node,
        topics: Mapping[str, str],
        slop_ns: int,
        on_pair: Callable[[int, CameraMessages], None],
    ) -> None:
        """Create a closed input that stays closed until it is enabled.

        Args:
            node: Node that subscribes.
            topics: Name of the topic of each of :data:`STREAMS`.
            slop_ns: Largest difference of stamps within a set.
            on_pair: Called with the stamp and the messages by stream.
        """
        self._node = node
        self._topics = topics
        self._on_pair = on_pair
        self._pairer: StampPairer[Image | CameraInfo] = StampPairer(tuple(STREAMS), slop_ns)
        self.callback_group = MutuallyExclusiveCallbackGroup()
        self._lock = threading.Lock()
        self._is_enabled = False
        self._subscriptions: dict[str, Subscription] = {}
        self._opened_s = 0.0
        self._heard_s: dict[str, float] = {}
        self.received: Counter[str] = Counter()

    @property
    def is_open(self) -> bool:
        """Whether the topics are subscribed."""
        return bool(self._subscriptions)

    @property
    def drops(self) -> Counter[str]:
        """Messages dropped by the pairer, by reason."""
        return self._pairer.drops

    def enable(self) -> None:
        """Let :meth:`open` subscribe."""
        with self._lock:
            self._is_enabled = True

    def disable(self) -> None:
        """Unsubscribe, and stay so whoever calls :meth:`open` in another thread meanwhile."""
        with self._lock:
            self._is_enabled = False
            self._unsubscribe()

    def open(self) -> None:
        """Subscribe, unless done or disabled."""
        with self._lock:
            if self._subscriptions or not self._is_enabled:
                return
            self._pairer.clear()
            self._heard_s.clear()
            self._opened_s = time.monotonic()
            for name, message_type in STREAMS.items():
                self._subscriptions[name] = self._node.create_subscription(
                    message_type,
                    self._topics[name],
                    lambda message, name=name: self._receive(name, message),
                    SENSOR,
                    callback_group=self.callback_group,
                    event_callbacks=_NO_EVENTS,
                )

    def close(self) -> None:
        """Unsubscribe, unless done."""
        with self._lock:
            self._unsubscribe()

    def _unsubscribe(self) -> None:
        for subscription in self._subscriptions.values():
            self._node.destroy_subscription(subscription)
        self._subscriptions = {}

    def silent_topics(self, silence_s: float) -> list[str]:
        """Topics that have not been heard for that long, wall time; none while closed."""
        with self._lock:
            now = time.monotonic()
            return [
                subscription.topic_name
                for name, subscription in self._subscriptions.items()
                if now - self._heard_s.get(name, self._opened_s) > silence_s
            ]

    def _receive(self, stream: str, message: Image | CameraInfo) -> None:
        with self._lock:
            if not self._subscriptions:
                return
            self._heard_s[stream] = time.monotonic()
            self.received[stream] += 1
            pair = self._pairer.add(stream, stamp_to_ns(message.header.stamp), message)
        if pair is not None:
            self._on_pair(*pair)
