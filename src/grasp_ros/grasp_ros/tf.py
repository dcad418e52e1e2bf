"""Camera and robot frames at the image's stamp: one TF source, tf2_ros where ROS brings it."""

from __future__ import annotations

import bisect
import importlib.util
import threading
from typing import Protocol

import numpy as np
import yaml
from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from scipy.spatial.transform import Rotation, Slerp
from tf2_msgs.msg import TFMessage

from grasp_core.errors import ClockError, NoTransform
from grasp_core.transform import Transform
from grasp_ros.conversions import stamp_to_ns, transform_from_msg
from grasp_ros.qos import DYNAMIC_TF, STATIC_TF
from grasp_ros.stamps import (
    DEFAULT_MAX_LEAD_S,
    Step,
    on_clock_set_back,
    refuse_lead,
    step_of,
)

_CACHE_NS = 10_000_000_000
_WARNING_PERIOD_S = 5.0


class TransformSource(Protocol):
    """Transforms between frames at a time; frames are named with or without a leading slash."""

    def lookup(self, target: str, source: str, stamp_ns: int) -> Transform:
        """``T_target_source`` at a stamp, nanoseconds of node time.

        Raises:
            NoTransform: The frames are not connected, or not at that time.
        """


class TransformTree:
    """Frames with their history; no ROS communication.

    Stamps within the history are interpolated; later or earlier ones are refused. A frame whose
    stamps were set back has its history from there.
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
            self._add(_plain(parent), _plain(child), transform, stamp_ns, static)

    def forget(self) -> None:
        """Forget where moving frames were; static ones stay."""
        with self._lock:
            self._history.clear()

    def _add(
        self, parent: str, child: str, transform: Transform, stamp_ns: int, static: bool
    ) -> None:
        if static:
            self._static[child] = (parent, transform)
            return
        known, stamps, transforms = self._history.get(child, (parent, [], []))
        step = step_of(stamp_ns, stamps[-1] if stamps else None)
        if known != parent or step is Step.SET_BACK:
            stamps, transforms = [], []
        if known == parent and step is Step.REPEATED:
            transforms[-1] = transform
        else:
            stamps.append(stamp_ns)
            transforms.append(transform)
        stale = bisect.bisect_left(stamps, stamps[-1] - _CACHE_NS)
        del stamps[:stale], transforms[:stale]
        self._history[child] = (parent, stamps, transforms)

    def lookup(self, target: str, source: str, stamp_ns: int) -> Transform:
        """See :meth:`TransformSource.lookup`."""
        with self._lock:
            return self._lookup(_plain(target), _plain(source), stamp_ns)

    def _lookup(self, target: str, source: str, stamp_ns: int) -> Transform:
        above_target = self._ancestors(target)
        common = next((one for one in self._ancestors(source) if one in above_target), None)
        if common is None:
            known = sorted(
                {name for child in (*self._static, *self._history) for name in self._link(child)}
            )
            raise NoTransform(
                f"no transform from {source!r} to {target!r}; known frames are "
                f"{', '.join(known) or 'none'}: check the calibration publisher"
            )
        # No further than where they meet: what moves above may have stopped long ago.
        T_common_target = self._from_ancestor(common, target, stamp_ns)
        return T_common_target.inverse() @ self._from_ancestor(common, source, stamp_ns)

    def _ancestors(self, frame: str) -> list[str]:
        """The frame itself and each of its ancestors, nearest first."""
        chain = [frame]
        while (parent := self._parent(chain[-1])) is not None:
            if parent in chain:
                raise NoTransform(f"the frames form a loop at {parent!r}")
            chain.append(parent)
        return chain

    def _link(self, child: str) -> tuple[str, str]:
        return child, self._parent(child) or child

    def _parent(self, child: str) -> str | None:
        if child in self._static:
            return self._static[child][0]
        return self._history[child][0] if child in self._history else None

    def _from_ancestor(self, ancestor: str, frame: str, stamp_ns: int) -> Transform:
        T_current_frame, current = Transform.identity(), frame
        while current != ancestor:
            current, T_parent_current = self._step(current, stamp_ns)
            T_current_frame = T_parent_current @ T_current_frame
        return T_current_frame

    def _step(self, child: str, stamp_ns: int) -> tuple[str, Transform]:
        if child in self._static:
            return self._static[child]
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


def _plain(frame: str) -> str:
    """A frame's name as TF knows it: tf, the first, began names with a slash."""
    return frame.lstrip("/")


