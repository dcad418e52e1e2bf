"""The camera's three topics, subscribed only while wanted, paired by stamp."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, Image

from grasp_core.camera_profile import CameraProfile
from grasp_core.depth import check_depth_range
from grasp_core.errors import BadCalibration, BadImage
from grasp_core.frame import RgbdFrame
from grasp_ros.conversions import (
    NANOSECONDS,
    camera_from_info,
    color_from_image,
    depth_from_image,
    stamp_to_ns,
)
from grasp_ros.pairing import StampPairer
from grasp_ros.qos import SENSOR
from grasp_ros.stamps import on_clock_set_back

STREAMS: dict[str, type] = {"color": Image, "depth": Image, "camera_info": CameraInfo}
"""Message type by stream, as :class:`CameraInput` names them; the first leads the pairing."""

# rclpy's executor dies when a subscription with event handlers is destroyed while it collects what
# to wait for; best effort and volatile, these match any publisher and need no warnings.
_NO_EVENTS = SubscriptionEventCallbacks(use_default_callbacks=False)

CameraMessages = dict[str, Image | CameraInfo]


def frame_of(stamp_ns: int, messages: CameraMessages, profile: CameraProfile) -> RgbdFrame:
    """Decode a pair of camera messages, and believe them only where they make sense.

    Raises:
        BadImage: An encoding that is not supported, sizes that differ, or depth that is empty or
            in another unit.
        BadCalibration: The camera_info is not that of a calibrated camera, contradicts itself or
            the images, or the three are not in one frame.
    """
    color, depth, info = (messages[stream] for stream in STREAMS)
    _check_alignment(color, depth, profile.alignment_remedy)
    _check_frames(messages)
    camera = camera_from_info(info, rectified=profile.rectified)
    if (camera.width, camera.height) != (color.width, color.height):
        raise BadCalibration(
            f"the colour image is {color.width}x{color.height} px, camera_info says "
            f"{camera.width}x{camera.height} px (width and height {info.width}x{info.height}, roi "
            f"{info.roi.width}x{info.roi.height}, binning {info.binning_x} and {info.binning_y}): "
            "take the camera_info of this very image"
        )
    depth_m = depth_from_image(depth)
    check_depth_range(depth_m, profile.min_range_m, profile.max_range_m, depth.encoding)
    return RgbdFrame(
        color=color_from_image(color),
        depth_m=depth_m,
        camera=camera,
        stamp_ns=stamp_ns,
        frame_id=color.header.frame_id.lstrip("/"),
    )


def _check_alignment(color: Image, depth: Image, remedy: str) -> None:
    """Refuse depth as the depth camera saw it: another frame, another size, or both."""
    frames = [image.header.frame_id.lstrip("/") for image in (color, depth)]
    sizes = [f"{image.width}x{image.height}" for image in (color, depth)]
    if frames[0] == frames[1] and sizes[0] == sizes[1]:
        return
    kind = BadImage if frames[0] == frames[1] else BadCalibration
    raise kind(
        f"depth is not aligned to colour: the depth image is {sizes[1]} px in frame "
        f"{frames[1]!r}, the colour image {sizes[0]} px in {frames[0]!r}: {remedy}"
    )


def _check_frames(messages: CameraMessages) -> None:
    color, info = (messages[name].header.frame_id.lstrip("/") for name in ("color", "camera_info"))
    if not color:
        raise BadCalibration(
            "the colour image has no frame_id, so it was taken nowhere: let the driver name its "
            "optical frame"
        )
    # A camera_info without a frame is that of its image.
    if info not in ("", color):
        raise BadCalibration(
            f"frame_id of camera_info is {info!r}, that of the colour image {color!r}: take the "
            "camera_info of the colour image"
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
        self._stamps_ns: dict[str, int] = {}
        self._paired_s = 0.0
        self._slop_ns = slop_ns
        self._clock_watch: Any = None
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
            if self._clock_watch is None:
                self._clock_watch = on_clock_set_back(self._node, self._forget)
            self._is_enabled = True

    def disable(self) -> None:
        """Unsubscribe, and stay so whoever calls :meth:`open` in another thread meanwhile."""
        with self._lock:
            self._is_enabled = False
            self._unsubscribe()
            watch, self._clock_watch = self._clock_watch, None
        if watch is not None:
            watch.unregister()

    def open(self) -> None:
        """Subscribe, unless done or disabled."""
        with self._lock:
            if self._subscriptions or not self._is_enabled:
                return
            self._pairer.clear()
            self._heard_s.clear()
            self._opened_s = self._paired_s = time.monotonic()
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

    def _forget(self) -> None:
        with self._lock:
            self._pairer.clear()

    def silent_topics(self, since_s: float) -> dict[str, str]:
        """Topics, by stream, not heard since then, steady time, nor since they were subscribed."""
        with self._lock:
            return {
                name: subscription.topic_name
                for name, subscription in self._subscriptions.items()
                if self._heard_s.get(name, self._opened_s) <= max(since_s, self._opened_s)
            }

    def mismatch(self, since_s: float) -> str:
        """Why nothing has been handed on since then though all topics are heard; else empty."""
        with self._lock:
            heard = len(self._heard_s) == len(STREAMS) and all(
                time_s > since_s for time_s in self._heard_s.values()
            )
            if not (self._subscriptions and heard) or self._paired_s > since_s:
                return ""
            stamps = ", ".join(
                f"{name} {self._stamps_ns[name] / NANOSECONDS:.3f} s" for name in STREAMS
            )
        return (
            f"images arrive, but their stamps do not match within {self._slop_ns * 1e-6:.0f} ms; "
            f"the newest are {stamps}"
        )

    def _receive(self, stream: str, message: Image | CameraInfo) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        with self._lock:
            if not self._subscriptions:
                return
            self._heard_s[stream] = time.monotonic()
            self._stamps_ns[stream] = stamp_ns
            self.received[stream] += 1
            pair = self._pairer.add(stream, stamp_ns, message)
            if pair is not None:
                self._paired_s = time.monotonic()
        if pair is not None:
            self._on_pair(*pair)
