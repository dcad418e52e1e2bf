"""Arm and gripper over ROS, against drivers that do as the test says."""

from __future__ import annotations

import dataclasses
import functools
import math
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import rclpy
from control_msgs.action import FollowJointTrajectory, GripperCommand
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import WrenchStamped
from rclpy.action import ActionServer, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool

from grasp_core.errors import (
    ConfigError,
    GripperFailed,
    ProtectiveStop,
    StaleJointStates,
    TrajectoryAborted,
    TrajectoryRefused,
    UnexpectedContact,
)
from grasp_core.hand_drivers import GripperCommandDriver
from grasp_core.robot import load_robot
from grasp_executor.config import ExecutorConfig
from grasp_executor.fault_latch import FaultLatch
from grasp_executor.interfaces import JointTrajectory
from grasp_executor.ros_hands import connect_hand
from grasp_executor.ros_hardware import RosArm
from grasp_executor.ros_states import JointStateCache, RosClock, joint_sources
from grasp_executor.ros_stop import watch_stops
from grasp_ros.conversions import stamp_to_ns
from grasp_ros.qos import STATES
from grasp_ros.spinner import Spinner

pytestmark = pytest.mark.ros
PATIENCE_S = 20.0
STALE_S = 0.2
OTHER_ARM, OTHER_HAND = "other/arm", "other/hand"
ROBOT = load_robot("panda", "force_hand")
JOINTS = ROBOT.arm.joints
FOLLOW, GRIP = FollowJointTrajectory.Result, GripperCommand.Result
ANGLES = {
    "command_unit": "joint_angle",
    "angle_rad": (0.0, 0.4, 0.8),
    "gap_m": (0.08, 0.05, 0.0),
}


class Drivers(Node):
    """Accepts or refuses goals, ends them as told, and says what is to be said of the joints."""

    def __init__(self):
        super().__init__("drivers")
        self.accepts, self.succeeds = True, True
        self.result, self.says = None, []
        self.asked, self.goals = [], []
        self.states = {}  # topic: names, positions, velocities, efforts
        self._publishers_of = {
            topic: self.create_publisher(JointState, topic, 10) for topic in joint_sources(ROBOT)
        }
        self.create_timer(0.01, self._tell)
        for name in (ROBOT.arm.trajectory_action, OTHER_ARM):
            self._serve(FollowJointTrajectory, name)
        for name in (ROBOT.gripper.driver.action, OTHER_HAND):
            self._serve(GripperCommand, name)

    def _serve(self, kind, name):
        ActionServer(
            self,
            kind,
            name,
            execute_callback=functools.partial(self._execute, name),
            goal_callback=self._decide,
            callback_group=ReentrantCallbackGroup(),
        )

    def _decide(self, goal):
        return GoalResponse.ACCEPT if self.accepts else GoalResponse.REJECT

    def _execute(self, name, handle):
        self.asked.append(name)
        self.goals.append(handle.request)
        for message in self.says:
            handle.publish_feedback(message)
            time.sleep(0.05)  # feedback and result travel by different ways
        if self.succeeds:
            handle.succeed()
        else:
            handle.abort()
        return self.result

    def _tell(self):
        for topic, (names, *values) in list(self.states.items()):
            message = JointState(name=list(names))
            message.position, message.velocity, message.effort = values
            message.header.stamp = self.get_clock().now().to_msg()
            self._publishers_of[topic].publish(message)


@pytest.fixture(scope="module")
def running():
    """The drivers, and the node of the executor's side, in threads of their own."""
    rclpy.init()
    drivers = Drivers()
    executor = MultiThreadedExecutor(2)
    executor.add_node(drivers)
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    hardware = Spinner(Node("client"))
    hardware.start()
    yield drivers, hardware
    hardware.close()
    executor.shutdown()
    thread.join(5.0)
    drivers.destroy_node()
    rclpy.shutdown()


@pytest.fixture
def drivers(running):
    drivers, _ = running
    drivers.accepts, drivers.succeeds = True, True
    drivers.asked, drivers.goals, drivers.states, drivers.says = [], [], {}, []
    return drivers


@pytest.fixture
def connect(running):
    """Connects arm or gripper of a model to the drivers."""
    _, hardware = running

    def build(kind, model=ROBOT, **settings):
        config = ExecutorConfig(state_timeout_s=STALE_S, **settings)
        clock = RosClock(hardware.node, config.hardware_timeout_s)
        sources = joint_sources(model)
        states = JointStateCache(hardware.node, clock, config.state_timeout_s, sources)
        return kind(hardware, model, config, states)

    return build


@pytest.fixture
def arm(connect):
    return connect(RosArm)


