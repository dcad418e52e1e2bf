"""Node time and joint states, as the pick sequence needs them."""

from __future__ import annotations

import functools
import threading
import time
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rclpy.node import Node
from sensor_msgs.msg import JointState

from grasp_core.errors import HardwareLost, StaleJointStates
from grasp_core.robot import RobotModel
from grasp_ros.conversions import NANOSECONDS, stamp_to_ns
from grasp_ros.qos import STATES

_POLL_S = 0.001
_MEMORY_S = 1.0
_JUMP_S = 1.0  # back in time: more than messages can overtake each other
_DISCOVERY_S = 3.0
_ARRIVAL_S = 0.2  # wall time for messages on their way


class RosClock:
    """Node time; a steady clock notices when it stands still."""

    def __init__(self, node: Node, hardware_timeout_s: float) -> None:
        self._clock = node.get_clock()
        self._timeout_s = hardware_timeout_s

    def now_s(self) -> float:
        """Current node time, seconds."""
        return self._clock.now().nanoseconds / NANOSECONDS

    def sleep(self, duration_s: float) -> None:
        """Let node time pass.

        Raises:
            HardwareLost: Node time stands still.
        """
        now, moved = self.now_s(), time.monotonic()
        end = now + duration_s
        while now < end:
            time.sleep(min(_POLL_S, duration_s))
            last, now = now, self.now_s()
            if now < last - _JUMP_S:
                raise HardwareLost(
                    f"node time jumped back from {last:.3f} to {now:.3f} s: whatever publishes "
                    "/clock was restarted"
                )
            if now != last:
                moved = time.monotonic()
            elif time.monotonic() - moved > self._timeout_s:
                raise HardwareLost(
                    f"node time has stood still at {now:.3f} s for {self._timeout_s:.1f} s: "
                    "whatever publishes /clock has stopped"
                )


@dataclass(frozen=True)
class JointSample:
    """State of one joint: rad or m, rad/s or m/s, N m or N; NaN where the driver says nothing.

    Measured at ``stamp_s`` by the driver's clock, here at ``arrived_s`` of node time.
    """

    position: float
    velocity: float
    effort: float
    stamp_s: float
    arrived_s: float


def joint_sources(model: RobotModel) -> dict[str, tuple[str, ...]]:
    """Joints of a robot by the topic of the driver that measures them."""
    sources = {model.arm.joint_states_topic: model.arm.joints}
    topic = model.gripper.joint_states_topic
    sources[topic] = (*sources.get(topic, ()), *model.gripper.joints)
    return sources


class JointStateCache:
    """Newest state of every joint, each from its own driver.

    Whatever else a topic says is ignored: a driver that knows of the other's joints fills in
    zeros, and an aggregator gives old values fresh stamps.
    """

    def __init__(
        self,
        node: Node,
        clock: RosClock,
        timeout_s: float,
        sources: Mapping[str, Collection[str]],
    ) -> None:
        """Subscribe.

        Args:
            node: Node that subscribes.
            clock: Node time.
            timeout_s: Age at which a state is stale, seconds.
            sources: Joints by topic, see :func:`joint_sources`.
        """
        self._clock = clock
        self._timeout_s = timeout_s
        self._topics = {joint: topic for topic, joints in sources.items() for joint in joints}
        self._joints: dict[str, JointSample] = {}
        self._recent: dict[str, deque[JointSample]] = {}
        self._lock = threading.Lock()
        self._subscriptions = [
            node.create_subscription(
                JointState, topic, functools.partial(self._receive, frozenset(joints)), STATES
            )
            for topic, joints in sources.items()
        ]

    def remember(self, names: tuple[str, ...]) -> None:
        """Keep the last second of these joints, see :meth:`since`."""
        with self._lock:
            self._recent.update({name: deque() for name in names})

    def _receive(self, joints: frozenset[str], message: JointState) -> None:
        stamp = stamp_to_ns(message.header.stamp) / NANOSECONDS
        arrived_s = self._clock.now_s()
        velocity, effort = message.velocity, message.effort
        fresh = {
            name: JointSample(
                message.position[i],
                velocity[i] if i < len(velocity) else float("nan"),
                effort[i] if i < len(effort) else float("nan"),
                stamp,
                arrived_s,
            )
            for i, name in enumerate(message.name)
            if name in joints and i < len(message.position)
        }
        with self._lock:
            self._joints.update(fresh)
            for name, samples in self._recent.items():
                if name in fresh:
                    if samples and stamp < samples[-1].stamp_s - _JUMP_S:
                        samples.clear()  # the driver was restarted
                    samples.append(fresh[name])
                    while samples[-1].stamp_s - samples[0].stamp_s > _MEMORY_S:
                        samples.popleft()

    def _newest(self, names: tuple[str, ...]) -> list[JointSample | None]:
        with self._lock:
            return [self._joints.get(name) for name in names]

    def since(self, names: tuple[str, ...], stamp_s: float) -> list[tuple[JointSample, ...]]:
        """Remembered samples of joints that were measured together, after a time."""
        with self._lock:
            by_stamp = [{joint.stamp_s: joint for joint in self._recent[name]} for name in names]
        stamps = set.intersection(*(set(samples) for samples in by_stamp))
        return [
            tuple(samples[stamp] for samples in by_stamp)
            for stamp in sorted(stamps)
            if stamp > stamp_s
        ]

    def read(self, names: tuple[str, ...]) -> list[JointSample]:
        """States of joints, in the order asked for.

        Raises:
            StaleJointStates: One is missing or older than the timeout.
        """
        began = time.monotonic()
        while True:
            found = self._newest(names)
            oldest = min((_since(joint) for joint in found if joint), default=0.0)
            if None not in found and self._clock.now_s() - oldest <= self._timeout_s:
                break
            # A clock message may overtake joint states already on their way; the first of all
            # comes when publisher and subscription have found each other.
            patience_s = _DISCOVERY_S if None in found else _ARRIVAL_S
            if time.monotonic() - began > patience_s:
                break
            time.sleep(_POLL_S)
        missing = [name for name, joint in zip(names, found, strict=True) if joint is None]
        if missing:
            topics = sorted({self._topics[name] for name in missing})
            raise StaleJointStates(
                f"no joint state of {', '.join(missing)} yet: does its driver publish "
                f"{', '.join(topics)}?"
            )
        joints = [joint for joint in found if joint is not None]
        age = self._clock.now_s() - min(map(_since, joints))
        if age > self._timeout_s:
            raise StaleJointStates(
                f"the joint states of {names[0]} ... are {age:.2f} s old, allowed are "
                f"{self._timeout_s:.2f} s: the driver that publishes "
                f"{self._topics[names[0]]} has stopped or lags"
            )
        return joints


def _since(joint: JointSample) -> float:
    """Since when a state is known; the stamp of a clock that is ahead would keep it young."""
    return min(joint.stamp_s, joint.arrived_s)
