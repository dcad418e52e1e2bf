"""One contract for all drivers of hands: adapters of the executor against the stand-in."""

from __future__ import annotations

import dataclasses
import threading
import time

import pytest
import rclpy
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from unkind_hardware import UnkindHardware

from grasp_core.errors import Cancelled, GripperFailed, HardwareLost, StaleJointStates
from grasp_core.hand_drivers import DigitalIoDriver
from grasp_core.robot import load_robot
from grasp_executor.config import ExecutorConfig
from grasp_executor.jaws import Jaws
from grasp_executor.motion import Mover
from grasp_executor.ros_hands import connect_hand
from grasp_executor.ros_hardware import RosArm
from grasp_executor.ros_states import JointStateCache, RosClock, joint_sources, state_rates
from grasp_ros.spinner import Spinner

pytestmark = pytest.mark.ros

SPEED = 4.0
NARROWEST_M = 0.04  # of the block
CONFIG = ExecutorConfig(
    hardware_timeout_s=3.0, state_timeout_s=3.0, max_stamp_lead_s=9.0, gripper_timeout_s=60.0
)
FANUC = DigitalIoDriver(
    lines="fanuc",
    move_s=1.0,
    close_output="RO[1]",
    open_output="RO[2]",
    part_present_input="RI[1]",
    closed_input="DI[101]",
    opened_input="DI[102]",
    active_low=("RO[2]", "DI[101]"),
)


def shipped(name):
    return load_robot("panda", name)


def on_fanuc_lines():
    robot = shipped("pneumatic_hand")
    return dataclasses.replace(robot, gripper=dataclasses.replace(robot.gripper, driver=FANUC))


HANDS = {
    "gripper_command": shipped("force_hand"),
    "parallel_gripper_command": shipped("parallel_hand"),
    "franka": shipped("franka_hand"),
    "digital_io": shipped("pneumatic_hand"),
    "digital_io fanuc": on_fanuc_lines(),
}
ACTIONS = ("gripper_command", "parallel_gripper_command", "franka")
MEASURED = pytest.mark.parametrize("hand", ACTIONS, indirect=True)
ALL = pytest.mark.parametrize("hand", HANDS, indirect=True)


class Running:
    """The stand-in with one hand, and the executor's side of it; the block is between the jaws.

    Attributes:
        cancel_at_m: Gap below which the client loses interest.
    """

    def __init__(self, model):
        self.cancel_at_m = 0.0
        self.hardware = UnkindHardware(model, speed=SPEED)
        self._executor = MultiThreadedExecutor(4)
        self._executor.add_node(self.hardware)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()
        time_of_hardware = [Parameter("use_sim_time", value=True)]
        self._spinner = Spinner(Node("client", parameter_overrides=time_of_hardware))
        clock = RosClock(self._spinner.node, CONFIG.hardware_timeout_s)
        states = JointStateCache(
            self._spinner.node,
            clock,
            CONFIG.state_timeout_s,
            joint_sources(model),
            CONFIG.max_stamp_lead_s,
            state_rates(model),
        )
        arm = RosArm(self._spinner, model, CONFIG, states)
        self.gripper = connect_hand(self._spinner, model, CONFIG, states)
        mover = Mover(
            arm, clock, CONFIG.tick_s, lambda: self.hardware.body.gap_m < self.cancel_at_m
        )
        self.jaws = Jaws(self.gripper, clock, mover, CONFIG, model.gripper)
        self.widest_m = model.gripper.max_gap_m
        self._reports_opening = model.gripper.reports_opening
        self._spinner.start()

    def close(self):
        self.hardware.behave()  # what was never to end may
        self._spinner.close()
        self._executor.shutdown(2.0)
        self.hardware.destroy_node()
        self._thread.join(2.0)

    def begin_anew(self):
        """Kind hardware, open jaws, and the block between them."""
        self.hardware.behave()
        self.cancel_at_m = 0.0
        body = self.hardware.body
        with body.lock:
            body.block_m = body.tip().translation - [0.0, 0.0, 0.02]
        self.jaws.fresh_state()

    def cancel_on_the_way(self):
        """The jaws close slowly, and the client cancels before they are there."""
        self.hardware.body.jaw_speed_m_s = 0.02
        self.cancel_at_m = self.widest_m - 1e-3

    def open(self):
        self.jaws.open(self.widest_m, 20.0)

    def state(self):
        """What is told once the hardware has measured anew."""
        time.sleep(0.2 / SPEED)
        return self.jaws.fresh_state()

    def shows_block(self):
        state = self.state()
        if self._reports_opening:
            there_m = self.hardware.body.gap_m
            return abs(state.gap_m - there_m) < 1e-3 and there_m >= NARROWEST_M
        return bool(state.inputs.hold_a_part)

    def shows_nothing(self):
        state = self.state()
        return abs(state.gap_m) < 1e-3 if self._reports_opening else state.inputs.closed

    def shows_open(self):
        state = self.state()
        if self._reports_opening:
            return abs(state.gap_m - self.widest_m) < 1e-3
        return state.inputs.opened


@pytest.fixture(scope="module", autouse=True)
def ros():
    rclpy.init()
    yield
    rclpy.try_shutdown()


