"""Node time that stands still or jumps; joint states that are missing, old or out of step."""

import dataclasses
import itertools
from types import SimpleNamespace

import pytest
from sensor_msgs.msg import JointState

from grasp_core.errors import ClockError, HardwareLost, StaleJointStates
from grasp_core.gripper_profile import gripper_names
from grasp_core.robot import load_robot
from grasp_executor import ros_states
from grasp_executor.ros_states import JointStateCache, RosClock, joint_sources, state_rates
from grasp_ros.conversions import ns_to_stamp

SECOND = 1_000_000_000


class FakeNode:
    """Node time set by hand, and the subscription's callback."""

    def __init__(self, times_ns=(0,)):
        self._times = itertools.chain(times_ns, itertools.repeat(times_ns[-1]))
        self.fixed_ns = None
        self.receivers = {}
        self.depths = {}

    def get_clock(self):
        return self

    def now(self):
        value = next(self._times) if self.fixed_ns is None else self.fixed_ns
        return SimpleNamespace(nanoseconds=value)

    def create_jump_callback(self, threshold, post_callback):
        self.set_back = post_callback

    def create_subscription(self, kind, topic, callback, qos):
        self.receivers[topic] = callback
        self.depths[topic] = qos.depth

    def receive(self, message, topic="states"):
        self.receivers[topic](message)


def message(stamp_s, names=("a", "b"), effort=(1.0, 2.0)):
    state = JointState(
        name=list(names), position=[0.1] * len(names), effort=list(effort)[: len(names)]
    )
    state.header.stamp = ns_to_stamp(round(stamp_s * SECOND))
    return state


@pytest.fixture
def node():
    node = FakeNode()
    node.fixed_ns = 10 * SECOND
    return node


@pytest.fixture
def cache(node, monkeypatch):
    monkeypatch.setattr(ros_states, "_DISCOVERY_S", 0.02)
    monkeypatch.setattr(ros_states, "_ARRIVAL_S", 0.02)
    cache = JointStateCache(node, RosClock(node, 1.0), 0.5, {"states": ("a", "b")})
    cache.remember(("a", "b"))
    return cache


