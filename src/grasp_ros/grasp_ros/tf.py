"""Camera and robot frames at the image's stamp: one TF source, tf2_ros where ROS brings it."""

from __future__ import annotations

import bisect
import importlib.util
import threading
from typing import Protocol

import numpy as np
from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from scipy.spatial.transform import Rotation, Slerp
from tf2_msgs.msg import TFMessage

from grasp_core.errors import NoTransform
from grasp_core.transform import Transform
from grasp_ros.conversions import stamp_to_ns, transform_from_msg
from grasp_ros.qos import DYNAMIC_TF, STATIC_TF

_CACHE_NS = 10_000_000_000


class TransformSource(Protocol):
    """Transforms between frames at a time."""

    def lookup(self, target: str, source: str, stamp_ns: int) -> Transform:
        """``T_target_source`` at a stamp, nanoseconds of node time.

        Raises:
            NoTransform: The frames are not connected, or not at that time.
        """


class TransformTree:
    """Frames with their history; no ROS communication.

    Stamps within the history are interpolated; later or earlier ones are refused.
    """

    def __init__(self) -> None:
        self._static: dict[str, tuple[str, Transform]] = {}
        self._history: dict[str, tuple[str, list[int], list[Transform]]] = {}
        self._lock = threading.Lock()  # messages and look-ups come in different threads

    def add(
        self, parent: str, child: str, transform: Transform, stamp_ns: int, static: bool
    ) -> None:
        """Add one transform ``T_parent_child``."""
        with self._lock:
            self._add(parent, child, transform, stamp_ns, static)

    def _add(
        self, parent: str, child: str, transform: Transform, stamp_ns: int, static: bool
    ) -> None:
        if static:
            self._static[child] = (parent, transform)
            return
        known, stamps, transforms = self._history.get(child, (parent, [], []))
        if known != parent or (stamps and stamp_ns < stamps[-1] - _CACHE_NS):
            stamps, transforms = [], []  # re-parented, or time jumped back
        index = bisect.bisect_left(stamps, stamp_ns)
        if index < len(stamps) and stamps[index] == stamp_ns:
            transforms[index] = transform
        else:
            stamps.insert(index, stamp_ns)
            transforms.insert(index, transform)
        stale = bisect.bisect_left(stamps, stamps[-1] - _CACHE_NS)
        del stamps[:stale], transforms[:stale]
        self._history[child] = (parent, stamps, transforms)

    def lookup(self, target: str, source: str, stamp_ns: int) -> Transform:
        """See :meth:`TransformSource.lookup`."""
        with self._lock:
            return self._lookup(target, source, stamp_ns)

    def _lookup(self, target: str, source: str, stamp_ns: int) -> Transform:
        to_target = self._to_root(target, stamp_ns)
        to_source = self._to_root(source, stamp_ns)
        for frame, T_common_source in to_source.items():
            if frame in to_target:
                return to_target[frame].inverse() @ T_common_source
        known = sorted({*self._static, *self._history})
        raise NoTransform(
            f"no transform from {source!r} to {target!r}; known frames are "
            f"{', '.join(known) or 'none'}: check the calibration publisher"
        )

    def _to_root(self, frame: str, stamp_ns: int) -> dict[str, Transform]:
        """``T_ancestor_frame`` for the frame itself and each of its ancestors, nearest first."""
        chain = {frame: Transform.identity()}
        T_current_frame, current = Transform.identity(), frame
        while (step := self._step(current, stamp_ns)) is not None:
            current, T_parent_current = step
            if current in chain:
                raise NoTransform(f"the frames form a loop at {current!r}")
            T_current_frame = T_parent_current @ T_current_frame
            chain[current] = T_current_frame
        return chain

    def _step(self, child: str, stamp_ns: int) -> tuple[str, Transform] | None:
        if child in self._static:
            return self._static[child]
        if child not in self._history:
            return None
        parent, stamps, transforms = self._history[child]
        if not stamps[0] <= stamp_ns <= stamps[-1]:
            raise NoTransform(
                f"the pose of {child!r} is known from {stamps[0] * 1e-9:.3f} to "
                f"{stamps[-1] * 1e-9:.3f} s, the image is of {stamp_ns * 1e-9:.3f} s"
            )
        index = bisect.bisect_left(stamps, stamp_ns)
        if stamps[index] == stamp_ns:
            return parent, transforms[index]
        span = stamps[index] - stamps[index - 1]
        fraction = (stamp_ns - stamps[index - 1]) / span
        return parent, _interpolate(transforms[index - 1], transforms[index], fraction)


def _interpolate(a: Transform, b: Transform, fraction: float) -> Transform:
    rotations = Rotation.from_matrix(np.stack([a.rotation, b.rotation]))
    rotation = Slerp([0.0, 1.0], rotations)(fraction).as_matrix()
    translation = (1.0 - fraction) * a.translation + fraction * b.translation
    return Transform.from_rotation(rotation, translation)


class SubscribedTree:
    """A :class:`TransformTree` fed from /tf and /tf_static."""

    def __init__(self, node: Node) -> None:
        self._tree = TransformTree()
        self._logger = node.get_logger()
        node.create_subscription(TFMessage, "/tf", lambda m: self._receive(m, False), DYNAMIC_TF)
        node.create_subscription(
            TFMessage, "/tf_static", lambda m: self._receive(m, True), STATIC_TF
        )

    def _receive(self, message: TFMessage, static: bool) -> None:
        for item in message.transforms:
            try:
                self._receive_one(item, static)
            except ValueError as error:
                self._logger.warning(f"transform of {item.child_frame_id!r} ignored: {error}")

    def _receive_one(self, item: TransformStamped, static: bool) -> None:
        self._tree.add(
            item.header.frame_id.lstrip("/"),
            item.child_frame_id.lstrip("/"),
            transform_from_msg(item.transform),
            stamp_to_ns(item.header.stamp),
            static,
        )

    def lookup(self, target: str, source: str, stamp_ns: int) -> Transform:
        """See :meth:`TransformSource.lookup`."""
        return self._tree.lookup(target, source, stamp_ns)


class Tf2Source:
    """tf2_ros behind the same interface."""

    def __init__(self, node: Node) -> None:
        import tf2_ros

        self._errors = (
            tf2_ros.LookupException,
            tf2_ros.ConnectivityException,
            tf2_ros.ExtrapolationException,
        )
        self._buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self._buffer, node)

    def lookup(self, target: str, source: str, stamp_ns: int) -> Transform:
        """See :meth:`TransformSource.lookup`."""
        from rclpy.time import Time

        try:
            found = self._buffer.lookup_transform(target, source, Time(nanoseconds=stamp_ns))
        except self._errors as error:
            raise NoTransform(f"no transform from {source!r} to {target!r}: {error}") from error
        return transform_from_msg(found.transform)


def transform_source(node: Node) -> TransformSource:
    """tf2_ros where it is installed, else the stack's own tree."""
    return Tf2Source(node) if importlib.util.find_spec("tf2_ros") else SubscribedTree(node)