@pytest.fixture(scope="module")
def hands():
    """Those that a test has asked for so far, one at a time."""
    running = {}
    yield running
    for one in running.values():
        one.close()


@pytest.fixture
def hand(hands, request):
    name = request.param
    if name not in hands:
        for other in list(hands):
            hands.pop(other).close()
        hands[name] = Running(HANDS[name])
    hands[name].begin_anew()
    return hands[name]


@ALL
def test_closes_on_an_object_and_opens(hand):
    hand.jaws.close(20.0)
    assert hand.hardware.body.holds
    assert hand.shows_block()
    hand.open()
    assert not hand.hardware.body.holds
    assert hand.shows_open()


@ALL
def test_closes_on_nothing(hand):
    hand.hardware.body.take_block_away()
    hand.jaws.close(20.0)
    assert hand.shows_nothing()


@ALL
def test_the_force_asked_for_is_that_of_the_hand(hand):
    hand.jaws.close(17.0)
    force_n = hand.hardware.body.force_n
    assert force_n == (17.0 if hand.gripper.state().gap_m > 0.0 else 40.0)


@MEASURED
@pytest.mark.parametrize(
    "way", [("grip-aborts", None), ("grip-early", None), ("grip-never", None), ("grip-late", 0.5)]
)
def test_whatever_the_driver_says_of_it_the_states_tell(hand, way):
    hand.hardware.misbehave(*way)
    hand.jaws.close(20.0)
    assert hand.shows_block()


@MEASURED
def test_a_refused_goal_has_failed(hand):
    hand.hardware.misbehave("grip-refused")
    with pytest.raises(GripperFailed, match="refused"):
        hand.jaws.close(20.0)
    assert hand.shows_open()


@ALL
def test_jaws_that_are_blocked_are_found_out(hand):
    hand.jaws.close(20.0)
    hand.hardware.misbehave("jaws-stuck")
    with pytest.raises(GripperFailed, match="something blocks them"):
        hand.open()


@ALL
def test_silent_states_are_stale(hand):
    hand.hardware.misbehave("hand-silent")

    def close_and_look():
        hand.jaws.close(20.0)
        hand.jaws.fresh_state()

    with pytest.raises(StaleJointStates):
        close_and_look()


@ALL
def test_a_cancel_ends_the_motion(hand):
    body = hand.hardware.body
    body.take_block_away()
    before = len(hand.hardware.hand.switched)
    hand.cancel_on_the_way()
    with pytest.raises(Cancelled):
        hand.jaws.close(20.0)
    if hand.gripper.state().gap_m > 0.0:
        gap_m = body.gap_m
        assert gap_m > 0.0
        time.sleep(0.1)
        assert body.gap_m == gap_m
    else:  # a valve that was switched cannot be stopped, but nothing more is
        time.sleep(0.1)
        assert len(hand.hardware.hand.switched) <= before + 2


@pytest.mark.parametrize("hand", ["franka"], indirect=True)
def test_cancelling_calls_frankas_stop(hand):
    hand.cancel_on_the_way()
    with pytest.raises(Cancelled):
        hand.jaws.close(20.0)
    assert hand.hardware.hand.stops == 1


@pytest.mark.parametrize("hand", ["franka"], indirect=True)
def test_what_frankas_library_throws_is_told_with_the_way_out(hand):
    hand.hardware.misbehave("grip-error")
    with pytest.raises(GripperFailed, match=r"'Command failed!'.*home it.*franka_gripper/homing"):
        hand.jaws.close(20.0)


@pytest.mark.parametrize("hand", ["franka"], indirect=True)
def test_a_width_beyond_frankas_homing_is_asked_for_a_little_less(hand, monkeypatch):
    hand.jaws.close(20.0)
    narrower = dataclasses.replace(hand.hardware.robot.gripper, max_gap_m=hand.widest_m - 2e-4)
    model = dataclasses.replace(hand.hardware.robot, gripper=narrower)
    monkeypatch.setattr(hand.hardware.body, "robot", model)
    hand.open()
    assert hand.state().gap_m == pytest.approx(hand.widest_m - 5e-4, abs=1e-4)


@pytest.mark.parametrize("hand", ["digital_io fanuc"], indirect=True)
def test_an_output_that_the_controller_does_not_set_is_a_failure(hand):
    hand.hardware.hand.abort_code = 7004
    with pytest.raises(GripperFailed, match=r"set_bool_io answers 7004 to RO\[2\]"):
        hand.jaws.close(20.0)
    hand.hardware.behave()
    hand.hardware.misbehave("grip-never")
    with pytest.raises(HardwareLost, match=r"output is not confirmed, for 3\.0 s"):
        hand.jaws.close(20.0)


@pytest.mark.parametrize("hand", ["digital_io"], indirect=True)
def test_outputs_that_nobody_reads_are_lost_hardware(hand, monkeypatch):
    lines = hand.gripper._lines
    monkeypatch.setattr(lines, "missing", lambda: "nobody subscribes to valve")
    with pytest.raises(HardwareLost, match=r"nobody subscribes to valve, for 3\.0 s"):
        hand.jaws.close(20.0)
    assert hand.hardware.hand.switched == []
