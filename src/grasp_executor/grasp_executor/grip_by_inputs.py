"""Is it really held? Rules for a hand on digital lines, which measures neither gap nor force."""

from __future__ import annotations

import math

from grasp_core.errors import Dropped, EmptyGrip
from grasp_core.hand_drivers import DigitalIoDriver
from grasp_executor.config import PickConfig
from grasp_executor.grip import NONE, Grip, GripMonitor, GripWindow
from grasp_executor.interfaces import GripperState
from grasp_executor.persistence import FEWEST_SAMPLES, Persistence


class InputGripVerifier(GripWindow):
    """Verifies a grip by inputs that show a part for a while, within their time-out.

    Without such an input every closing may be a grip: the weight alone can tell, after the lift.
    """

    def __init__(self, config: PickConfig, driver: DigitalIoDriver, asked_n: float) -> None:
        """Prepare.

        Args:
            config: How long the inputs must agree.
            driver: Which inputs there are, and their time-out.
            asked_n: Force asked of the hand, newtons per finger.
        """
        super().__init__(config)
        self._driver, self._asked_n = driver, asked_n

    def complete(self) -> bool:
        """Whether the inputs have shown the part for long enough, or their time is over."""
        if not self._window:
            return False
        if self._has_agreed():
            return True
        limit_s = self._driver.part_present_s + self._config.verify_s
        return self._driver.shows_parts and self._span_s() >= limit_s

    def grip(self) -> Grip:
        """See GripWindow."""
        if not self._has_agreed():
            raise EmptyGrip(
                f"the hand's inputs show no part within {self._driver.part_present_s:.2f} s of "
                f"the closing: {self._window[-1].inputs}"
            )
        return Grip(math.nan, math.nan, NONE, self._asked_n)

    def _span_s(self) -> float:
        return self._window[-1].stamp_s - self._window[0].stamp_s

    def _has_agreed(self) -> bool:
        """Whether the newest samples agree for the time asked for, without a gap in the data."""
        agreeing: list[float] = []
        for state in self._window:
            is_gap = agreeing and state.stamp_s - agreeing[-1] > self._config.max_state_gap_s
            if is_gap or (self._driver.shows_parts and state.inputs.hold_a_part is not True):
                agreeing = []
            if not self._driver.shows_parts or state.inputs.hold_a_part is True:
                agreeing.append(state.stamp_s)
        if len(agreeing) < FEWEST_SAMPLES:
            return False
        return agreeing[-1] - agreeing[0] >= self._config.verify_s


class InputGripMonitor(GripMonitor):
    """Watches a grip by inputs: it is lost when they show no part for a while."""

    def __init__(self, config: PickConfig, grip: Grip) -> None:
        super().__init__(config, grip)
        self._gone = Persistence(config.loss_s)

    def _doubts(self) -> tuple[Persistence, ...]:
        return (self._gone,)

    def _judge(self, state: GripperState) -> None:
        is_gone = state.inputs.hold_a_part is False
        # Every message is a reading of its own: an input has but two values to tell.
        if self._gone.add(state.stamp_s, state.stamp_s, is_gone):
            raise Dropped(
                f"the hand's inputs show no part for at least {self._config.loss_s:.2f} s: "
                f"{state.inputs}"
            )
