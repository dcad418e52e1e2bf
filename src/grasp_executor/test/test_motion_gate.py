"""What every motion passes before it starts: dry runs, an operator's word, and the speed."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from fake_robot import CELL, CONFIG, Block, Event, FakeRobot, cancels, drops, rolls_away

from grasp_core.errors import Code, DryRun
from grasp_core.robot import load_robot
from grasp_executor.dry_run import joined
from grasp_executor.outcome import Stage
from grasp_executor.selection import PickGoal
from grasp_executor.station import RobotPort, Station


class Attendant:
    """An operator who confirms what is asked so long after it was, and notes it all."""

    def __init__(self, robot, after_s=0.5):
        self._clock, self._after_s = robot.clock, after_s
        self.asked = []
        self.withdrawn = 0
        robot.sequence.ask_before_motions(self)

    def ask(self, what):
        self.asked.append(what)
        self._since_s = self._clock.now

    def has_confirmed(self):
        return self._clock.now - self._since_s >= self._after_s

    def withdraw(self):
        self.withdrawn += 1


def watched(robot):
    """Every command that arm and hand of a robot get, in order."""
    commands = []

    def note(device, kind):
        start = device.start

        def noted(*arguments):
            commands.append((kind, arguments))
            return start(*arguments)

        device.start = noted

    note(robot.arm, "arm")
    note(robot.hand, "hand")
    return commands


# -- dry runs -------------------------------------------------------------------------------------


def dry(*blocks, **settings):
    return FakeRobot(*blocks, config=replace(CONFIG, dry_run=True, **settings))


@pytest.mark.parametrize("away", [False, True])
def test_a_dry_run_plans_the_whole_pick_and_moves_nothing(away):
    robot, shown = dry(Block(0.5, 0.0)), []
    commands = watched(robot)
    if away:
        robot.arm.positions = robot.arm.positions + np.array([0.1, 0.0, 0.0, 0.0])
    before, gap_m = robot.arm.positions.copy(), robot.hand.gap_m
    robot.sequence.show_motions(shown.append)
    outcome = robot.pick()
    assert (outcome.code, outcome.success) == (Code.DRY_RUN, False)
    assert outcome.message.startswith("would close from 50 mm at (0.500, 0.000, ")
    for told in ("pregrasp 0.2 s", "lift 0.2 s", "carry 0.2 s", "return 0.2 s", "dry_run:=false"):
        assert told in outcome.message
    assert ("observe 0.2 s" in outcome.message) is away
    assert ("stood out of its observation pose" in outcome.message) is away
    assert commands == []
    assert np.array_equal(robot.arm.positions, before)
    assert robot.hand.gap_m == gap_m
    (ghost,) = shown
    assert ghost.positions[0] == pytest.approx(before)
    assert ghost.goal == pytest.approx(robot.model.arm.observe)
    assert np.all(np.diff(ghost.times_s) > 0.0)
    assert outcome.T_base_grasp.translation[:2] == pytest.approx([0.5, 0.0], abs=1e-3)


def test_a_dry_run_ends_with_what_would_have_ended_the_pick():
    assert dry().pick().code is Code.NO_GRASP
    assert dry(Block(0.9, 0.0)).pick().code is Code.OUTSIDE_WORKSPACE
    robot = dry(Block(0.5, 0.0))
    robot.planner.reach_m = 0.4
    assert robot.pick().code is Code.UNREACHABLE


def test_a_dry_run_can_be_cancelled():
    assert dry(Block(0.5, 0.0)).pick(Event(Stage.PLAN, cancels)).code is Code.CANCELLED


def test_nothing_gets_through_to_the_hardware_of_a_dry_run():
    robot = dry(Block(0.5, 0.0))
    commands = watched(robot)
    report = robot.sequence.release(confirm=True)
    assert not report.success
    assert report.message.startswith("DRY_RUN: nothing moves in a dry run")
    port = RobotPort(robot.planner, robot.arm, robot.hand, robot.camera, robot.clock)
    station = Station(port, robot.model, CELL, replace(CONFIG, dry_run=True))
    for device, command in ((station.robot.arm, (None,)), (station.robot.gripper, (0.0, 1.0))):
        with pytest.raises(DryRun, match="dry_run:=false"):
            device.start(*command)
    assert commands == []


def test_joined_motions_follow_one_another():
    robot = FakeRobot()
    there = robot.planner.plan_joints(np.zeros(4), np.ones(4), wait=lambda: None)
    back = robot.planner.plan_joints(np.ones(4), np.zeros(4), wait=lambda: None)
    whole = joined([there, back])
    assert whole.duration_s == pytest.approx(there.duration_s + back.duration_s + 1e-3)
    assert np.all(np.diff(whole.times_s) > 0.0)
    assert whole.positions[len(there.times_s) - 1] == pytest.approx(np.ones(4))


# -- step by step ---------------------------------------------------------------------------------


def test_every_motion_of_arm_and_hand_waits_for_a_word():
    robot = FakeRobot(Block(0.5, 0.0))
    commands = watched(robot)
    operator = Attendant(robot)
    told = []
    outcome = robot.sequence.run(PickGoal(), report=lambda p: told.append(p.waits_for))
    assert outcome.code is Code.OK, outcome.message
    assert len(operator.asked) == operator.withdrawn == len(commands)
    arm = sum("the arm moves for" in what for what in operator.asked)
    assert arm == sum(kind == "arm" for kind, _ in commands) > 3
    assert "the jaws close with 20 N" in operator.asked
    assert "the jaws open to 80 mm" in operator.asked
    assert set(operator.asked) <= set(told)
    assert told[-1] == ""


def test_nothing_moves_before_the_word():
    robot = FakeRobot(Block(0.5, 0.0))
    commands = watched(robot)
    Attendant(robot, after_s=1e9)
    outcome = robot.pick(Event(Stage.MEASURE_EMPTY, cancels, 5.0))
    assert outcome.code is Code.CANCELLED
    assert commands == []
    assert robot.clock.now > 5.0


def test_nobody_is_waited_for_for_ever():
    robot = FakeRobot(Block(0.5, 0.0), config=replace(CONFIG, confirm_timeout_s=3.0))
    operator = Attendant(robot, after_s=1e9)
    outcome = robot.pick()
    assert outcome.code is Code.CANCELLED
    assert "nobody has confirmed within 3 s that the jaws close with 20 N" in outcome.message
    assert operator.withdrawn == 1


def test_what_is_held_is_watched_while_an_operator_thinks():
    robot = FakeRobot(Block(0.5, 0.0))
    Attendant(robot, after_s=2.0)
    outcome = robot.pick(Event(Stage.CARRY, drops, 1.0))
    assert outcome.code is Code.DROPPED
    assert dict(outcome.stage_s)[Stage.CARRY] < 2.0


def test_an_arm_that_was_moved_meanwhile_does_not_start():
    robot = FakeRobot(Block(0.5, 0.0))

    def somebody_guides_it(robot):
        robot.arm.tells = lambda positions: positions + 0.2
        robot.arm.tells_until_s = math.inf

    Attendant(robot, after_s=2.0)
    outcome = robot.pick(Event(Stage.APPROACH, somebody_guides_it, 1.0))
    assert outcome.code is Code.TRAJECTORY_REFUSED
    assert "is not where its trajectory begins" in outcome.message


def test_images_do_not_age_while_an_operator_thinks():
    robot = FakeRobot(Block(0.5, 0.0), config=replace(CONFIG, max_plan_age_s=1.0))
    Attendant(robot, after_s=1.5)
    outcome = robot.pick()
    assert outcome.code is Code.OK, outcome.message
    assert robot.stages.count(Stage.LOOK) == 1


def test_a_lost_object_is_looked_for_again_step_by_step():
    robot = FakeRobot(Block(0.5, 0.0))
    operator = Attendant(robot)
    outcome = robot.pick(Event(Stage.CLOSE, rolls_away), goal=PickGoal(max_attempts=2))
    assert outcome.code is Code.OK, outcome.message
    assert operator.withdrawn == len(operator.asked)


# -- speed ----------------------------------------------------------------------------------------


def test_every_motion_of_a_pick_keeps_the_speed_limit():
    pytest.importorskip("roboplan")
    from test_link_motion import fastest_seen

    from grasp_executor.planning.embedded import EmbeddedPlanner

    panda = load_robot("panda")
    robot = FakeRobot(
        Block(0.5, 0.1),
        config=replace(CONFIG, max_tcp_speed_m_s=0.3),
        planner=EmbeddedPlanner(panda),
        model=panda,
    )
    commands = watched(robot)
    outcome = robot.pick()
    assert outcome.code is Code.OK, outcome.message
    speeds = [fastest_seen(panda, sent[0]) for kind, sent in commands if kind == "arm"]
    assert max(speeds) <= 0.3
    assert max(speeds) > 0.27  # no slower than it must be