def hand(command=None, **changes):
    driver = ROBOT.gripper.driver
    if command is not None:
        driver = GripperCommandDriver(action=driver.action, **command)
    gripper = dataclasses.replace(ROBOT.gripper, driver=driver, **changes)
    return dataclasses.replace(ROBOT, gripper=gripper)


def turning(**command):
    return hand({**ANGLES, **command}, joints=("knuckle",), reports_force=False)


def with_arm(**changes):
    return dataclasses.replace(ROBOT, arm=dataclasses.replace(ROBOT.arm, **changes))


def finish(motion):
    deadline = time.monotonic() + PATIENCE_S
    while not motion.done():
        assert time.monotonic() < deadline, "the goal does not end"
        time.sleep(0.001)
    motion.check()


def trajectory():
    shape = (3, len(JOINTS))
    values = np.arange(3 * len(JOINTS), dtype=float).reshape(shape)
    return JointTrajectory(
        JOINTS, np.array([0.0, 0.25, 1.5]), values * 0.01, values * 0.1, values * 0.2
    )


# -- arm -----------------------------------------------------------------------------------------


def test_a_trajectory_reaches_the_driver_as_it_is(drivers, arm):
    drivers.result = FOLLOW()
    wanted = trajectory()
    finish(arm.start(wanted))
    (goal,) = drivers.goals
    assert tuple(goal.trajectory.joint_names) == JOINTS
    points = goal.trajectory.points
    assert [stamp_to_ns(point.time_from_start) for point in points] == [0, 250_000_000, 1.5e9]
    for name in ("positions", "velocities", "accelerations"):
        sent = np.array([getattr(point, name) for point in points])
        np.testing.assert_array_equal(sent, getattr(wanted, name))
    profile = ROBOT.arm
    for sent, limit in (
        (goal.path_tolerance, profile.path_tolerance_rad[0]),
        (goal.goal_tolerance, profile.goal_tolerance_rad[0]),
    ):
        assert [tolerance.name for tolerance in sent] == list(JOINTS)
        assert {tolerance.position for tolerance in sent} == {limit}
    assert stamp_to_ns(goal.goal_time_tolerance) == profile.goal_time_tolerance_s * 1e9


def told(stamp_s, desired, actual):
    """Feedback in another order of the joints."""
    message = FollowJointTrajectory.Feedback(joint_names=list(JOINTS[::-1]))
    message.header.stamp.sec, message.header.stamp.nanosec = 7, round(stamp_s * 1e9)
    message.desired.positions = list(desired[::-1])
    message.actual.positions = list(actual[::-1])
    return message


def test_the_controllers_feedback_tells_progress_and_contact(drivers, arm):
    wanted, drivers.result = trajectory(), FOLLOW()
    middle = wanted.positions[1]
    drivers.says = [told(0.1, middle, middle)]
    motion = arm.start(wanted)
    finish(motion)
    assert motion.progress_s() == pytest.approx(0.25)
    off = middle - 0.3 * np.eye(len(JOINTS))[2]
    drivers.says = [told(stamp_s, middle, off) for stamp_s in (0.1, 0.2, 0.25)]
    motion = arm.start(wanted)
    finish(motion)
    with pytest.raises(UnexpectedContact, match=f"{JOINTS[2]} has been off its set point"):
        motion.progress_s()


def test_feedback_without_positions_tells_nothing(drivers, arm):
    drivers.result, drivers.says = FOLLOW(), [FollowJointTrajectory.Feedback()]
    motion = arm.start(trajectory())
    finish(motion)
    assert math.isnan(motion.progress_s())


@pytest.mark.parametrize(
    ("succeeds", "code", "failure"),
    [
        (False, FOLLOW.INVALID_GOAL, TrajectoryRefused),
        (False, FOLLOW.INVALID_JOINTS, TrajectoryRefused),
        (False, FOLLOW.OLD_HEADER_TIMESTAMP, TrajectoryRefused),
        (False, FOLLOW.PATH_TOLERANCE_VIOLATED, UnexpectedContact),
        (False, FOLLOW.GOAL_TOLERANCE_VIOLATED, TrajectoryAborted),
        (False, FOLLOW.SUCCESSFUL, TrajectoryAborted),  # aborted without a reason
        (True, FOLLOW.GOAL_TOLERANCE_VIOLATED, TrajectoryAborted),
    ],
)
def test_what_the_controller_reports_decides_the_failure(drivers, arm, succeeds, code, failure):
    drivers.succeeds, drivers.result = succeeds, FOLLOW(error_code=code, error_string="told")
    with pytest.raises(failure, match=f"the arm controller reports {code}: told") as caught:
        finish(arm.start(trajectory()))
    assert type(caught.value) is failure


def test_a_refused_trajectory(drivers, arm):
    drivers.accepts = False
    with pytest.raises(TrajectoryRefused, match="the arm refused the goal; its log says why"):
        finish(arm.start(trajectory()))


