"""Node time and joint states, as the pick sequence needs them."""

from __future__ import annotations

import functools
import threading
import time
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rclpy.node import Node
from sensor_msgs.msg import JointState

from grasp_core.errors import ClockError, HardwareLost, StaleJointStates
from grasp_core.robot import RobotModel
from grasp_ros.conversions import NANOSECONDS, stamp_to_ns
from grasp_ros.qos import STATES, states_at
from grasp_ros.stamps import (
    DEFAULT_MAX_LEAD_S,
    Step,
    leads,
    on_clock_set_back,
    refuse_lead,
    step_of,
)

_POLL_S = 0.001
_MEMORY_S = 1.0
_DISCOVERY_S = 3.0
_ARRIVAL_S = 0.2  # wall time for messages on their way


class RosClock:
    """Node time; a steady clock notices when it stands still."""

    def __init__(self, node: Node, hardware_timeout_s: float) -> None:
        self._clock = node.get_clock()
        self._timeout_s = hardware_timeout_s
        self._last_s: float | None = None

    def begin(self) -> None:
        """See Clock."""
        self._last_s = None

    def now_s(self) -> float:
        """Current node time, seconds."""
        return self._clock.now().nanoseconds / NANOSECONDS

    def sleep(self, duration_s: float) -> None:
        """Let node time pass.

        Raises:
            HardwareLost: Node time stands still.
            ClockError: It was set back, now or since it slept last.
        """
        now, moved = self._advanced_s(), time.monotonic()
        end = now + duration_s
        while now < end:
            time.sleep(min(_POLL_S, duration_s))
            last, now = now, self._advanced_s()
            if now != last:
                moved = time.monotonic()
            elif time.monotonic() - moved > self._timeout_s:
                raise HardwareLost(
                    f"node time has stood still at {now:.3f} s for {self._timeout_s:.1f} s: "
                    "whatever publishes /clock has stopped"
                )

    def _advanced_s(self) -> float:
        """Current node time, which is never before the one that was told last."""
        last, now = self._last_s, self.now_s()
        self._last_s = now
        if last is not None and step_of(now, last) is Step.SET_BACK:
            raise ClockError(
                f"node time was set back from {last:.3f} to {now:.3f} s: whatever publishes "
                "/clock was restarted, or somebody set this computer's clock"
            )
        return now


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
    if not model.gripper.reports_opening:
        return sources
    topic = model.gripper.joint_states_topic
    sources[topic] = (*sources.get(topic, ()), *model.gripper.joints)
    return sources


def state_rates(model: RobotModel) -> dict[str, float]:
    """Messages a second by topic, of the topics where they are known."""
    topic = model.gripper.joint_states_topic
    if not model.gripper.reports_opening or topic == model.arm.joint_states_topic:
        return {}
    return {topic: model.gripper.states_hz}


