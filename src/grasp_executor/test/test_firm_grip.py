"""Grip force by need, over a robot in memory: what gives way is set down and gripped harder."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from fake_robot import CONFIG, Block, Event, FakeRobot, cancels, drops, moves
from gantry import gantry

from grasp_core.errors import Code, PlanningFailed, TrajectoryAborted
from grasp_core.gripper_profile import load_gripper
from grasp_core.hand_drivers import DigitalIoDriver
from grasp_executor.outcome import Stage
from grasp_executor.selection import PickGoal

PLACE = (0.5, 0.0)


def block(**values):
    return Block(*PLACE, **values)


def without_force():
    """A hand that tells its width alone."""
    model = gantry()
    return replace(model, gripper=replace(model.gripper, reports_force=False))


def pretended(*blocks, **values):
    """A robot whose closings are all on objects but the first, which measures the empty hand."""
    return FakeRobot(*blocks, config=replace(CONFIG, check_placed=False), **values)


def closings(robot):
    """Forces of the closings on objects, newtons."""
    return [force for gap, force in robot.hand.asked if gap == 0.0][1:]


def finds_no_line(robot):
    """The planner knows no straight way any more."""

    def plan_line(*_, wait):
        raise PlanningFailed("no way")

    robot.planner.plan_line = plan_line


def count(outcome, stage):
    return sum(one is stage for one, _ in outcome.stage_s)


def test_what_holds_at_once_is_gripped_no_harder():
    robot = pretended(block())
    outcome = robot.pick()
    assert (outcome.code, outcome.grip_force_n) == (Code.OK, 20.0), outcome.message
    assert closings(robot) == [20.0]
    assert count(outcome, Stage.SET_DOWN) == 0
    assert "gripped with 20 N" in outcome.message


@pytest.mark.parametrize("model", [gantry(), without_force()], ids=["force", "width alone"])
def test_what_turns_in_the_test_lift_is_set_down_and_gripped_harder(model):
    robot = pretended(block(needs_n=30.0), model=model)
    outcome = robot.pick()
    assert (outcome.code, outcome.grip_force_n, outcome.attempts) == (Code.OK, 40.0, 1)
    assert closings(robot) == [20.0, 40.0]
    assert count(outcome, Stage.SET_DOWN) == 1
    assert robot.blocks[0].in_bin
    assert len(robot.let_go_at_m) == 2
    assert robot.let_go_at_m[0] == pytest.approx(0.0, abs=1e-3)


def test_what_is_heavier_than_the_grip_surely_holds_is_gripped_harder_before_it_slips():
    robot = pretended(block(weight_n=15.0), model=without_force())
    robot.arm.weighs = True
    outcome = robot.pick()
    assert (outcome.code, outcome.grip_force_n) == (Code.OK, 40.0), outcome.message
    assert closings(robot) == [20.0, 40.0]


@pytest.mark.parametrize(
    ("delicate_n", "forces"), [(0.0, [20.0, 40.0]), (25.0, [20.0, 25.0]), (8.0, [8.0])]
)
def test_at_its_limit_the_hand_gives_up_and_leaves_it_where_it_stood(delicate_n, forces):
    robot = pretended(block(needs_n=99.0))
    outcome = robot.pick(goal=PickGoal(delicate_force_n=delicate_n))
    assert (outcome.code, outcome.holding) == (Code.SLIPPED, False), outcome.message
    assert closings(robot) == forces
    assert outcome.message.endswith(f"closed with {forces[-1]:.0f} N")
    thing = robot.blocks[0]
    assert (thing.x_m, thing.y_m, thing.z_m) == (*map(pytest.approx, PLACE), 0.0)
    assert robot.held is None


def test_then_the_next_candidate_is_taken():
    robot = pretended(block(needs_n=99.0), Block(0.6, 0.1, quality=0.5))
    outcome = robot.pick(goal=PickGoal(max_attempts=2))
    assert (outcome.code, outcome.attempts) == (Code.OK, 2), outcome.message
    assert [thing.in_bin for thing in robot.blocks] == [False, True]


def test_what_is_lost_in_the_test_lift_is_looked_for_again():
    robot = pretended(block())
    outcome = robot.pick(Event(Stage.TEST_LIFT, drops, 0.05), goal=PickGoal(max_attempts=2))
    assert (outcome.code, outcome.attempts) == (Code.OK, 2), outcome.message
    assert count(outcome, Stage.RETREAT) == 1


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (Event(Stage.SET_DOWN, finds_no_line), Code.SLIPPED),
        (Event(Stage.SET_DOWN, moves(TrajectoryAborted("told"))), Code.TRAJECTORY_ABORTED),
        (Event(Stage.SET_DOWN, cancels), Code.CANCELLED),
        (Event(Stage.TEST_LIFT, cancels, 0.05), Code.CANCELLED),
    ],
)
def test_what_cannot_be_set_down_stays_in_the_hand(event, code):
    robot = pretended(block(needs_n=30.0))
    outcome = robot.pick(event, goal=PickGoal(max_attempts=3))
    assert (outcome.code, outcome.holding) == (code, True), outcome.message
    assert robot.held is robot.blocks[0]
    assert robot.hand.asked[-1] == (0.0, 20.0)  # closing was the last that it was told
    assert not robot.arm.moves


def test_a_hand_that_knows_one_force_refuses_to_be_gentle():
    model = gantry()
    lines = DigitalIoDriver(close_output="close", open_output="open", part_present_input="part")
    model = replace(
        model,
        gripper=replace(model.gripper, driver=lines, reports_opening=False, reports_force=False),
    )
    outcome = pretended(block(), model=model).pick(goal=PickGoal(delicate_force_n=10.0))
    assert outcome.code is Code.BAD_GOAL
    assert "knows 40.0 N alone" in outcome.message
    assert math.isnan(outcome.grip_force_n)


@pytest.mark.parametrize(
    ("hand", "forces"),
    [
        ("franka_hand", (20.0, 45.0, 70.0)),
        ("parallel_85", (20.0, 40.0, 60.0)),
        ("pneumatic_hand", (40.0,)),
    ],
)
def test_the_forces_of_the_hands(hand, forces):
    assert load_gripper(hand).grip_forces_n() == forces
