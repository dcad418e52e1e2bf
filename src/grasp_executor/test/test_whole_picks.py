"""Whole picks over a robot in memory: what goes well, what fails, and what is left behind."""

from __future__ import annotations

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
    arm_states_stop,
    arm_tells_nan,
    cancels,
    clock_stops,
    drops,
    hand_states_stop,
    hand_tells,
    is_held_up,
    jaws_stick,
    moves,
    plans,
    reports_nothing,
    rolls_away,
    sees,
    slips,
    stops_itself,
    weakens,
    while_planning,
)

from grasp_core.errors import (
    BadCalibration,
    BadImage,
    ClockError,
    Code,
    Collision,
    DetectorBusy,
    HardwareLost,
    NoGrasp,
    NoImage,
    NoTransform,
    ObjectNotFound,
    PlanFailure,
    PlanningFailed,
    StaleDetection,
    TrajectoryAborted,
    TrajectoryRefused,
    UnexpectedContact,
)
from grasp_core.robot import load_robot
from grasp_executor import motion
from grasp_executor.outcome import Stage
from grasp_executor.selection import PickGoal

ONE_TRY = [
    Stage.OBSERVE,
    Stage.LOOK,
    Stage.PLAN,
    Stage.PREGRASP,
    Stage.APPROACH,
    Stage.CLOSE,
    Stage.VERIFY,
]
TO_THE_BIN = [
    Stage.TEST_LIFT,
    Stage.LIFT,
    Stage.HOLD,
    Stage.CARRY,
    Stage.RELEASE,
    Stage.RETURN,
    Stage.CHECK,
]


def block(x_m=0.5, y_m=0.0, **values):
    return Block(x_m, y_m, **values)


def stages_of(outcome):
    return [stage for stage, _ in outcome.stage_s]


def is_ready(robot):
    """At rest out of the camera's view, hand empty: open, or shut as the measurement left it."""
    observe = pytest.approx(robot.model.arm.observe, abs=1e-3)
    widest = robot.model.gripper.max_gap_m
    is_empty = robot.held is None and robot.hand.gap_m in (0.0, widest)
    return not robot.arm.moves and robot.arm.positions == observe and is_empty


# -- what goes well -------------------------------------------------------------------------------


def test_a_pick_takes_a_block_to_the_bin():
    robot = FakeRobot(block())
    outcome = robot.pick()
    assert outcome.code is Code.OK, outcome.message
    assert robot.blocks[0].in_bin
    assert is_ready(robot)
    assert not outcome.holding
    assert outcome.attempts == 1
    assert (outcome.force_n, outcome.force_source) == (20.0, "measured")
    assert outcome.opening_m == pytest.approx(0.03)
    assert CONFIG.hold_s <= outcome.held_s < CONFIG.hold_s + 0.05
    assert outcome.T_base_grasp.translation[:2] == pytest.approx([0.5, 0.0], abs=1e-3)
    assert stages_of(outcome) == [Stage.OBSERVE, Stage.MEASURE_EMPTY, *ONE_TRY[1:], *TO_THE_BIN]


def test_the_empty_width_is_measured_once():
    robot = FakeRobot(block(0.4), block(0.6))
    assert Stage.MEASURE_EMPTY in stages_of(robot.pick())
    assert stages_of(robot.pick()) == [*ONE_TRY, *TO_THE_BIN]
    assert all(thing.in_bin for thing in robot.blocks)


def test_the_embedded_planner_moves_a_panda():
    pytest.importorskip("roboplan")
    from grasp_executor.planning.embedded import EmbeddedPlanner

    panda = load_robot("panda")
    robot = FakeRobot(block(), block(0.62, 0.15), planner=EmbeddedPlanner(panda), model=panda)
    outcome = robot.pick(goal=PickGoal(max_attempts=2))
    assert outcome.code is Code.OK, outcome.message
    assert [thing.in_bin for thing in robot.blocks] == [True, False]
    assert is_ready(robot)


def test_the_next_candidate_is_taken_where_the_first_cannot():
    robot = FakeRobot(block(0.4, width_m=0.079), block(0.6, quality=0.5))
    outcome = robot.pick()
    assert outcome.code is Code.OK
    assert outcome.grasp.quality == 0.5
    assert [thing.in_bin for thing in robot.blocks] == [False, True]