def test_the_arms_state_is_in_the_order_of_its_joints(drivers, arm):
    topic = ROBOT.arm.joint_states_topic
    values = [0.1 * index for index in range(7)]
    drivers.states[topic] = (JOINTS[::-1], values[::-1], [v * 2 for v in values[::-1]], [])
    state = arm.state()
    np.testing.assert_allclose(state.positions, values)
    np.testing.assert_allclose(state.velocities, np.array(values) * 2)
    drivers.states.clear()
    time.sleep(STALE_S + 0.1)
    with pytest.raises(StaleJointStates, match=rf"s old, .* that publishes {topic} has stopped"):
        arm.state()


def test_an_arm_that_tells_no_velocity_is_never_known_to_rest(drivers, arm):
    drivers.states[ROBOT.arm.joint_states_topic] = (JOINTS, [0.0] * 7, [], [])
    with pytest.raises(StaleJointStates, match="no velocity: the driver must publish it"):
        arm.state()


def test_states_on_an_aggregators_topic_do_not_count(drivers, connect, monkeypatch):
    monkeypatch.setattr("grasp_executor.ros_states._DISCOVERY_S", 0.3)
    # The hand's driver knows of the arm's joints, and fills in zeros.
    drivers.states[ROBOT.gripper.joint_states_topic] = (JOINTS, [0.0] * 7, [0.0] * 7, [])
    with pytest.raises(StaleJointStates, match=f"publish {ROBOT.arm.joint_states_topic}"):
        connect(RosArm).state()


# -- gripper -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "position"),
    [
        (hand({"command_unit": "gap"}), 0.05),
        (hand({"command_unit": "finger"}), 0.025),
        (hand({"command_unit": "finger", "command_offset": -0.01}), 0.015),
        (turning(), 0.4),
        (turning(command_offset=0.1), 0.5),
    ],
    ids=["gap", "finger", "finger with offset", "angle", "angle with offset"],
)
def test_a_gap_is_commanded_in_the_drivers_unit(drivers, connect, model, position):
    drivers.result = GRIP(reached_goal=True)
    finish(connect(connect_hand, model).start(0.05, 12.5))
    (goal,) = drivers.goals
    assert goal.command.position == pytest.approx(position)
    assert goal.command.max_effort == 12.5


@pytest.mark.parametrize(
    "result", [GRIP(stalled=True), GRIP(reached_goal=True), GRIP(position=0.0123), GRIP()]
)
@pytest.mark.parametrize("succeeds", [True, False])
def test_no_verdict_of_the_driver_is_a_failure(drivers, connect, result, succeeds):
    drivers.succeeds, drivers.result = succeeds, result
    finish(connect(connect_hand).start(0.0, 20.0))
    assert len(drivers.goals) == 1


def test_an_opening_beyond_the_drivers_own_widest_is_asked_for_a_little_less(drivers, connect):
    drivers.succeeds, drivers.result = False, GRIP()
    widest = ROBOT.gripper.max_gap_m
    finish(connect(connect_hand, hand({"command_unit": "gap"})).start(widest, 20.0))
    asked = [goal.command.position for goal in drivers.goals]
    assert asked == pytest.approx([widest, widest - 0.0005])


def test_a_refused_command_has_failed(drivers, connect):
    gripper = connect(connect_hand)
    drivers.accepts = False
    with pytest.raises(GripperFailed, match="the gripper refused the goal"):
        finish(gripper.start(0.0, 20.0))


@pytest.mark.parametrize(
    ("model", "positions", "gap_m", "effort_n"),
    [
        (hand(), [0.01, 0.02], 0.03, [5.0, 6.0]),
        (hand(reports_force=False), [0.01, 0.02], 0.03, [np.nan] * 2),
        (turning(), [0.6], 0.025, [np.nan] * 2),
    ],
    ids=["fingers", "fingers without force", "angle"],
)
def test_the_gap_is_read_from_the_hands_own_states(
    drivers, connect, model, positions, gap_m, effort_n
):
    names = model.gripper.joints
    drivers.states[ROBOT.gripper.joint_states_topic] = (
        names,
        positions,
        [],
        [-5.0, 6.0][: len(names)],
    )
    gripper = connect(connect_hand, model)
    state = gripper.state()
    assert state.gap_m == pytest.approx(gap_m)
    np.testing.assert_array_equal(state.effort_n, effort_n)
    time.sleep(0.1)
    later = gripper.states_since(state.stamp_s)
    assert len(later) >= 2
    assert np.all(np.diff([state.stamp_s, *(one.stamp_s for one in later)]) > 0.0)
    assert {round(one.gap_m, 6) for one in later} == {gap_m}