class JointStateCache:
    """Newest state of every joint, each from its own driver.

    Whatever else a topic says is ignored: a driver that knows of the other's joints fills in
    zeros, and an aggregator gives old values fresh stamps. Stamps follow the rule of
    :mod:`grasp_ros.stamps`: a sample that arrives without a later stamp is no new one.
    """

    def __init__(
        self,
        node: Node,
        clock: RosClock,
        timeout_s: float,
        sources: Mapping[str, Collection[str]],
        max_lead_s: float = DEFAULT_MAX_LEAD_S,
        rates_hz: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Subscribe.

        Args:
            node: Node that subscribes.
            clock: Node time.
            timeout_s: Age at which a state is stale, seconds.
            sources: Joints by topic, see :func:`joint_sources`.
            max_lead_s: By which stamps may lead node time, seconds.
            rates_hz: Messages a second by topic, see :func:`state_rates`.
        """
        self._clock = clock
        self._timeout_s = timeout_s
        self._max_lead_s = max_lead_s
        self._topics = {joint: topic for topic, joints in sources.items() for joint in joints}
        self._joints: dict[str, JointSample] = {}
        self._heard_s: dict[str, float] = {}
        self._set_back: dict[str, float] = {}
        self._recent: dict[str, deque[JointSample]] = {}
        self._lock = threading.Lock()
        self._watch = on_clock_set_back(node, self._forget)
        self._subscriptions = [
            node.create_subscription(
                JointState,
                topic,
                functools.partial(self._receive, frozenset(joints)),
                states_at(rates_hz[topic]) if topic in rates_hz else STATES,
            )
            for topic, joints in sources.items()
        ]

    def remember(self, names: tuple[str, ...]) -> None:
        """Keep the last second of these joints, see :meth:`since`."""
        with self._lock:
            self._recent.update({name: deque() for name in names})

    def _forget(self) -> None:
        with self._lock:
            for kept in (self._joints, self._heard_s, self._set_back):
                kept.clear()
            for samples in self._recent.values():
                samples.clear()

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
            for name, sample in fresh.items():
                self._take(name, sample)

    def _take(self, name: str, sample: JointSample) -> None:
        last = self._joints.get(name)
        step = step_of(sample.stamp_s, last.stamp_s if last else None)
        self._heard_s[name] = sample.arrived_s
        if step is Step.REPEATED:
            return
        samples = self._recent.get(name, deque())
        if last is not None and step is Step.SET_BACK:
            samples.clear()
            self._set_back[name] = last.stamp_s
        elif sample.stamp_s > self._set_back.get(name, sample.stamp_s):
            del self._set_back[name]  # past all that anybody can ask for from before
        self._joints[name] = sample
        samples.append(sample)
        while samples[-1].stamp_s - samples[0].stamp_s > _MEMORY_S:
            samples.popleft()

    def _newest(self, names: tuple[str, ...]) -> list[JointSample | None]:
        with self._lock:
            return [self._joints.get(name) for name in names]

    def since(self, names: tuple[str, ...], stamp_s: float) -> list[tuple[JointSample, ...]]:
        """Remembered samples of joints that were measured together, after a time.

        Raises:
            ClockError: Their driver's clock was set back to before that time.
        """
        with self._lock:
            for name in names:
                newest = self._joints.get(name)
                if name in self._set_back and newest is not None and newest.stamp_s <= stamp_s:
                    raise ClockError(
                        f"the clock of the driver that publishes {self._topics[name]} was set "
                        f"back from {self._set_back[name]:.3f} s to {newest.stamp_s:.3f} s or "
                        f"earlier: nothing is known since {stamp_s:.3f} s; let the clock alone "
                        "while the robot works"
                    )
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
            ClockError: Messages come, but their stamps do not advance, lag, or lead node time.
        """
        began = time.monotonic()
        while True:
            found = self._newest(names)
            if None not in found and all(map(self._is_timely, found)):
                return [joint for joint in found if joint is not None]
            # A clock message may overtake joint states already on their way, or they it; the
            # first of all comes when publisher and subscription have found each other.
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
        for name, joint in zip(names, found, strict=True):
            if joint is not None and not self._is_timely(joint):
                self._refuse(name, joint)
        return [joint for joint in found if joint is not None]  # timely by now

    def _is_timely(self, joint: JointSample | None) -> bool:
        if joint is None:
            return False
        now_s = self._clock.now_s()
        ahead = leads(_ns(joint.stamp_s), _ns(now_s), self._max_lead_s)
        return not ahead and now_s - _since(joint) <= self._timeout_s

    def _refuse(self, name: str, joint: JointSample) -> None:
        topic, now_s = self._topics[name], self._clock.now_s()
        refuse_lead(
            f"the joint states on {topic}", _ns(joint.stamp_s), _ns(now_s), self._max_lead_s
        )
        age_s = now_s - _since(joint)
        with self._lock:
            silent_s = now_s - self._heard_s.get(name, joint.arrived_s)
        if silent_s <= self._timeout_s:
            raise ClockError(
                f"joint states arrive on {topic}, but their newest stamp, {joint.stamp_s:.3f} s, "
                f"is {age_s:.2f} s old, allowed are {self._timeout_s:.2f} s: the driver's clock "
                "stands still, was set back or lags; synchronise it, or restart the driver"
            )
        raise StaleJointStates(
            f"the joint states of {name} ... are {age_s:.2f} s old, allowed are "
            f"{self._timeout_s:.2f} s: the driver that publishes {topic} has stopped"
        )


def _ns(seconds: float) -> int:
    return round(seconds * NANOSECONDS)


def _since(joint: JointSample) -> float:
    """Since when a state is known; the stamp of a clock that is ahead would keep it young."""
    return min(joint.stamp_s, joint.arrived_s)
