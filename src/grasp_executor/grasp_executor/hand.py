"""The hand as a thing with a memory: may it hold something, and would opening it let that fall?

Certainly empty is only a hand that is shut to the remembered empty width or, unless it was closed
here, open to its widest. Where nobody measures the opening, the switches at the ends of its way
say so, and no part may be shown between the jaws.
Whatever else is seen after a closing, or by an executor that has just begun, may be a grip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from grasp_core.errors import EmptyGrip, GraspStackError, GripperFailed
from grasp_core.gripper_profile import GripperProfile
from grasp_core.hand_drivers import DigitalIoDriver
from grasp_executor.config import PickConfig
from grasp_executor.grasp_pose import GraspTarget
from grasp_executor.grip import Grip, GripMonitor, GripVerifier, GripWindow, HoldMonitor
from grasp_executor.grip_by_inputs import InputGripMonitor, InputGripVerifier
from grasp_executor.hand_memory import AGREE_M, EmptyWidthMemory
from grasp_executor.interfaces import Clock, Gripper, GripperState, JointVector
from grasp_executor.persistence import FEWEST_SAMPLES

WIDEST_M = 0.001
"""Jaws that are so close to their widest gap are open."""

OPEN_TOLERANCE_M = 0.004
"""An opening this much short of the command counts as reached."""

_JUDGE_S = 1.0  # node time within which samples must agree on an empty hand
_SAME_PLACE_RAD = 0.02
_RECENT_S = 0.1


@dataclass(frozen=True)
class Held:
    """What hangs in the hand: the grasp it was taken by, and the watch over it."""

    target: GraspTarget
    monitor: GripMonitor


class Hand:
    """What is known of one hand; nothing here moves it.

    Attributes:
        memory: Its empty width.
        held: What a verified grip holds; None if nothing.
        opening_m: Gap before the last closing, metres: to that it may be opened where it closed.
        outliers: Samples of grips that stood alone and counted for nothing.
        is_measured: Whether its empty width was measured since this object was made.
    """

    def __init__(
        self,
        gripper: Gripper,
        clock: Clock,
        profile: GripperProfile,
        config: PickConfig,
        memory: EmptyWidthMemory,
    ) -> None:
        self._gripper = gripper
        self._clock = clock
        self._config = config
        self._profile = profile
        self._opened_m: float | None = None  # None: closed, or never seen open
        self._closed_at: JointVector | None = None
        self._was_closed = False
        self.memory = memory
        self.held: Held | None = None
        self.opening_m = profile.max_gap_m
        self.outliers = 0
        self.is_measured = False

    @property
    def empty_gap_m(self) -> float:
        """Gap of the closed, empty jaws, metres.

        Raises:
            GripperFailed: It was not measured yet.
        """
        if self.memory.gap_m is None:
            raise GripperFailed("the empty width was not measured: observe first")
        return self.memory.gap_m

    def held_now(self) -> Held:
        """What the hand holds.

        Raises:
            EmptyGrip: Nothing.
        """
        if self.held is None:
            raise EmptyGrip("nothing is held")
        return self.held

    # -- how a grip is judged -------------------------------------------------------------------

    def verifier(self, opening_m: float, asked_n: float) -> GripWindow:
        """What judges whether a closing has become a grip.

        Args:
            opening_m: Gap from which the jaws have closed, metres.
            asked_n: Force with which they were told to, newtons per finger.
        """
        driver = self._profile.driver
        if isinstance(driver, DigitalIoDriver):
            return InputGripVerifier(self._config, driver, asked_n)
        return GripVerifier(
            self._config, self.empty_gap_m, opening_m, asked_n, self._profile.reports_force
        )

    def monitor(self, grip: Grip, max_drift_m: float) -> GripMonitor:
        """What watches a grip; see HoldMonitor."""
        if not self._profile.reports_opening:
            return InputGripMonitor(self._config, grip)
        return HoldMonitor(self._config, self.empty_gap_m, grip, max_drift_m)

    # -- what happens to it ---------------------------------------------------------------------

    def closes(self, opening_m: float, joints: JointVector | None) -> None:
        """The jaws are about to close.

        Args:
            opening_m: Their gap before, metres.
            joints: Where the arm is, rad, if what is between the jaws stands on a support; None in
                the air.
        """
        self._opened_m, self._closed_at, self.opening_m = None, joints, opening_m
        self._was_closed = True

    def measured(self, state: GripperState) -> None:
        """The jaws have closed on nothing, and this is what they look like.

        Raises:
            GripperFailed: Inputs show a part; or see :meth:`EmptyWidthMemory.learn`.
        """
        if self._profile.reports_opening:
            self.memory.learn(state.gap_m)
        elif state.inputs.hold_a_part:
            raise GripperFailed(
                f"the jaws have closed on nothing, and the hand's inputs show a part "
                f"({state.inputs}): see what is between the fingers, clean or adjust the sensor, "
                "or correct active_low of its profile"
            )
        self.is_measured, self._was_closed = True, False

    def leaves_support(self) -> None:
        """The arm is about to lift what the jaws closed on: from now on it would fall."""
        self._closed_at = None

    def takes(self, held: Held) -> None:
        """A verified grip is watched from now on."""
        self._count_outliers()
        self.held = held

    def opened(self, gap_m: float) -> None:
        """The jaws have opened to a gap, metres: nothing is held any more."""
        self._count_outliers()
        self._opened_m, self._closed_at, self.held = gap_m, None, None
        self._was_closed = False

    def _count_outliers(self) -> None:
        if self.held is not None:
            self.outliers += self.held.monitor.outliers

    # -- what it may hold -----------------------------------------------------------------------

    def looks_empty(self, state: GripperState) -> bool:
        """Whether this sample is one of a hand that is certainly empty; NaN is not.

        Jaws that are wide open after they were told to close may hold something as wide.
        """
        if not self._profile.reports_opening:
            inputs = state.inputs
            at_an_end = inputs.closed or (inputs.opened and not self._was_closed)
            return bool(at_an_end and not inputs.part_present)
        empty = self.memory.gap_m
        shut = empty is not None and abs(state.gap_m - empty) <= AGREE_M
        wide = not self._was_closed and abs(state.gap_m - self._profile.max_gap_m) <= WIDEST_M
        return bool(shut or wide)

    def is_wide(self, state: GripperState, tolerance_m: float = WIDEST_M) -> bool:
        """Whether the jaws are open to their widest; where no switch tells, by their command."""
        if self._profile.reports_opening:
            return abs(state.gap_m - self._profile.max_gap_m) <= tolerance_m
        if state.inputs.opened is None:
            return self._opened_m is not None and not state.inputs.closed
        return state.inputs.opened

    def stands_open(self) -> bool:
        """Whether this executor has opened the jaws, and they still are as far apart.

        Raises:
            StaleJointStates, InvalidStates.
        """
        state = self._gripper.state()
        if self._opened_m is None:
            return False
        if not self._profile.reports_opening:
            return self.is_wide(state) and not state.inputs.part_present
        return state.gap_m >= self._opened_m - OPEN_TOLERANCE_M

    def stands_where_it_closed(self, joints: JointVector) -> bool:
        """Whether the jaws have closed here, on something that still rests on its support."""
        at = self._closed_at
        return at is not None and bool(np.abs(joints - at).max() <= _SAME_PLACE_RAD)

    def may_hold(self) -> bool:
        """Whether something may be between the jaws, from what was measured just now."""
        try:
            if self.stands_open():
                return False
            recent = self._gripper.states_since(self._clock.now_s() - _RECENT_S)
            return not all(map(self.looks_empty, [*recent, self._gripper.state()]))
        except GraspStackError:
            return self._opened_m is None  # nothing says that the closed jaws are empty

    def certainly_empty(self, tick: Callable[[], None]) -> bool:
        """Watch the jaws until all samples of a while agree that they hold nothing.

        What was measured within the last second counts, too, if what comes next agrees.

        Args:
            tick: Lets node time pass.

        Raises:
            StaleJointStates, InvalidStates, or what ``tick`` raises.
        """
        agreeing: list[float] = []
        began_s = self._clock.now_s()
        deadline, seen_s = began_s + _JUDGE_S, began_s - _JUDGE_S
        while self._clock.now_s() <= deadline:
            for state in self._gripper.states_since(seen_s):
                seen_s = state.stamp_s
                agreeing = [*agreeing, state.stamp_s] if self.looks_empty(state) else []
            if (
                len(agreeing) >= FEWEST_SAMPLES
                and agreeing[-1] > began_s
                and agreeing[-1] - agreeing[0] >= self._config.loss_s
            ):
                self._was_closed = False  # on nothing, if it was: who opens the jaws finds nothing
                return True
            tick()
        return False