def test_the_hand_turns_about_where_only_that_can_be_reached():
    robot = FakeRobot(block())
    assert robot.pick(Event(Stage.PLAN, plans(Collision("the elbow")))).code is Code.OK


def test_only_blocks_of_the_label_are_taken():
    robot = FakeRobot(block(0.4, label="cup"), block(0.6, label="pen", quality=0.2))
    assert robot.pick(goal=PickGoal(label="pen")).code is Code.OK
    assert [thing.in_bin for thing in robot.blocks] == [False, True]


def test_trouble_on_the_way_back_does_not_undo_a_pick():
    robot = FakeRobot(block())
    outcome = robot.pick(Event(Stage.RETURN, moves(TrajectoryRefused("not now"))))
    assert outcome.code is Code.OK
    assert outcome.message.endswith("on the way back: not now")


# -- second attempts ------------------------------------------------------------------------------

TWICE = PickGoal(max_attempts=2)


@pytest.mark.parametrize(
    ("event", "noticed_in"),
    [
        (Event(Stage.CLOSE, rolls_away), Stage.VERIFY),
        (Event(Stage.VERIFY, drops), Stage.VERIFY),
        (Event(Stage.LIFT, drops, 0.05), Stage.LIFT),
        (Event(Stage.HOLD, drops, 0.1), Stage.HOLD),
        (Event(Stage.CARRY, drops), Stage.CARRY),
    ],
    ids=["pushed away", "slipped on the table", "in the lift", "in the air", "carried"],
)
def test_after_a_loss_the_scene_is_looked_at_again(event, noticed_in):
    robot = FakeRobot(block())
    outcome = robot.pick(event, goal=TWICE)
    assert outcome.code is Code.OK, outcome.message
    assert outcome.attempts == 2
    assert robot.blocks[0].in_bin
    assert outcome.held_s >= CONFIG.hold_s
    stages = stages_of(outcome)
    assert stages[stages.index(noticed_in) + 1] is Stage.RETREAT
    assert stages[-14:] == [*ONE_TRY, *TO_THE_BIN]


def test_attempts_have_an_end():
    robot = FakeRobot(block())
    outcome = robot.pick(Event(Stage.CLOSE, weakens), goal=TWICE)
    assert (outcome.code, outcome.attempts) == (Code.EMPTY_GRIP, 2)
    assert "the weaker finger presses with 6.0 N" in outcome.message
    assert is_ready(robot)
    assert not robot.blocks[0].in_bin


def test_a_weak_grip_in_the_air_is_better_than_none():
    robot = FakeRobot(block())
    outcome = robot.pick(Event(Stage.HOLD, weakens), goal=TWICE)
    assert (outcome.code, outcome.attempts, outcome.holding) == (Code.DROPPED, 1, True)
    assert robot.held is robot.blocks[0]


def test_trouble_after_a_loss_is_told_with_it():
    robot = FakeRobot(block())
    outcome = robot.pick(
        Event(Stage.CLOSE, rolls_away), Event(Stage.RETREAT, jaws_stick), goal=TWICE
    )
    assert outcome.code is Code.EMPTY_GRIP
    assert "; afterwards: the jaws opened to 0.0 mm" in outcome.message


# -- what fails -----------------------------------------------------------------------------------

SEEN = [
    (NoImage, Code.NO_IMAGE),
    (DetectorBusy, Code.DETECTOR_BUSY),
    (ClockError, Code.CLOCK_ERROR),
    (StaleDetection, Code.STALE_DETECTION),
    (BadImage, Code.BAD_IMAGE),
    (NoGrasp, Code.NO_GRASP),
    (ObjectNotFound, Code.OBJECT_NOT_FOUND),
    (DetectorBusy, Code.DETECTOR_BUSY),
    (ClockError, Code.CLOCK_ERROR),
    (NoTransform, Code.NO_TRANSFORM),
    (BadCalibration, Code.BAD_CALIBRATION),
    (HardwareLost, Code.HARDWARE_LOST),
    (ZeroDivisionError, Code.INTERNAL),
]