def _interpolate(a: Transform, b: Transform, fraction: float) -> Transform:
    rotations = Rotation.from_matrix(np.stack([a.rotation, b.rotation]))
    rotation = Slerp([0.0, 1.0], rotations)(fraction).as_matrix()
    translation = (1.0 - fraction) * a.translation + fraction * b.translation
    return Transform.from_rotation(rotation, translation)


class SubscribedTree:
    """A :class:`TransformTree` fed from /tf and /tf_static."""

    def __init__(self, node: Node, max_lead_s: float = DEFAULT_MAX_LEAD_S) -> None:
        """Subscribe; transforms whose stamps lead node time by more are not taken."""
        self._tree = TransformTree()
        self._logger = node.get_logger()
        self._clock = node.get_clock()
        self._max_lead_s = max_lead_s
        self._refused: dict[str, str] = {}
        self._watch = on_clock_set_back(node, self._tree.forget)
        node.create_subscription(TFMessage, "/tf", lambda m: self._receive(m, False), DYNAMIC_TF)
        node.create_subscription(
            TFMessage, "/tf_static", lambda m: self._receive(m, True), STATIC_TF
        )

    def _receive(self, message: TFMessage, static: bool) -> None:
        for item in message.transforms:
            try:
                self._receive_one(item, static)
            except (ClockError, ValueError) as error:
                self._refused[item.child_frame_id] = str(error)
                self._logger.warning(
                    f"transform of {item.child_frame_id!r} ignored: {error}",
                    throttle_duration_sec=_WARNING_PERIOD_S,
                )
            else:
                self._refused.pop(item.child_frame_id, None)

    def _receive_one(self, item: TransformStamped, static: bool) -> None:
        stamp_ns = stamp_to_ns(item.header.stamp)
        if not static:
            now_ns = self._clock.now().nanoseconds
            refuse_lead(f"{item.child_frame_id!r} on /tf", stamp_ns, now_ns, self._max_lead_s)
        self._tree.add(
            item.header.frame_id,
            item.child_frame_id,
            transform_from_msg(item.transform),
            stamp_ns,
            static,
        )

    def lookup(self, target: str, source: str, stamp_ns: int) -> Transform:
        """See :meth:`TransformSource.lookup`."""
        try:
            return self._tree.lookup(target, source, stamp_ns)
        except NoTransform as error:
            refused = "; ".join(self._refused.copy().values())
            raise NoTransform(f"{error}; ignored: {refused}" if refused else str(error)) from error


class Tf2Source:
    """tf2_ros behind the same interface."""

    def __init__(self, node: Node) -> None:
        import tf2_ros

        self._errors = (
            tf2_ros.LookupException,
            tf2_ros.ConnectivityException,
            tf2_ros.ExtrapolationException,
        )
        self.buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self.buffer, node)
        self._watch = on_clock_set_back(node, self.buffer.clear)

    def lookup(self, target: str, source: str, stamp_ns: int) -> Transform:
        """See :meth:`TransformSource.lookup`."""
        from rclpy.time import Time

        # tf2 refuses names with a leading slash.
        names, time = (_plain(target), _plain(source)), Time(nanoseconds=stamp_ns)
        try:
            found = self.buffer.lookup_transform(*names, time)
        except self._errors as error:
            known = ", ".join(sorted(self._known())) or "none"
            raise NoTransform(
                f"no transform from {source!r} to {target!r}: {error}; known frames are {known}"
            ) from error
        return transform_from_msg(found.transform)

    def _known(self) -> set[str]:
        described = yaml.safe_load(self.buffer.all_frames_as_yaml()) or {}
        return {*described, *(about["parent"] for about in described.values())}


def transform_source(node: Node, max_lead_s: float = DEFAULT_MAX_LEAD_S) -> TransformSource:
    """tf2_ros where it is installed, else the stack's own tree."""
    if importlib.util.find_spec("tf2_ros"):
        return Tf2Source(node)
    return SubscribedTree(node, max_lead_s)
