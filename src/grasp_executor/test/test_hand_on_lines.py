"""A hand on digital lines, over a robot in memory: what its inputs prove, and what they do not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from fake_robot import (
    CONFIG,
    Block,
    Event,
    FakeRobot,
    drops,
    hand_states_stop,
    hand_tells,
    jaws_stick,
    rolls_away,
)
from gantry import gantry

from grasp_core.errors import Code, ConfigError
from grasp_core.hand_drivers import DigitalIoDriver
from grasp_core.jaw_inputs import JawInputs
from grasp_executor.outcome import Stage
from grasp_executor.selection import PickGoal

SWITCHES = {"closed_input": "closed", "opened_input": "opened"}
PART = {"part_present_input": "part"}
ALL = {**SWITCHES, **PART}
SAMPLE_S = 0.015
HOLDS_NOTHING = JawInputs(part_present=False, closed=False, opened=False)


def on_lines(inputs, wrench="wrench"):
    model = gantry()
    driver = DigitalIoDriver(close_output="close", open_output="open", move_s=0.4, **inputs)
    hand = replace(model.gripper, reports_opening=False, reports_force=False, driver=driver)
    return replace(model, gripper=hand, arm=replace(model.arm, external_wrench_topic=wrench))


def robot_with(inputs, **block):
    return FakeRobot(Block(0.5, 0.0, **block), model=on_lines(inputs))


def released(inputs, **block):
    """A robot whose operator has seen that the hand is empty: nothing else could tell."""
    robot = robot_with(inputs, **block)
    outcome = robot.pick()
    assert (outcome.code, outcome.holding) == (Code.HAND_NOT_EMPTY, True)
    assert robot.hand.commands == []
    assert robot.sequence.release().success
    return robot


@pytest.mark.parametrize("inputs", [ALL, SWITCHES])
def test_inputs_prove_a_grip_and_no_force_is_claimed(inputs):
    robot = robot_with(inputs)
    outcome = robot.pick()
    assert outcome.success, outcome.message
    assert robot.blocks[0].in_bin
    assert (outcome.force_source, outcome.holding) == ("none", False)
    assert math.isnan(outcome.force_n)
    assert math.isnan(outcome.opening_m)
    assert outcome.held_s >= CONFIG.hold_s
    assert outcome.message.endswith("s as the hand's inputs show, taken to the bin")
    assert set(robot.hand.commands) == {0.0, robot.model.gripper.max_gap_m}  # all the way alone


def test_what_was_lifted_is_weighed_where_the_arm_can():
    robot = robot_with(ALL)
    robot.arm.weighs = True
    outcome = robot.pick()
    assert outcome.success, outcome.message
    assert outcome.force_source == "payload"
    assert 2.0 * outcome.force_n == pytest.approx(robot.blocks[0].weight_n, rel=0.1)


def test_a_sensor_of_parts_alone_proves_a_grip():
    robot = released(PART)
    outcome = robot.pick()
    assert outcome.success, outcome.message
    assert robot.blocks[0].in_bin
    assert robot.pick(goal=PickGoal()).code is Code.NO_GRASP  # opened here, it is empty


def test_a_hand_without_switches_is_left_open_where_nothing_is_to_be_picked():
    robot = released(PART)
    robot.blocks.clear()
    for _ in range(2):
        outcome = robot.pick()
        assert (outcome.code, outcome.holding) == (Code.NO_GRASP, False), outcome.message


def test_without_inputs_the_weight_alone_proves_a_grip():
    robot = released({})
    robot.arm.weighs = True
    outcome = robot.pick()
    assert outcome.success, outcome.message
    assert (outcome.force_source, robot.blocks[0].in_bin) == ("payload", True)


def test_without_inputs_what_weighs_too_little_is_no_grip_and_stays_in_the_hand():
    robot = released({}, weight_n=0.3)
    robot.arm.weighs = True
    outcome = robot.pick(goal=PickGoal(max_attempts=3))
    assert (outcome.code, outcome.holding) == (Code.EMPTY_GRIP, True), outcome.message
    assert "no input for it" in outcome.message
    assert robot.held is robot.blocks[0]
    assert robot.pick().code is Code.NO_GRASP
    assert robot.blocks[0].in_bin  # put away, whatever it was


def test_a_hand_of_which_nothing_can_tell_is_refused():
    with pytest.raises(ConfigError, match="neither a part_present_input nor a closed_input"):
        FakeRobot(model=on_lines({"opened_input": "opened"}, wrench=""))


def test_what_was_not_grasped_leaves_the_hand_open_and_empty():
    robot = robot_with(ALL)
    outcome = robot.pick(Event(Stage.APPROACH, rolls_away))
    assert (outcome.code, outcome.holding) == (Code.EMPTY_GRIP, False), outcome.message
    assert "part present off, closed on" in outcome.message
    assert robot.hand.commands[-1] == robot.model.gripper.max_gap_m


@pytest.mark.parametrize(("inputs", "may_hold"), [(ALL, False), (PART, True)])
def test_a_loss_in_the_air_is_seen_and_only_the_switch_makes_sure(inputs, may_hold):
    robot = robot_with(inputs) if inputs is ALL else released(inputs)
    outcome = robot.pick(Event(Stage.HOLD, drops))
    assert (outcome.code, outcome.holding) == (Code.DROPPED, may_hold), outcome.message
    assert (robot.hand.commands[-1] == 0.0) is may_hold


def test_one_sample_without_a_part_is_no_loss():
    robot = robot_with(ALL)
    flicker = hand_tells(SAMPLE_S, inputs=HOLDS_NOTHING)
    outcome = robot.pick(Event(Stage.HOLD, flicker, after_s=0.1))
    assert outcome.success, outcome.message
    assert robot.sequence.outliers()["grip_outliers"] == 1


def test_inputs_that_show_no_part_for_a_while_are_a_loss_and_nothing_is_opened():
    robot = robot_with(ALL)
    outcome = robot.pick(Event(Stage.HOLD, hand_tells(9.0, inputs=HOLDS_NOTHING)))
    assert (outcome.code, outcome.holding) == (Code.DROPPED, True), outcome.message
    assert robot.held is robot.blocks[0]


def test_a_sensor_that_always_shows_a_part_is_found_before_anything_is_grasped():
    robot = robot_with(ALL)
    always = hand_tells(9.0, inputs=JawInputs(part_present=True, closed=False, opened=False))
    outcome = robot.pick(Event(Stage.MEASURE_EMPTY, always, after_s=0.05))
    assert outcome.code is Code.GRIPPER_FAILED
    assert "correct active_low" in outcome.message
    assert outcome.attempts == 0


def test_jaws_that_do_not_reach_their_open_end_have_failed():
    robot = robot_with(ALL)
    robot.pick()
    robot.blocks.append(Block(0.4, 0.1))
    outcome = robot.pick(Event(Stage.RELEASE, jaws_stick))
    assert (outcome.code, outcome.holding) == (Code.GRIPPER_FAILED, True)
    assert "something blocks them" in outcome.message


def test_silent_inputs_are_stale_and_the_hand_stays_shut():
    robot = robot_with(ALL)
    outcome = robot.pick(Event(Stage.HOLD, hand_states_stop))
    assert (outcome.code, outcome.holding) == (Code.STALE_JOINT_STATES, True)
    assert robot.hand.commands[-1] == 0.0


@pytest.mark.parametrize(
    ("gap_m", "part", "code"),
    [
        (0.0, False, Code.OK),  # its jaws met
        (0.08, False, Code.OK),  # they stand open
        (0.08, True, Code.HAND_NOT_EMPTY),  # something sticks to one of them
        (0.03, False, Code.HAND_NOT_EMPTY),  # between the ends, whatever the sensor says
    ],
)
def test_a_new_executor_believes_switches_and_no_part(gap_m, part, code):
    robot = robot_with(ALL)
    robot.hand.gap_m = robot.hand.target_m = gap_m
    if part:
        hand_tells(9.0, inputs=JawInputs(part_present=True, closed=False, opened=True))(robot)
    robot.clock.sleep(SAMPLE_S)
    assert robot.pick().code is code


def test_a_cancel_while_the_jaws_close_leaves_what_they_may_hold():
    robot = robot_with(ALL)
    cancel = Event(Stage.CLOSE, lambda robot: setattr(robot, "cancelled", True))
    outcome = robot.pick(cancel)
    assert (outcome.code, outcome.holding) == (Code.CANCELLED, True)
    assert np.isnan(robot.hand.state().gap_m)