@pytest.mark.parametrize(("failure", "code"), SEEN)
def test_what_camera_and_detector_say_ends_the_pick(failure, code):
    robot = FakeRobot(block())
    outcome = robot.pick(Event(Stage.LOOK, sees(failure("why"))))
    assert outcome.code is code
    assert "why" in outcome.message
    assert robot.stages[-1] is Stage.LOOK
    assert is_ready(robot)


PLANNED = [
    ([block(1.0)], (), Code.OUTSIDE_WORKSPACE, "outside the workspace"),
    ([block(width_m=0.09)], (), Code.TOO_WIDE, "90 mm wide"),
    ([block(), block(y_m=0.039)], (), Code.COLLISION, "would pass through"),
    ([block(0.7, 0.2)], (), Code.UNREACHABLE, r"none of 1 candidates .*reaches 0\.7 m"),
    ([block()], [PlanningFailed("a"), PlanningFailed("b")], Code.PLANNING_FAILED, ": a"),
]


@pytest.mark.parametrize(("blocks", "failures", "code", "message"), PLANNED)
def test_no_candidate_can_be_executed(blocks, failures, code, message):
    robot = FakeRobot(*(replace(thing) for thing in blocks))
    outcome = robot.pick(Event(Stage.PLAN, plans(*failures)))
    assert outcome.code is code
    assert re.search(message, outcome.message)
    assert robot.stages[-1] is Stage.PLAN
    assert outcome.grasp is not None
    assert is_ready(robot)


NAN = np.full(2, math.nan)
REFUSED, ABORTED = TrajectoryRefused("no"), TrajectoryAborted("no")
TOUCHED = UnexpectedContact("no")
MOVED = [
    # event, code, whether something is in the hand afterwards
    (Event(Stage.PREGRASP, moves(REFUSED)), Code.TRAJECTORY_REFUSED, False),
    (Event(Stage.APPROACH, moves(ABORTED), 0.05), Code.TRAJECTORY_ABORTED, False),
    (Event(Stage.APPROACH, moves(TOUCHED), 0.05), Code.UNEXPECTED_CONTACT, False),
    (Event(Stage.APPROACH, is_held_up), Code.TRAJECTORY_ABORTED, False),
    (Event(Stage.LIFT, moves(ABORTED), 0.05), Code.TRAJECTORY_ABORTED, True),
    (Event(Stage.CARRY, moves(TOUCHED), 0.05), Code.UNEXPECTED_CONTACT, True),
    (Event(Stage.MEASURE_EMPTY, jaws_stick), Code.GRIPPER_FAILED, True),
    (Event(Stage.RELEASE, jaws_stick), Code.GRIPPER_FAILED, True),
    (Event(Stage.CLOSE, rolls_away), Code.EMPTY_GRIP, False),
    (Event(Stage.HOLD, slips), Code.SLIPPED, True),
    (Event(Stage.HOLD, drops), Code.DROPPED, False),
    (Event(Stage.HOLD, weakens), Code.DROPPED, True),
    (Event(Stage.LIFT, drops, 0.05), Code.DROPPED, False),
    (Event(Stage.CHECK, hand_tells(9.0, gap_m=0.004)), Code.NOT_PLACED, True),
    (Event(Stage.APPROACH, arm_states_stop), Code.STALE_JOINT_STATES, False),
    (Event(Stage.VERIFY, hand_states_stop), Code.STALE_JOINT_STATES, True),
    (Event(Stage.HOLD, hand_states_stop), Code.STALE_JOINT_STATES, True),
    (Event(Stage.CARRY, reports_nothing), Code.HARDWARE_LOST, True),
    (Event(Stage.LIFT, clock_stops, 0.05), Code.HARDWARE_LOST, True),
    (Event(Stage.APPROACH, stops_itself, 0.05), Code.PROTECTIVE_STOP, False),
    (Event(Stage.CARRY, stops_itself, 0.05), Code.PROTECTIVE_STOP, True),
    (Event(Stage.HOLD, stops_itself, 0.05), Code.PROTECTIVE_STOP, True),
    (Event(Stage.HOLD, hand_tells(9.0, effort_n=NAN)), Code.INVALID_STATES, True),
    (Event(Stage.HOLD, hand_tells(9.0, gap_m=math.nan)), Code.INVALID_STATES, True),
    (Event(Stage.VERIFY, hand_tells(9.0, gap_m=math.inf)), Code.INVALID_STATES, True),
    (Event(Stage.HOLD, hand_tells(9.0, effort_n=np.zeros(2))), Code.DROPPED, True),
    (Event(Stage.APPROACH, arm_tells_nan(9.0), 0.05), Code.INVALID_STATES, False),
    (Event(Stage.CARRY, arm_tells_nan(9.0), 0.05), Code.INVALID_STATES, True),
]


