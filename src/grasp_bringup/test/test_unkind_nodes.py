"""The nodes against the stand-in for unkind hardware: kind first, then each misbehaviour."""

from __future__ import annotations

import contextlib
import threading
import time

import numpy as np
import pytest
import rclpy
from grasp_msgs.action import Pick
from lifecycle_msgs.msg import Transition
from rclpy.executors import MultiThreadedExecutor
from running_stack import other_domain, ros_domain
from std_srvs.srv import Trigger
from unkind_body import GRAVITY_M_S2
from unkind_case import ArmDoes, HandDoes
from unkind_hardware import UnkindHardware, asked
from unkind_node_cases import NODE_CASES
from unkind_ways import WAYS

from grasp_bringup.client import StackClient
from grasp_bringup.processes import NodeProcesses
from grasp_bringup.stack import perception_and_action
from grasp_core.cell import load_cell
from grasp_core.errors import Code
from grasp_core.robot import load_robot

pytestmark = pytest.mark.ros

SPEED = 4.0
BRING_UP_S = 60.0
PICK_S = 60.0
CALL_S = 10.0
REST_S = 0.3  # wall time in which an arm at rest does not move
REST_RAD = 1e-6
HAND = "force_hand"
LATE_S = 2.0  # of simulated time, for messages on a busy machine
WORK_S = 6.0  # for a detection or a plan on a busy machine
SETTINGS = {
    "max_tcp_speed_m_s": 0.0,  # what goes wrong at a time of a motion was timed at full speed
    "hold_s": 0.4,
    "settle_s": 0.3,  # at this speed the arm tells the force at its hand 25 times a second
    "state_timeout_s": LATE_S,
    "max_stamp_lead_s": LATE_S,
    "hardware_timeout_s": 2.0,
    "detect_timeout_s": WORK_S,
    "plan_timeout_s": WORK_S,
    "max_plan_age_s": 12.0 * SPEED,
    "embedded.velocity_scale": 1.0,
    "embedded.acceleration_scale": 1.0,
}


class Running:
    """The stand-in, detector and executor over it, and their client."""

    def __init__(self, log_dir, domain, hand=HAND):
        self._log_dir, self._domain, self._hand = log_dir, domain, hand
        self.nodes = perception_and_action(
            None, None, "antipodal", gripper=hand, camera="realsense", continuous=False
        )
        self.nodes[0].parameters.update(max_stamp_lead_s=LATE_S)
        self.nodes[1].parameters.update(SETTINGS, state_dir=str(log_dir))

    def __enter__(self):
        with contextlib.ExitStack() as undo, ros_domain(self._domain):
            context = rclpy.Context()
            rclpy.init(context=context)
            undo.callback(context.try_shutdown)
            robot = load_robot("panda", self._hand)
            self.hardware = UnkindHardware(robot, speed=SPEED, context=context)
            undo.callback(self.hardware.destroy_node)
            executor = MultiThreadedExecutor(6, context=context)
            executor.add_node(self.hardware)
            thread = threading.Thread(target=executor.spin, daemon=True)
            thread.start()
            undo.callback(executor.shutdown, 2.0)
            self.client = undo.enter_context(StackClient())
            processes = undo.enter_context(NodeProcesses(self.nodes, self._log_dir))
            self.client.watch(processes.check)
            self.client.bring_up(self.nodes, BRING_UP_S)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *error):
        self._undo.close()

    def begin_anew(self):
        """Kind hardware as at the beginning, a new executor, and an operator who has looked."""
        self.hardware.behave()
        for transition in ("DEACTIVATE", "CLEANUP", "CONFIGURE", "ACTIVATE"):
            number = getattr(Transition, f"TRANSITION_{transition}")
            self.client.transition("executor", number, BRING_UP_S)
        deadline = time.monotonic() + CALL_S
        while not (answer := self.acknowledge()).success:
            assert time.monotonic() < deadline, answer.message
            time.sleep(0.05)

    def acknowledge(self):
        return self.client.call(Trigger, "executor/acknowledge", Trigger.Request(), CALL_S)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with Running(tmp_path_factory.mktemp("unkind"), other_domain(4)) as running:
        yield running


@pytest.fixture
def fresh(running):
    yield running
    running.begin_anew()


def is_over_the_bin(foot_m):
    cell = load_cell("tabletop")
    return bool(np.all(np.abs(foot_m[:2] - cell.bin_center) < cell.bin_size_m / 2))


def is_moving(hardware, stage):
    path = hardware.body.path
    return stage in hardware.stages and path is not None and not path.ended


def pick(running, cancel_in=""):
    future = running.client.send_pick(Pick.Goal())
    if cancel_in:
        deadline = time.monotonic() + PICK_S
        while not is_moving(running.hardware, cancel_in) and not future.done():
            assert time.monotonic() < deadline, f"nothing moved in stage {cancel_in}"
            time.sleep(0.01)
        running.client.cancel_pick()
    return running.client.finish(future, PICK_S, "pick").result


def test_kind_hardware_picks(running):
    result = pick(running)
    assert result.code == Code.OK, result.message
    assert result.force_source == "measured"
    (opening,) = running.hardware.body.let_go
    assert is_over_the_bin(opening.foot_m)
    running.hardware.behave()


def test_a_hand_that_feels_nothing_picks_by_weight(tmp_path):
    with Running(tmp_path, other_domain(5), "franka_hand") as running:
        result = pick(running)
        assert result.code == Code.OK, result.message
        assert result.force_source == "payload"
        weight_n = running.hardware.body.mass_kg * GRAVITY_M_S2
        assert result.force_n == pytest.approx(weight_n / 2, rel=0.1)


@pytest.mark.parametrize("case", NODE_CASES, ids=lambda case: case.row.name)
def test_nodes_keep_their_promise(fresh, case):
    row, hardware, body = case.row, fresh.hardware, fresh.hardware.body
    for way in case.ways:
        hardware.misbehave(*asked(way))
    result = pick(fresh, case.cancel_in)
    assert Code(result.code) is row.code, result.message
    assert row.hand.holding in (None, result.holding), result.message
    if row.arm is not ArmDoes.UNSURE:
        there = body.joints.copy()
        time.sleep(REST_S)
        assert np.abs(body.joints - there).max() < REST_RAD
    else:
        assert "may still move" in result.message
    if row.arm in (ArmDoes.RETURNS, ArmDoes.STAYS):
        assert body.joints == pytest.approx(body.robot.arm.observe, abs=0.02)
    # Never opened in the air: what the jaws let go lay on the table or over the bin.
    assert all(one.foot_m[2] < 0.02 or is_over_the_bin(one.foot_m) for one in body.let_go)
    assert bool(body.let_go) is (row.hand is HandDoes.DELIVERS)
    if row.hand is HandDoes.SHUT:
        assert body.holds
    if row.hand is HandDoes.EMPTY:
        assert not body.holds


def test_every_misbehaviour_is_described():
    assert all(len(way.says) > 10 for way in WAYS.values())
    assert asked("hand-zero=20@hold") == ("hand-zero", 20.0, "hold")
    assert asked("arm-nan@2.5") == ("arm-nan", None, 2.5)
