"""Misbehaviours tried over the robot in memory, and what has to come of each."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from fake_robot import (
    Event,
    arm_states_stop,
    cancels,
    comes_back,
    drops,
    hand_states_stop,
    is_held_up,
    jaws_stick,
    moves,
    reports_nothing,
    rolls_away,
    sees,
    slips,
    stops_itself,
    turns_below,
    weakens,
    while_planning,
)
from unkind_case import ArmDoes, Case, HandDoes, Part
from unkind_robot import (
    UnkindRobot,
    arm_reports,
    force,
    never_rests,
    one_finger,
    one_in,
    repeats,
    result_is_late,
    width,
)

from grasp_core.errors import (
    Code,
    DetectorBusy,
    HardwareLost,
    TrajectoryAborted,
    TrajectoryRefused,
    UnexpectedContact,
)
from grasp_executor.outcome import Stage

Misbehave = Callable[[UnkindRobot], None]


def nothing(robot: UnkindRobot) -> None:
    """All is well."""


@dataclass(frozen=True)
class FakeCase:
    """A row of the catalogue, and how it is brought about.

    Attributes:
        row: What is promised.
        events: What goes wrong in the pick.
        before: What has happened before it.
        width_m: Of the block on the table.
    """

    row: Case
    events: tuple[Event, ...] = ()
    before: Misbehave = nothing
    width_m: float = 0.03


def _case(
    name: str,
    part: Part,
    says: str,
    arm: ArmDoes,
    hand: HandDoes,
    code: Code,
    *events: Event,
    before: Misbehave = nothing,
    width_m: float = 0.03,
) -> FakeCase:
    return FakeCase(Case(name, part, says, arm, hand, code), events, before, width_m)


def after(*events: Event, then: Misbehave = nothing) -> Misbehave:
    """An earlier pick in which this went wrong, and what happened next."""

    def happened(robot: UnkindRobot) -> None:
        robot.pick(*events)
        then(robot)

    return happened


def restarts(robot: UnkindRobot) -> None:
    """The executor is started anew."""
    robot.restart()


def jaws_stand_at(gap_m: float) -> Misbehave:
    """Somebody has moved the jaws; a new executor finds them so."""

    def stand(robot: UnkindRobot) -> None:
        robot.hand.gap_m = robot.hand.target_m = gap_m
        robot.clock.sleep(0.05)
        robot.restart()

    return stand


def all_of(*ways: Misbehave) -> Misbehave:
    """Several things at once."""

    def happen(robot: UnkindRobot) -> None:
        for way in ways:
            way(robot)

    return happen


H, A, C = Part.HAND, Part.ARM, Part.CAMERA
RESTS, RETURNS, STAYS = ArmDoes.RESTS, ArmDoes.RETURNS, ArmDoes.STAYS
FINISHES, UNSURE = ArmDoes.FINISHES, ArmDoes.UNSURE
DELIVERS, EMPTY, SHUT = HandDoes.DELIVERS, HandDoes.EMPTY, HandDoes.SHUT
MAY_HOLD, WAITS = HandDoes.MAY_HOLD, HandDoes.WAITS
_NAN, _INF = math.nan, math.inf
_TOUCHED = UnexpectedContact("told")

HAND_CASES = [
    _case(
        "force-becomes-nan",
        H,
        "both finger forces become NaN in the hold",
        RESTS,
        SHUT,
        Code.INVALID_STATES,
        Event(Stage.HOLD, force(_NAN)),
    ),
    _case(
        "one-force-becomes-nan",
        H,
        "one finger's force becomes NaN in the carry",
        RESTS,
        SHUT,
        Code.INVALID_STATES,
        Event(Stage.CARRY, one_finger(_NAN)),
    ),
    _case(
        "force-becomes-zero",
        H,
        "finger forces become 0 in the hold; the width stays",
        RESTS,
        SHUT,
        Code.DROPPED,
        Event(Stage.HOLD, force(0.0)),
    ),
    _case(
        "force-weakens",
        H,
        "the jaws press with less than asked for",
        RESTS,
        SHUT,
        Code.DROPPED,
        Event(Stage.HOLD, weakens),
    ),
    _case(
        "width-becomes-nan",
        H,
        "finger positions become NaN in the hold",
        RESTS,
        SHUT,
        Code.INVALID_STATES,
        Event(Stage.HOLD, width(_NAN)),
    ),
    _case(
        "width-is-infinite-at-first",
        H,
        "finger positions are infinite before anything moves",
        STAYS,
        WAITS,
        Code.INVALID_STATES,
        before=all_of(width(_INF), lambda r: r.clock.sleep(0.05)),
    ),
    _case(
        "one-closed-sample",
        H,
        "one sample shows the jaws shut on nothing",
        FINISHES,
        DELIVERS,
        Code.OK,
        Event(Stage.HOLD, width(0.0, 1)),
    ),
    _case(
        "one-wide-sample",
        H,
        "one sample shows the jaws wide open",
        FINISHES,
        DELIVERS,
        Code.OK,
        Event(Stage.CARRY, width(0.08, 1)),
    ),
    _case(
        "repeated-values",
        H,
        "each measurement is told five times, with fresh stamps",
        FINISHES,
        DELIVERS,
        Code.OK,
        before=repeats(5),
    ),
    _case(
        "fifteen-hertz",
        H,
        "a sample of the hand comes 15 times a second",
        FINISHES,
        DELIVERS,
        Code.OK,
        before=one_in(7),
    ),
    _case(
        "hand-goes-silent",
        H,
        "nothing more is heard of the hand in the hold",
        RESTS,
        SHUT,
        Code.STALE_JOINT_STATES,
        Event(Stage.HOLD, hand_states_stop),
    ),
    _case(
        "jaws-stick-open",
        H,
        "the jaws do not close",
        RESTS,
        EMPTY,
        Code.EMPTY_GRIP,
        Event(Stage.CLOSE, jaws_stick),
    ),
    _case(
        "jaws-stick-at-the-bin",
        H,
        "the jaws do not open over the bin",
        RESTS,
        SHUT,
        Code.GRIPPER_FAILED,
        Event(Stage.RELEASE, jaws_stick),
    ),
    _case(
        "object-pushed-away",
        H,
        "the object rolls away before the jaws close",
        RETURNS,
        EMPTY,
        Code.EMPTY_GRIP,
        Event(Stage.CLOSE, rolls_away),
    ),
    _case(
        "object-turns",
        H,
        "the object turns between the jaws",
        RESTS,
        SHUT,
        Code.SLIPPED,
        Event(Stage.HOLD, slips),
    ),
    _case(
        "object-turns-at-first",
        H,
        "the object turns between the jaws in the test lift, until they close harder",
        FINISHES,
        DELIVERS,
        Code.OK,
        Event(Stage.TEST_LIFT, turns_below(30.0)),
    ),
    _case(
        "object-comes-back",
        H,
        "the object lies where it stood when the hand has let go",
        RETURNS,
        EMPTY,
        Code.NOT_PLACED,
        Event(Stage.RETURN, comes_back),
    ),
    _case(
        "object-falls",
        H,
        "the object falls in the carry",
        RETURNS,
        EMPTY,
        Code.DROPPED,
        Event(Stage.CARRY, drops),
    ),
    _case(
        "wide-object-cancelled",
        H,
        "a pick of a 75.5 mm object is cancelled in the hold",
        RESTS,
        SHUT,
        Code.CANCELLED,
        Event(Stage.HOLD, cancels),
        width_m=0.0755,
    ),
    _case(
        "cancelled-while-closing",
        H,
        "the client cancels while the jaws close",
        RESTS,
        MAY_HOLD,
        Code.CANCELLED,
        Event(Stage.CLOSE, cancels, 0.03),
    ),
    _case(
        "restart-with-an-object",
        H,
        "the executor is restarted with an object in the hand",
        STAYS,
        SHUT,
        Code.HAND_NOT_EMPTY,
        before=after(Event(Stage.HOLD, cancels), then=restarts),
    ),
    _case(
        "restart-with-a-thin-object",
        H,
        "a new executor finds the jaws shut to 3.8 mm",
        STAYS,
        MAY_HOLD,
        Code.HAND_NOT_EMPTY,
        before=jaws_stand_at(0.0038),
    ),
    _case(
        "restart-half-open",
        H,
        "a new executor finds the jaws half open",
        STAYS,
        MAY_HOLD,
        Code.HAND_NOT_EMPTY,
        before=jaws_stand_at(0.04),
    ),
]

ARM_CASES = [
    _case(
        "trajectory-refused",
        A,
        "the controller refuses a trajectory",
        RETURNS,
        EMPTY,
        Code.TRAJECTORY_REFUSED,
        Event(Stage.PREGRASP, moves(TrajectoryRefused("told"))),
    ),
    _case(
        "aborted-with-an-object",
        A,
        "the controller gives up in the lift",
        RESTS,
        SHUT,
        Code.TRAJECTORY_ABORTED,
        Event(Stage.LIFT, moves(TrajectoryAborted("told")), 0.05),
    ),
    _case(
        "contact-with-an-object",
        A,
        "the controller leaves the path's tolerance in the carry",
        RESTS,
        SHUT,
        Code.UNEXPECTED_CONTACT,
        Event(Stage.CARRY, moves(_TOUCHED), 0.05),
    ),
    _case(
        "goal-after-contact",
        A,
        "a goal comes after an unexpected contact",
        STAYS,
        WAITS,
        Code.NOT_ACKNOWLEDGED,
        before=after(Event(Stage.APPROACH, moves(_TOUCHED), 0.05)),
    ),
    _case(
        "goal-after-protective-stop",
        A,
        "a goal comes after a protective stop",
        STAYS,
        WAITS,
        Code.NOT_ACKNOWLEDGED,
        before=after(Event(Stage.APPROACH, stops_itself, 0.05)),
    ),
    _case(
        "success-without-arriving",
        A,
        "the controller reports success, and the arm is not there",
        RESTS,
        EMPTY,
        Code.TRAJECTORY_ABORTED,
        Event(Stage.APPROACH, is_held_up),
    ),
    _case(
        "controller-goes-silent",
        A,
        "the controller answers no more in the carry",
        UNSURE,
        SHUT,
        Code.HARDWARE_LOST,
        Event(Stage.CARRY, reports_nothing),
    ),
    _case(
        "late-result",
        A,
        "the controller tells the result of the lift 1 s late",
        FINISHES,
        DELIVERS,
        Code.OK,
        Event(Stage.LIFT, result_is_late(1.0)),
    ),
    _case(
        "arm-goes-silent",
        A,
        "nothing more is heard of the joints in the approach",
        RESTS,
        EMPTY,
        Code.STALE_JOINT_STATES,
        Event(Stage.APPROACH, arm_states_stop),
    ),
    _case(
        "joints-become-nan",
        A,
        "joint positions become NaN in the approach",
        RESTS,
        EMPTY,
        Code.INVALID_STATES,
        Event(Stage.APPROACH, arm_reports(lambda s: replace(s, positions=np.full(4, _NAN)))),
    ),
    _case(
        "speeds-are-nan",
        A,
        "joint velocities are NaN in the approach",
        RESTS,
        EMPTY,
        Code.INVALID_STATES,
        Event(Stage.APPROACH, arm_reports(lambda s: replace(s, velocities=np.full(4, _NAN)))),
    ),
    _case(
        "arm-creeps",
        A,
        "the joints creep on after the lift",
        RESTS,
        SHUT,
        Code.TRAJECTORY_ABORTED,
        Event(Stage.LIFT, never_rests),
    ),
    _case(
        "cancel-while-planning",
        A,
        "the client cancels while the way to the bin is planned",
        RESTS,
        SHUT,
        Code.CANCELLED,
        Event(Stage.CARRY, while_planning(cancels)),
    ),
]

CAMERA_CASES = [
    _case(
        "busy-detector",
        C,
        "images come, and the detector has not finished one in time",
        STAYS,
        EMPTY,
        Code.DETECTOR_BUSY,
        Event(Stage.LOOK, sees(DetectorBusy("told"))),
    ),
    _case(
        "detector-without-answer",
        C,
        "the detector does not answer",
        STAYS,
        EMPTY,
        Code.HARDWARE_LOST,
        Event(Stage.LOOK, sees(HardwareLost("told"))),
    ),
    _case(
        "detector-crashes",
        C,
        "the detector fails with an error of its own",
        STAYS,
        EMPTY,
        Code.INTERNAL,
        Event(Stage.LOOK, sees(ZeroDivisionError("told"))),
    ),
]

FAKE_CASES = [*HAND_CASES, *ARM_CASES, *CAMERA_CASES]