@pytest.mark.parametrize(("event", "code", "holding"), MOVED)
def test_what_goes_wrong_with_arm_and_hand_ends_the_pick(monkeypatch, event, code, holding):
    monkeypatch.setattr(motion, "_LEAST_PATIENCE_S", 0.0)
    robot = FakeRobot(block())
    outcome = robot.pick(event)
    assert (outcome.code, outcome.holding) == (code, holding), outcome.message
    assert bool(robot.blocks[0].in_bin) is (code is Code.NOT_PLACED)
    if code is Code.HARDWARE_LOST:
        assert "may still move" in outcome.message
    else:
        assert not robot.arm.moves


def test_no_code_of_a_pick_goes_untested():
    tested = {code for _, code in SEEN} | {row[2] for row in PLANNED} | {row[1] for row in MOVED}
    # Those below end a pick before it begins, see test_hand.py; or are no failure of it.
    refused = {Code.BAD_GOAL, Code.HAND_NOT_EMPTY, Code.NOT_ACKNOWLEDGED}
    others = {Code.OK, Code.CANCELLED, Code.DRY_RUN} | refused  # dry: see test_motion_gate.py
    assert tested == set(Code) - others


def test_a_failure_that_nobody_here_knows_is_one_of_a_candidate():
    class SingularPose(PlanFailure):
        code = Code.UNREACHABLE
        merit = 100

    away, near = block(0.4), block(0.6, quality=0.5)
    robot = FakeRobot(away, near)
    both_ways = (SingularPose("wrist"), SingularPose("wrist"))
    assert robot.pick(Event(Stage.PLAN, plans(*both_ways))).code is Code.OK
    assert (away.in_bin, near.in_bin) == (False, True)
    none = robot.pick(Event(Stage.PLAN, plans(*both_ways)))
    assert none.code is Code.UNREACHABLE
    assert none.message == "none of 1 candidates can be executed (1 UNREACHABLE): wrist"


# -- cancels --------------------------------------------------------------------------------------


HELD_IN = {Stage.PUT_AWAY, Stage.VERIFY, Stage.TEST_LIFT, Stage.SET_DOWN}
HELD_IN |= {Stage.LIFT, Stage.HOLD, Stage.CARRY}
JAWS_MOVE_IN = {Stage.MEASURE_EMPTY, Stage.CLOSE, Stage.RELEASE, Stage.RETREAT, Stage.CHECK}
CANCELS = [
    *[(stage, 0.0, stage in HELD_IN | {Stage.RELEASE}) for stage in Stage],
    # Planning takes no time here. Jaws that stop half-way after a closing may hold something.
    *[
        (stage, 0.03, stage in HELD_IN | JAWS_MOVE_IN)
        for stage in Stage
        if stage is not Stage.PLAN
    ],
]


