"""The hand over a robot in memory: when it opens, what it remembers, and what it believes."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from fake_robot import (
    CONFIG,
    Block,
    Event,
    FakeRobot,
    arm_is_jolted,
    arm_tells_nan,
    cancels,
    drops,
    hand_answers_early,
    hand_answers_never,
    hand_states_stop,
    hand_tells,
    moves,
    plans,
    rolls_away,
    slips,
    stops_itself,
    weakens,
    while_planning,
)
from gantry import gantry

from grasp_core.errors import Code, GripperFailed, PlanningFailed, TrajectoryAborted
from grasp_core.errors import UnexpectedContact as Contact
from grasp_executor.hand_memory import EmptyWidthMemory, state_file
from grasp_executor.outcome import Stage
from grasp_executor.selection import PickGoal

ZEROS, NANS = np.zeros(2), np.full(2, math.nan)
ONE_SAMPLE_S = 0.01


def block(x_m=0.5, y_m=0.0, **values):
    return Block(x_m, y_m, **values)


def without_force(**changes):
    """A hand that tells its width alone."""
    model = gantry()
    return replace(model, gripper=replace(model.gripper, reports_force=False, **changes))


def shut_on(robot, width_m):
    """The hand holds something of a width in the air, and a new executor knows nothing of it."""
    robot.hand.gap_m = robot.hand.target_m = width_m
    robot.clock.sleep(0.01)


# -- never open in the air ------------------------------------------------------------------------

IN_THE_AIR = [
    (hand_tells(9.0, effort_n=NANS), Code.INVALID_STATES),
    (hand_tells(9.0, effort_n=ZEROS), Code.DROPPED),
    (hand_tells(9.0, gap_m=math.nan), Code.INVALID_STATES),
    (hand_states_stop, Code.STALE_JOINT_STATES),
    (hand_tells(9.0, gap_m=0.08), Code.SLIPPED),
    (slips, Code.SLIPPED),
    (weakens, Code.DROPPED),
    (cancels, Code.CANCELLED),
    (stops_itself, Code.PROTECTIVE_STOP),
]


@pytest.mark.parametrize("stage", [Stage.HOLD, Stage.CARRY])
@pytest.mark.parametrize(("misbehave", "code"), IN_THE_AIR)
def test_what_may_be_held_in_the_air_stays_in_the_hand(stage, misbehave, code):
    robot = FakeRobot(block())
    outcome = robot.pick(Event(stage, misbehave), goal=PickGoal(max_attempts=3))
    assert (outcome.code, outcome.holding) == (code, True), outcome.message
    assert robot.held is robot.blocks[0]
    assert robot.hand.commands[-1] == 0.0  # closing was the last that it was told
    assert not robot.arm.moves


@pytest.mark.parametrize("width_m", [0.003, 0.0755])
def test_a_width_near_either_end_may_be_a_grip(width_m):
    robot = FakeRobot(block(width_m=width_m))
    outcome = robot.pick(Event(Stage.HOLD, cancels))
    assert (outcome.code, outcome.holding) == (Code.CANCELLED, True), outcome.message
    assert robot.held is robot.blocks[0]


def test_failing_plans_in_carry_leave_it_in_the_hand():
    robot = FakeRobot(block())
    outcome = robot.pick(Event(Stage.CARRY, plans(*[PlanningFailed("no way")] * 99)))
    assert (outcome.code, outcome.holding) == (Code.PLANNING_FAILED, True)
    assert robot.hand.commands[-1] == 0.0


def test_release_tells_first_and_opens_when_confirmed():
    robot = FakeRobot(block())
    robot.pick(Event(Stage.HOLD, hand_tells(9.0, effort_n=ZEROS)))
    told = robot.sequence.release(confirm=False)
    assert told.success
    assert robot.held is not None
    assert told.height_m == pytest.approx(robot.tip()[2])
    assert "mm above the support" in told.message
    assert told.T_base_grasp.translation == pytest.approx(robot.tip())
    assert robot.sequence.release(confirm=True).success
    assert robot.held is None
    robot.hand.tells_until_s = 0.0
    assert robot.pick().code is Code.OK


def test_nothing_is_released_while_the_arm_moves():
    robot = FakeRobot(block())
    said = []

    def asks(robot):
        said.append(robot.sequence.release())

    robot.pick(Event(Stage.CARRY, asks, 0.1))
    assert not said[0].success
    assert "the arm moves" in said[0].message


# -- one sample proves nothing --------------------------------------------------------------------

ONCE = [
    hand_tells(ONE_SAMPLE_S, gap_m=0.0, effort_n=ZEROS),
    hand_tells(ONE_SAMPLE_S, gap_m=math.nan),
    hand_tells(ONE_SAMPLE_S, effort_n=NANS),
    hand_tells(ONE_SAMPLE_S, gap_m=0.08),
    arm_tells_nan(ONE_SAMPLE_S),
]


@pytest.mark.parametrize("stage", [Stage.VERIFY, Stage.LIFT, Stage.HOLD, Stage.CARRY])
@pytest.mark.parametrize("misbehave", ONCE)
def test_a_single_outlier_changes_nothing_and_is_counted(stage, misbehave):
    robot = FakeRobot(block())
    outcome = robot.pick(Event(stage, misbehave, 0.02))
    assert outcome.code is Code.OK, outcome.message
    assert outcome.force_n == 20.0
    if stage in (Stage.HOLD, Stage.CARRY):  # before, a median passes over some, or it settles
        assert sum(robot.sequence.outliers().values()) == 1


def test_a_loss_just_before_the_end_of_the_hold_is_no_success():
    robot = FakeRobot(block())
    outcome = robot.pick(Event(Stage.HOLD, drops, CONFIG.hold_s - 0.05))
    assert outcome.code is Code.DROPPED
    assert Stage.CARRY not in robot.stages


# -- not a number ---------------------------------------------------------------------------------


def test_positions_that_are_no_numbers_are_never_held():
    robot = FakeRobot(block(), model=without_force())
    outcome = robot.pick(
        Event(Stage.CLOSE, rolls_away), Event(Stage.CLOSE, hand_tells(99.0, gap_m=math.nan))
    )
    assert (outcome.code, outcome.held_s) == (Code.INVALID_STATES, 0.0)
    assert "not finite" in outcome.message


def test_a_hand_that_has_never_told_a_number_moves_nothing():
    robot = FakeRobot(block())
    hand_tells(99.0, gap_m=math.nan)(robot)
    robot.clock.sleep(0.01)
    assert robot.pick().code is Code.INVALID_STATES
    assert robot.hand.commands == []


# -- a new executor asks the hand first -----------------------------------------------------------


@pytest.mark.parametrize("width_m", [0.0, 0.0038, 0.03, 0.0755, 0.0785])
def test_an_unknown_hand_that_may_hold_something_moves_nothing(width_m):
    robot = FakeRobot(block())
    before = robot.arm.positions.copy()
    shut_on(robot, width_m)
    outcome = robot.pick()
    assert (outcome.code, outcome.holding) == (Code.HAND_NOT_EMPTY, True)
    assert f"{width_m * 1000:.1f} mm open" in outcome.message
    assert np.array_equal(robot.arm.positions, before)
    assert robot.hand.commands == []
    assert robot.sequence.release().success
    assert robot.pick().code is Code.OK


@pytest.mark.parametrize(("width_m", "code"), [(0.0004, Code.OK), (0.0006, Code.HAND_NOT_EMPTY)])
def test_shut_to_the_remembered_width_is_empty(tmp_path, width_m, code):
    robot = FakeRobot(block(), memory=remembering(tmp_path, 0.0))
    shut_on(robot, width_m)
    assert robot.pick().code is code


def test_a_restart_with_the_object_in_the_hand(tmp_path):
    robot = FakeRobot(block(), memory=EmptyWidthMemory(tmp_path / "hand.json"))
    assert robot.pick(Event(Stage.HOLD, cancels)).holding
    robot.restart(EmptyWidthMemory(tmp_path / "hand.json"))
    assert robot.pick().code is Code.HAND_NOT_EMPTY
    assert robot.held is robot.blocks[0]


def test_one_outlier_does_not_empty_an_unknown_hand(tmp_path):
    robot = FakeRobot(block(), memory=remembering(tmp_path, 0.0))
    shut_on(robot, 0.03)
    hand_tells(0.015, gap_m=0.0)(robot)
    robot.clock.sleep(0.01)
    assert robot.pick().code is Code.HAND_NOT_EMPTY


# -- the empty width ------------------------------------------------------------------------------


def remembering(folder, gap_m):
    path = folder / "hand.json"
    path.write_text(json.dumps({"empty_gap_m": gap_m}), encoding="utf-8")
    return EmptyWidthMemory(path)


def test_the_empty_width_outlives_the_executor(tmp_path):
    path = state_file(str(tmp_path), "panda", "force_hand")
    EmptyWidthMemory(path).learn(0.0003)
    assert EmptyWidthMemory(path).gap_m == 0.0003
    assert EmptyWidthMemory(state_file(str(tmp_path), "panda", "franka_hand")).gap_m is None


def test_the_users_folder_for_state_is_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_file("", "panda", "x") == tmp_path / "grasp_stack" / "panda-x.json"


def test_a_measurement_that_disagrees_is_a_fault(tmp_path):
    robot = FakeRobot(block(), memory=remembering(tmp_path, 0.0011))
    outcome = robot.pick()
    assert outcome.code is Code.GRIPPER_FAILED
    assert re.search(r"remembered in .*hand.json are 1\.10 mm", outcome.message)
    assert json.loads((tmp_path / "hand.json").read_text(encoding="utf-8")) == {
        "empty_gap_m": 0.0011
    }


@pytest.mark.parametrize("gap_m", [0.0038, -0.003, math.nan])
def test_no_closed_hand_is_that_wide(gap_m):
    memory = EmptyWidthMemory()
    with pytest.raises(GripperFailed, match="expected at most 2 mm"):
        memory.learn(gap_m)
    assert memory.gap_m is None


@pytest.mark.parametrize("text", ["{", "[]", '{"empty_gap_m": "wide"}', '{"empty_gap_m": 0.03}'])
def test_a_state_file_that_says_something_else_is_named(tmp_path, text):
    path = tmp_path / "hand.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GripperFailed):
        EmptyWidthMemory(path)


@pytest.mark.parametrize(("watched_s", "least_s", "most_s"), [(0.0, 0.2, 0.25), (0.6, 0.0, 0.03)])
def test_what_was_measured_before_the_goal_counts(watched_s, least_s, most_s):
    robot = FakeRobot(block())
    for _ in range(round(watched_s / ONE_SAMPLE_S)):
        robot.clock.sleep(ONE_SAMPLE_S)
    began_s, judged_s = robot.clock.now, []
    robot.pick(Event(Stage.OBSERVE, lambda robot: judged_s.append(robot.clock.now)))
    assert least_s <= judged_s[0] - began_s <= most_s


def test_a_hand_that_has_just_opened_by_itself_is_watched_for_as_long_as_any():
    robot = FakeRobot(block())
    shut_on(robot, 0.03)
    robot.clock.sleep(0.5)
    robot.hand.gap_m = robot.hand.target_m = robot.model.gripper.max_gap_m
    began_s, judged_s = robot.clock.now, []
    robot.pick(Event(Stage.OBSERVE, lambda robot: judged_s.append(robot.clock.now)))
    assert judged_s[0] - began_s >= CONFIG.loss_s


def test_a_hand_that_was_well_until_the_goal_came_is_not_believed():
    robot = FakeRobot(block())
    for _ in range(60):
        robot.clock.sleep(ONE_SAMPLE_S)
    hand_tells(9.0, gap_m=0.05)(robot)
    assert robot.pick().code is Code.HAND_NOT_EMPTY


def test_a_measured_hand_that_somebody_opens_is_still_empty():
    robot = FakeRobot(block())
    assert robot.pick(Event(Stage.LOOK, cancels)).code is Code.CANCELLED
    assert robot.hand.gap_m == 0.0
    shut_on(robot, robot.model.gripper.max_gap_m)
    assert robot.pick().code is Code.OK


def test_a_hand_that_closed_on_nothing_after_a_pick_is_empty_when_somebody_opens_it():
    robot = FakeRobot(block())
    assert robot.pick().code is Code.OK
    assert robot.hand.gap_m < 0.001
    shut_on(robot, robot.model.gripper.max_gap_m)
    assert robot.pick().code is not Code.HAND_NOT_EMPTY


@pytest.mark.parametrize("gap_m", [0.0805, 0.0815, 80.0])
def test_a_hand_wider_than_its_widest_is_no_open_one(gap_m):
    robot = FakeRobot(block())
    hand_tells(9.0, gap_m=gap_m)(robot)
    code = robot.pick().code
    assert (code is Code.HAND_NOT_EMPTY) is (gap_m > 0.081)


def test_the_measurement_leaves_the_hand_shut_until_a_grasp_opens_it():
    robot, gaps_m = FakeRobot(block()), {}

    def note(stage):
        return Event(stage, lambda robot: gaps_m.setdefault(stage, robot.hand.gap_m))

    outcome = robot.pick(note(Stage.LOOK), note(Stage.APPROACH), note(Stage.CARRY))
    assert outcome.code is Code.OK
    widest_m = robot.model.gripper.max_gap_m
    assert gaps_m[Stage.LOOK] == 0.0
    assert gaps_m[Stage.LOOK] < gaps_m[Stage.CARRY] < gaps_m[Stage.APPROACH] <= widest_m
    assert robot.hand.gap_m == 0.0  # shut, to see that nothing hangs on a finger


@pytest.mark.parametrize("after_s", [0.01, 0.05, 0.3])
def test_jaws_on_their_way_to_an_opening_hold_nothing(after_s):
    robot = FakeRobot(block())
    robot.hand.speed_m_s = 0.1
    outcome = robot.pick(Event(Stage.PREGRASP, cancels, after_s))
    assert (outcome.code, outcome.holding) == (Code.CANCELLED, False)


def test_jaws_open_while_the_arm_travels_and_stop_with_it():
    robot = FakeRobot(block())
    robot.hand.speed_m_s = 0.03
    outcome = robot.pick(Event(Stage.PREGRASP, stops_itself, 0.2))
    assert outcome.code is Code.PROTECTIVE_STOP
    reached_m = robot.hand.gap_m
    assert 0.0 < reached_m < 0.03
    robot.clock.sleep(1.0)
    assert robot.hand.gap_m == reached_m


# -- drivers as they are --------------------------------------------------------------------------


@pytest.mark.parametrize("misbehave", [hand_answers_never, hand_answers_early])
def test_the_measured_jaws_count_not_what_their_driver_says(misbehave):
    robot = FakeRobot(block())
    robot.hand.speed_m_s = 0.1
    misbehave(robot)
    outcome = robot.pick()
    assert outcome.code is Code.OK, outcome.message


def test_jaws_that_do_not_stop_in_time_have_failed():
    robot = FakeRobot(block(), config=replace(CONFIG, gripper_timeout_s=0.6))
    robot.hand.speed_m_s = 0.05
    hand_answers_early(robot)
    outcome = robot.pick()
    assert outcome.code is Code.GRIPPER_FAILED
    assert "gripper_timeout_s" in outcome.message


# -- where the force comes from -------------------------------------------------------------------


def test_a_hand_without_force_is_believed_by_width_and_says_commanded():
    outcome = FakeRobot(block(), model=without_force()).pick()
    assert outcome.code is Code.OK
    assert (outcome.force_n, outcome.force_source) == (20.0, "commanded")


def test_an_arm_that_feels_the_lifted_object_tells_its_weight():
    robot = FakeRobot(block(weight_n=1.5), model=without_force())
    robot.arm.weighs = True
    outcome = robot.pick()
    assert outcome.code is Code.OK
    assert outcome.force_source == "payload"
    assert 2.0 * outcome.force_n == pytest.approx(1.5, abs=0.1)
    assert "weighing 1.5 N" in outcome.message


@pytest.mark.parametrize("period_s", [0.13, 0.4, 1.1])
def test_an_arm_that_measures_seldom_is_waited_for(period_s):
    robot = FakeRobot(block(weight_n=1.5), model=without_force())
    robot.arm.weighs, robot.arm.weighs_every_s = True, period_s
    outcome = robot.pick()
    assert (outcome.code, outcome.force_source) == (Code.OK, "payload"), outcome.message
    assert 2.0 * outcome.force_n == pytest.approx(1.5, abs=0.15)


def test_a_weight_that_does_not_stand_out_is_not_reported():
    robot = FakeRobot(block(weight_n=0.1), model=without_force())
    robot.arm.weighs = True
    assert robot.pick().force_source == "commanded"


def test_a_weight_that_is_gone_is_a_loss_though_the_width_stays():
    config = replace(CONFIG, hold_s=1.0)
    robot = FakeRobot(block(weight_n=1.5), model=without_force(), config=config)
    robot.arm.weighs = True

    def weighs_nothing(robot):
        robot.held.weight_n = 0.0

    outcome = robot.pick(Event(Stage.HOLD, weighs_nothing, 0.1))
    assert (outcome.code, outcome.holding) == (Code.DROPPED, True)
    assert "the arm feels" in outcome.message


@pytest.mark.parametrize("force_n", [-50.0, 50.0, math.nan])
def test_a_jolt_is_no_loss_and_no_weight(force_n):
    config = replace(CONFIG, hold_s=1.0)
    robot = FakeRobot(block(weight_n=1.5), model=without_force(), config=config)
    robot.arm.weighs = True
    outcome = robot.pick(
        Event(Stage.CLOSE, arm_is_jolted(0.5, force_n)),  # jaws that close press on the table, too
        Event(Stage.HOLD, arm_is_jolted(0.1, force_n), 0.5),
    )
    assert (outcome.code, outcome.force_source) == (Code.OK, "payload"), outcome.message
    assert 2.0 * outcome.force_n == pytest.approx(1.5, abs=0.15)


# -- before every start ---------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [Stage.PLAN, Stage.CARRY])
def test_a_cancel_in_the_last_attempt_to_plan_starts_nothing(stage):
    robot = FakeRobot(block())
    started = []
    start = robot.arm.start

    def counts(trajectory):
        started.append(robot.stages[-1])
        return start(trajectory)

    robot.arm.start = counts
    outcome = robot.pick(Event(stage, while_planning(cancels)))
    assert outcome.code is Code.CANCELLED
    assert stage not in started
    assert Stage.PREGRASP not in started or stage is Stage.CARRY


@pytest.mark.parametrize(("after_s", "approaches"), [(0.0, 1), (0.01, 2)])
def test_after_a_standstill_the_arm_looks_again(after_s, approaches):
    def takes_long(robot):
        robot.clock.sleep(CONFIG.max_plan_age_s + 1.0)
        robot.arm.step()

    robot = FakeRobot(block())
    outcome = robot.pick(Event(Stage.PREGRASP, takes_long, after_s))
    assert outcome.code is Code.OK, outcome.message
    stages = [stage for stage, _ in outcome.stage_s]
    assert stages.count(Stage.LOOK) == 2
    assert stages.count(Stage.APPROACH) == approaches  # the first of two is not started
    assert stages.count(Stage.CLOSE) == 1
    assert outcome.attempts == 1


def test_images_that_are_always_too_old_end_the_pick():
    robot = FakeRobot(block())
    robot.camera.age_s = 20.0
    outcome = robot.pick()
    assert outcome.code is Code.STALE_DETECTION
    assert "max_plan_age_s" in outcome.message
    assert [stage for stage, _ in outcome.stage_s].count(Stage.LOOK) == 3


# -- faults that latch ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (Event(Stage.APPROACH, moves(Contact("touched")), 0.05), Code.UNEXPECTED_CONTACT),
        (Event(Stage.CARRY, moves(Contact("touched")), 0.05), Code.UNEXPECTED_CONTACT),
        (Event(Stage.RETURN, moves(Contact("touched")), 0.05), Code.OK),
        (Event(Stage.APPROACH, stops_itself, 0.05), Code.PROTECTIVE_STOP),
    ],
)
def test_a_goal_after_a_contact_or_stop_waits_for_the_operator(event, code):
    robot = FakeRobot(block(), block(0.6, 0.2))
    assert robot.pick(event).code is code
    before = robot.arm.positions.copy()
    refused = robot.pick()
    assert refused.code is Code.NOT_ACKNOWLEDGED
    assert "call acknowledge" in refused.message
    assert np.array_equal(robot.arm.positions, before)
    robot.latch.report_stop("safety", None)
    assert robot.sequence.acknowledge()[0]
    assert robot.pick().code is Code.OK


def test_an_aborted_trajectory_does_not_latch():
    robot = FakeRobot(block())
    robot.pick(Event(Stage.APPROACH, moves(TrajectoryAborted("no")), 0.05))
    assert robot.pick().code is Code.OK


def test_a_stop_while_idle_latches_though_it_is_over():
    robot = FakeRobot(block())
    stops_itself(robot)
    robot.latch.report_stop("safety", None)
    assert robot.pick().code is Code.NOT_ACKNOWLEDGED


def test_a_stop_that_lasts_cannot_be_acknowledged():
    robot = FakeRobot(block())
    stops_itself(robot)
    done, sentence = robot.sequence.acknowledge()
    assert not done
    assert "still stopped: reflex (safety)" in sentence
    assert robot.pick().code is Code.NOT_ACKNOWLEDGED


def test_a_new_executor_is_no_acknowledgement():
    robot = FakeRobot(block())
    robot.pick(Event(Stage.APPROACH, moves(Contact("touched")), 0.05))
    robot.restart()
    assert robot.pick().code is Code.NOT_ACKNOWLEDGED