def test_a_hand_that_went_silent_is_stale(drivers, connect):
    drivers.states[ROBOT.gripper.joint_states_topic] = (ROBOT.gripper.joints, [0.0] * 2, [], [])
    gripper = connect(connect_hand)
    assert np.isnan(gripper.state().effort_n).all()  # promised, and not told
    drivers.states.clear()
    time.sleep(STALE_S + 0.1)
    for ask in (gripper.state, lambda: gripper.states_since(0.0)):
        with pytest.raises(StaleJointStates, match=ROBOT.gripper.joint_states_topic):
            ask()


# -- names ---------------------------------------------------------------------------------------


def test_a_parameter_names_another_action_than_the_profile(drivers, connect):
    drivers.result = FOLLOW()
    finish(connect(RosArm, arm_action=OTHER_ARM).start(trajectory()))
    drivers.result = GRIP(reached_goal=True)
    finish(connect(connect_hand, gripper_action=OTHER_HAND).start(0.05, 1.0))
    assert drivers.asked == [OTHER_ARM, OTHER_HAND]


# -- external force ------------------------------------------------------------------------------


def test_the_arms_external_force_is_read_where_it_has_one(drivers, connect):
    assert connect(RosArm, with_arm(external_wrench_topic="")).external_force_n() is None
    # As of a sensor whose x axis points up where the hand points down.
    axis = (-1.0, 0.0, 0.0)
    arm = connect(RosArm, with_arm(external_wrench_topic="arm/wrench", external_wrench_axis=axis))
    assert arm.external_force_n() is None
    publisher = drivers.create_publisher(WrenchStamped, "arm/wrench", 5)
    message = WrenchStamped()
    message.wrench.force.x, message.wrench.force.z = -1.5, 9.0
    deadline = time.monotonic() + PATIENCE_S
    while (measured := arm.external_force_n()) is None and time.monotonic() < deadline:
        message.header.stamp = drivers.get_clock().now().to_msg()
        publisher.publish(message)
        time.sleep(0.01)
    stamp_s = stamp_to_ns(message.header.stamp) * 1e-9
    assert measured == pytest.approx((1.5, stamp_s), abs=0.1)
    time.sleep(STALE_S + 0.1)
    assert arm.external_force_n() is None


# -- protective stops ----------------------------------------------------------------------------


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert condition()


def test_a_stop_is_heard_on_its_topic_and_from_the_drivers_mode(running):
    drivers, hardware = running
    latch = FaultLatch()
    mode = with_arm(
        stop_topic="arm/status",
        stop_type="diagnostic_msgs/msg/DiagnosticStatus",
        stop_field="message",
        stop_values=("REFLEX", "USER_STOPPED"),
    ).arm
    watch_stops(hardware.node, mode, "protective_stop", latch)
    status = drivers.create_publisher(DiagnosticStatus, "arm/status", STATES)
    stop = drivers.create_publisher(Bool, "protective_stop", STATES)
    wait_until(lambda: status.get_subscription_count() and stop.get_subscription_count())

    status.publish(DiagnosticStatus(message="MOVE"))
    status.publish(DiagnosticStatus(message="REFLEX"))
    wait_until(lambda: isinstance(latch.fault, ProtectiveStop))
    assert "message is REFLEX (arm/status)" in str(latch.fault)
    assert not latch.acknowledge()[0]  # it still stands
    status.publish(DiagnosticStatus(message="MOVE"))
    wait_until(lambda: latch.acknowledge()[0])
    assert latch.fault is None

    stop.publish(Bool(data=True))
    stop.publish(Bool(data=False))  # a short one latches, too
    wait_until(lambda: latch.fault is not None)
    wait_until(lambda: latch.acknowledge()[0])


@pytest.mark.parametrize(("kind", "field"), [("NoSuch", "message"), ("KeyValue", "no.such")])
def test_a_mode_that_cannot_be_read_is_named(running, kind, field):
    _, hardware = running
    kind = f"diagnostic_msgs/msg/{kind}"
    arm = with_arm(stop_topic="s", stop_type=kind, stop_field=field, stop_values=("1",)).arm
    with pytest.raises(ConfigError, match=f"{kind}.*{field}.*cannot be read"):
        watch_stops(hardware.node, arm, "", FaultLatch())


def test_a_mode_whose_type_is_not_installed_is_not_read():
    said = []
    node = SimpleNamespace(get_logger=lambda: SimpleNamespace(warning=said.append))
    arm = with_arm(
        stop_topic="arm/mode",
        stop_type="nowhere_msgs/msg/Mode",
        stop_field="x",
        stop_values=("1",),
    ).arm
    watch_stops(node, arm, "", FaultLatch())
    assert "not read from arm/mode" in said[0]
    assert "install nowhere_msgs" in said[0]


def test_half_a_stop_in_a_profile_is_refused():
    with pytest.raises(ConfigError, match="name a type as package/msg/Type"):
        with_arm(stop_topic="arm/status", stop_type="Status")