@pytest.mark.parametrize(("stage", "after_s", "holding"), CANCELS)
def test_a_cancel_counts_in_every_stage(stage, after_s, holding):
    gives_way_n = 30.0 if stage is Stage.SET_DOWN else 0.0
    robot = FakeRobot(block(0.4, needs_n=gives_way_n), block(0.6), block(0.5, 0.2))
    robot.arm.positions[0] += 0.1  # there is something to do in the first stage
    if stage is Stage.PUT_AWAY:
        assert robot.pick(Event(Stage.HOLD, cancels)).holding
    loses = [Event(Stage.CLOSE, rolls_away)] if stage is Stage.RETREAT else []
    outcome = robot.pick(*loses, Event(stage, cancels, after_s), goal=TWICE)

    if stage in (Stage.RETURN, Stage.CHECK):  # it is in the bin already
        assert outcome.code is Code.OK
        assert "on the way back: cancelled by the client" in outcome.message
    else:
        assert outcome.code is Code.CANCELLED, outcome.message
    assert robot.stages[-1] is stage
    assert not robot.arm.moves
    assert outcome.holding is holding
    held = robot.held
    assert (held is not None) is (holding and (after_s == 0.0 or stage in HELD_IN))

    if stage in (Stage.MEASURE_EMPTY, Stage.CHECK) and holding:
        assert robot.pick().code is Code.HAND_NOT_EMPTY
        assert robot.sequence.release().success
    assert robot.pick().code is Code.OK
    # What was not verified is still where it stood: it is let go there.
    at_once = {Stage.VERIFY, Stage.MEASURE_EMPTY, Stage.CLOSE, Stage.RETREAT, Stage.CHECK}
    assert (robot.stages[0] is Stage.PUT_AWAY) is (holding and stage not in at_once)
    assert held is None or held.in_bin
    assert is_ready(robot)


@pytest.mark.parametrize("stage", [Stage.OBSERVE, Stage.PLAN, Stage.RETREAT, Stage.CARRY])
def test_a_cancel_ends_planning_after_the_attempt_it_falls_into(stage):
    robot = FakeRobot(block(), block(0.6, 0.2))
    robot.arm.positions[0] += 0.1
    robot.planner.attempts = 100
    tried = []

    def cancels_now(robot):
        tried.append(robot.planner.tried)
        cancels(robot)

    loses = [Event(Stage.CLOSE, rolls_away)] if stage is Stage.RETREAT else []
    outcome = robot.pick(*loses, Event(stage, while_planning(cancels_now)))
    assert outcome.code is Code.CANCELLED
    assert f"in stage {stage.value}" in outcome.message
    assert tried == [robot.planner.tried]
    assert outcome.holding is (stage is Stage.CARRY)


def test_what_is_held_is_watched_while_the_planner_works():
    def loses_it_meanwhile(robot):
        drops(robot)
        for _ in range(25):
            robot.clock.sleep(0.01)

    robot = FakeRobot(block())
    robot.planner.attempts = 100
    outcome = robot.pick(Event(Stage.CARRY, while_planning(loses_it_meanwhile)))
    assert (outcome.code, outcome.holding) == (Code.DROPPED, False)
    carried_s = dict(outcome.stage_s)[Stage.CARRY]
    assert carried_s == pytest.approx(0.25)


# -- what an earlier pick has left in the hand ----------------------------------------------------


def test_what_was_left_in_the_hand_is_put_away_first():
    robot = FakeRobot(block(0.4), block(0.6, quality=0.5))
    assert robot.pick(Event(Stage.LIFT, cancels, 0.05)).holding
    outcome = robot.pick()
    assert outcome.code is Code.OK, outcome.message
    assert stages_of(outcome) == [
        Stage.PUT_AWAY,
        Stage.PUT_AWAY,
        Stage.RELEASE,
        *ONE_TRY,
        *TO_THE_BIN,
    ]
    assert [thing.in_bin for thing in robot.blocks] == [True, True]
    assert outcome.attempts == 1


def test_what_cannot_be_put_away_stays_in_the_hand():
    robot = FakeRobot(block(0.4), block(0.6))
    robot.pick(Event(Stage.HOLD, cancels))
    outcome = robot.pick(Event(Stage.PUT_AWAY, plans(*[PlanningFailed("no way")] * 99)))
    assert (outcome.code, outcome.holding, outcome.attempts) == (Code.PLANNING_FAILED, True, 0)


def test_jaws_that_somebody_has_emptied_meanwhile_are_opened():
    robot = FakeRobot(block(0.4), block(0.6, quality=0.5))
    robot.pick(Event(Stage.HOLD, cancels))
    drops(robot)
    robot.clock.sleep(0.2)
    outcome = robot.pick()
    assert outcome.code is Code.OK
    assert Stage.PUT_AWAY not in robot.stages