def test_sleep_lets_node_time_pass():
    clock = RosClock(FakeNode([0, SECOND // 2, SECOND, 2 * SECOND]), 1.0)
    clock.sleep(1.5)
    assert clock.now_s() == 2.0


def test_time_that_stands_still_is_lost_hardware():
    with pytest.raises(HardwareLost, match="stood still"):
        RosClock(FakeNode([0]), hardware_timeout_s=0.02).sleep(1.0)


@pytest.mark.parametrize("back_ns", [SECOND // 5, 49 * SECOND])
def test_time_set_back_by_any_amount_is_an_error_of_the_clock(back_ns):
    times = [50 * SECOND, 51 * SECOND, 51 * SECOND - back_ns]
    with pytest.raises(ClockError, match=r"set back from 51\.000 to"):
        RosClock(FakeNode(times), 1.0).sleep(9.0)


@pytest.mark.parametrize("back_ns", [SECOND // 4, 50 * SECOND])
def test_a_set_back_between_two_waits_is_seen_unless_another_task_begins(back_ns):
    times = [50 * SECOND, 51 * SECOND]
    after = [times[-1] - back_ns, times[-1]]
    clock = RosClock(FakeNode([*times, *after]), 1.0)
    clock.sleep(1.0)
    with pytest.raises(ClockError, match=r"set back from 51\.000 to"):
        clock.sleep(0.1)
    clock = RosClock(FakeNode([*times, *after]), 1.0)
    clock.sleep(1.0)
    clock.begin()
    clock.sleep(0.1)


def test_missing_joints_are_named(cache, node):
    node.receive(message(10.0, names=("a",)))
    with pytest.raises(StaleJointStates, match=r"no joint state of b yet: .* publish states"):
        cache.read(("a", "b"))


def test_a_joint_is_read_at_its_own_driver_alone(node):
    sources = {"arm/states": ("a",), "hand/states": ("b",)}
    cache = JointStateCache(node, RosClock(node, 1.0), 0.5, sources)
    node.receive(message(9.9), "hand/states")
    node.receive(message(10.0, names=("b", "a"), effort=(0.0, 7.0)), "arm/states")  # b filled in
    a, b = cache.read(("a", "b"))
    assert (a.stamp_s, a.effort) == (10.0, 7.0)
    assert (b.stamp_s, b.effort) == (9.9, 2.0)


def test_sources_of_a_robot_are_its_drivers_topics():
    robot = load_robot("panda")
    assert joint_sources(robot) == {
        "franka/joint_states": robot.arm.joints,
        "franka_gripper/joint_states": robot.gripper.joints,
    }
    arm = dataclasses.replace(robot.arm, joint_states_topic="franka_gripper/joint_states")
    both = joint_sources(dataclasses.replace(robot, arm=arm))
    assert both == {"franka_gripper/joint_states": (*robot.arm.joints, *robot.gripper.joints)}


@pytest.mark.parametrize("hand", gripper_names())
def test_what_waits_in_a_queue_is_young_enough_to_go_on_with(node, hand):
    robot = load_robot("fr3", hand)
    topics = joint_sources(robot)
    rates = state_rates(robot)
    JointStateCache(node, RosClock(node, 1.0), 0.5, topics, rates_hz=rates)
    for topic in topics:
        assert 1 <= node.depths[topic] <= 0.5 * 0.5 * rates.get(topic, 100.0)


def test_states_that_stopped_are_stale_and_a_clock_message_may_come_later_than_they(cache, node):
    node.receive(message(10.4))
    assert cache.read(("a",))[0].stamp_s == 10.4
    node.fixed_ns = 11 * SECOND
    with pytest.raises(StaleJointStates, match=r"1\.00 s old, .* has stopped"):
        cache.read(("a", "b"))


def test_stamps_that_lead_node_time_are_refused_with_the_lead(cache, node):
    node.receive(message(13.0))
    with pytest.raises(ClockError, match=r"on states lead node time by 3\.00 s, .* are 0\.50 s"):
        cache.read(("a", "b"))
    node.fixed_ns = 0  # before the first /clock nothing can be said
    assert cache.read(("a", "b"))


@pytest.mark.parametrize("back_s", [0.0, 0.3, 3.0])
def test_samples_that_arrive_but_do_not_advance_are_an_interruption(cache, node, back_s):
    node.receive(message(10.0))
    for tenth in range(1, 8):  # the same stamps again, or the true ones less three seconds
        node.fixed_ns = 10 * SECOND + tenth * SECOND // 10
        node.receive(message(10.0 if back_s == 0.0 else 10.0 + 0.001 * tenth - back_s))
    with pytest.raises(ClockError, match="arrive on states, but their newest stamp"):
        cache.read(("a", "b"))


@pytest.mark.parametrize("back_s", [0.01, 0.3, 3.0])
def test_whoever_watches_is_told_that_the_drivers_clock_was_set_back(cache, node, back_s):
    node.receive(message(10.0))
    watched = cache.since(("a", "b"), 9.9)[-1][0].stamp_s
    node.receive(message(10.0 - back_s))
    with pytest.raises(ClockError, match=r"set back from 10\.000 s to"):
        cache.since(("a", "b"), watched)
    node.receive(message(10.05))
    assert len(cache.since(("a", "b"), watched)) == 1


def test_node_time_set_back_forgets_all(cache, node):
    node.receive(message(10.0))
    node.set_back(None)
    with pytest.raises(StaleJointStates, match="no joint state of a, b yet"):
        cache.read(("a", "b"))
    node.fixed_ns = SECOND
    node.receive(message(1.0))
    assert [a.stamp_s for a, _ in cache.since(("a", "b"), 0.5)] == [1.0]


def test_samples_are_matched_by_their_stamp(cache, node):
    node.receive(message(9.8))
    node.receive(message(9.9, names=("a",)))
    node.receive(message(10.0))
    samples = cache.since(("a", "b"), 0.0)
    assert [(a.stamp_s, b.stamp_s) for a, b in samples] == [(9.8, 9.8), (10.0, 10.0)]
    assert len(cache.since(("a", "b"), 9.8)) == 1


def test_a_restarted_driver_starts_the_memory_anew(cache, node):
    node.receive(message(10.0))
    node.receive(message(1.0))
    assert [a.stamp_s for a, _ in cache.since(("a", "b"), 0.0)] == [1.0]


def test_memory_is_bounded(cache, node):
    for hundredth in range(500):
        node.receive(message(hundredth * 0.01))
    assert len(cache.since(("a", "b"), 0.0)) == pytest.approx(101, abs=1)
