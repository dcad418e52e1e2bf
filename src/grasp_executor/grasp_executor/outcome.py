"""What a pick reports while it runs and when it ends."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field

from grasp_core.errors import Code
from grasp_core.grasp import Grasp
from grasp_core.transform import Transform


class Stage(str, enum.Enum):
    """Stages of a pick, in order."""

    PUT_AWAY = "put_away"
    OBSERVE = "observe"
    MEASURE_EMPTY = "measure_empty"
    LOOK = "look"
    PLAN = "plan"
    PREGRASP = "pregrasp"
    APPROACH = "approach"
    CLOSE = "close"
    VERIFY = "verify"
    TEST_LIFT = "test_lift"
    SET_DOWN = "set_down"
    LIFT = "lift"
    HOLD = "hold"
    CARRY = "carry"
    RELEASE = "release"
    RETREAT = "retreat"
    RETURN = "return"
    CHECK = "check"


@dataclass
class PickOutcome:
    """Result of a pick; equal in content to the result of grasp_msgs/action/Pick.

    Attributes:
        code: OK or what went wrong.
        message: One sentence.
        grasp: Candidate acted on last.
        T_base_grasp: Its pose in the base frame.
        force_n: Newtons per finger during the hold, NaN unknown: measured, the lowest of the
            weaker finger; payload, its share of the lowest weight that the arm felt; or commanded.
        force_source: measured, payload, commanded or none.
        grip_force_n: Newtons per finger, asked of the hand at the last closing; NaN if it did not
            close, or is not asked.
        opening_m: Gap at the end of the hold, metres; NaN unknown.
        held_s: Verified hold in the air, seconds.
        attempts: Grasps tried; each may close several times, with more force.
        stage_s: Seconds of node time per stage run, in order.
        holding: Whether the gripper still holds something.
    """

    code: Code = Code.INTERNAL
    message: str = ""
    grasp: Grasp | None = None
    T_base_grasp: Transform | None = None
    force_n: float = math.nan
    force_source: str = "none"
    grip_force_n: float = math.nan
    opening_m: float = math.nan
    held_s: float = 0.0
    attempts: int = 0
    stage_s: list[tuple[Stage, float]] = field(default_factory=list)
    holding: bool = False

    def begin_attempt(self) -> None:
        """Forget what an earlier closing has measured."""
        self.force_n, self.force_source, self.opening_m = math.nan, "none", math.nan
        self.held_s, self.grip_force_n = 0.0, math.nan

    @property
    def success(self) -> bool:
        """Whether the object was picked, held and taken away."""
        return self.code is Code.OK


@dataclass(frozen=True)
class Progress:
    """Feedback of a running pick.

    Attributes:
        stage: Where it is.
        grasp: Candidate tried.
        force_n: As last measured, N per finger; NaN unknown.
        waits_for: Motion that waits for an operator's word; empty: none does.
    """

    stage: Stage
    grasp: Grasp | None
    force_n: float
    waits_for: str = ""
