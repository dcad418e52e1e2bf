"""Is it really held? Rules over stamped gripper states; no waiting, no hardware."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from grasp_core.errors import Dropped, EmptyGrip, Slipped, WeakGrip
from grasp_executor.config import PickConfig
from grasp_executor.interfaces import GripperState
from grasp_executor.persistence import FEWEST_SAMPLES, Persistence

MEASURED, PAYLOAD, COMMANDED, NONE = "measured", "payload", "commanded", "none"


@dataclass(frozen=True)
class Grip:
    """A verified grip.

    Attributes:
        gap_m: Gap at verification, metres; NaN unknown.
        force_n: Newtons per finger: measured, the lower of the two; payload, the share of the
            object's weight; commanded, what was asked for; NaN unknown.
        force_source: ``measured``, ``payload``, ``commanded`` or ``none``.
        asked_n: Newtons per finger, asked of the hand.
    """

    gap_m: float
    force_n: float
    force_source: str
    asked_n: float


class GripWindow:
    """Consecutive samples after a closing, until they prove a grip or that there is none."""

    def __init__(self, config: PickConfig) -> None:
        self._config = config
        self._window: deque[GripperState] = deque()

    def add(self, state: GripperState) -> None:
        """Take a sample; repeated stamps count once."""
        if not self._window or state.stamp_s > self._window[-1].stamp_s:
            self._window.append(state)

    @property
    def seen_until_s(self) -> float:
        """Stamp of the newest sample taken, seconds; minus infinity before the first."""
        return self._window[-1].stamp_s if self._window else -math.inf

    def complete(self) -> bool:
        """Whether enough was seen to judge."""
        raise NotImplementedError

    def grip(self) -> Grip:
        """The verified grip, as far as the hand's own states prove it.

        Raises:
            EmptyGrip: They do not prove an object; says what is missing. WeakGrip where it is the
                force alone.
        """
        raise NotImplementedError


class GripVerifier(GripWindow):
    """Verifies a grip by the gap and, where it is measured, the force."""

    def __init__(
        self,
        config: PickConfig,
        empty_gap_m: float,
        opening_m: float,
        asked_n: float,
        reports_force: bool,
    ) -> None:
        """Prepare.

        Args:
            config: Thresholds.
            empty_gap_m: Gap of the closed, empty jaws, metres.
            opening_m: Gap before the closing, metres.
            asked_n: Force asked of the hand, newtons per finger.
            reports_force: Whether the efforts are measured.
        """
        super().__init__(config)
        self._empty_gap_m = empty_gap_m
        self._opening_m = opening_m
        self._asked_n = asked_n
        self._reports_force = reports_force

    @property
    def force_threshold_n(self) -> float:
        """Force that both fingers must show, newtons."""
        return self._config.min_force_ratio * self._asked_n

    def complete(self) -> bool:
        """Whether the window spans the time asked for without a gap in the data."""
        if not self._window or self._span_s() < self._config.verify_s:
            return False
        stamps = np.array([state.stamp_s for state in self._recent()])
        return len(stamps) >= FEWEST_SAMPLES and bool(
            np.diff(stamps).max() <= self._config.max_state_gap_s
        )

    def _span_s(self) -> float:
        return self._window[-1].stamp_s - self._window[0].stamp_s

    def _recent(self) -> list[GripperState]:
        """Samples of the last window, or a few where they are far between."""
        start = self._window[-1].stamp_s - self._config.verify_s - 1e-9
        within = sum(state.stamp_s >= start for state in self._window)
        return list(self._window)[-max(within, FEWEST_SAMPLES) :]

    def grip(self) -> Grip:
        """See GripWindow; says which figure is missing."""
        recent = self._recent()
        gap = float(np.median([state.gap_m for state in recent]))
        least = self._empty_gap_m + self._config.min_width_m
        most = self._opening_m - self._config.min_width_m
        if not gap > least:
            raise EmptyGrip(
                f"the jaws closed to {gap * 1000:.1f} mm; an object would leave more than "
                f"{least * 1000:.1f} mm"
            )
        if not gap < most:
            raise EmptyGrip(
                f"the jaws stayed at {gap * 1000:.1f} mm of {self._opening_m * 1000:.1f} mm: they "
                "did not close on anything"
            )
        if not self._reports_force:
            return Grip(gap, self._asked_n, COMMANDED, self._asked_n)
        efforts = np.array([state.effort_n for state in recent])
        force = float(np.median(efforts, axis=0).min())
        if not force >= self.force_threshold_n:
            raise WeakGrip(
                f"the weaker finger presses with {force:.1f} N; an object would show at least "
                f"{self.force_threshold_n:.1f} N on both"
            )
        return Grip(gap, force, MEASURED, self._asked_n)


class GripMonitor:
    """Watches a verified grip while the arm moves or holds.

    Attributes:
        grip: What is watched.
        gap_m: Newest gap that was in order, metres; NaN unknown.
        lowest_force_n: Lowest force of the weaker finger, while none was suspected to be lost.
        interrupted: Whether the data had a gap longer than allowed since the last restart.
    """

    def __init__(self, config: PickConfig, grip: Grip) -> None:
        self._config = config
        self._last: GripperState | None = None
        self.grip = grip
        self.gap_m = grip.gap_m
        self.lowest_force_n = grip.force_n
        self.interrupted = False

    @property
    def suspected(self) -> bool:
        """Whether the newest sample shows a loss that is not to be believed yet."""
        return any(one.suspected for one in self._doubts())

    @property
    def outliers(self) -> int:
        """How often a loss was suspected that was none."""
        return max((one.outliers for one in self._doubts()), default=0)

    @property
    def seen_until_s(self) -> float:
        """Stamp of the newest sample taken, seconds; minus infinity before the first."""
        return -math.inf if self._last is None else self._last.stamp_s

    def restart(self) -> None:
        """Forget an interruption, before the hold clock starts anew."""
        self.interrupted = False

    def add(self, state: GripperState) -> None:
        """Take a sample.

        Sets ``interrupted`` when the data had a gap longer than allowed.

        Raises:
            Dropped: What was held is gone.
            Slipped: It moved between the jaws.
        """
        last = self._last
        if last is not None:
            if not state.stamp_s > last.stamp_s:
                return
            self.interrupted |= not state.stamp_s - last.stamp_s <= self._config.max_state_gap_s
        self._last = state
        self._judge(state)

    def _doubts(self) -> tuple[Persistence, ...]:
        """What may have been lost."""
        raise NotImplementedError

    def _judge(self, state: GripperState) -> None:
        """Judge a new sample.

        Raises:
            Dropped, Slipped: See :meth:`add`.
        """
        raise NotImplementedError


class HoldMonitor(GripMonitor):
    """Watches a grip by the gap and, where it is measured, the force.

    A loss or a slip is believed when it lasts, see :class:`Persistence`; what comes and goes is an
    outlier.
    """

    def __init__(
        self, config: PickConfig, empty_gap_m: float, grip: Grip, max_drift_m: float
    ) -> None:
        """Begin to watch.

        Args:
            config: What counts as a loss.
            empty_gap_m: Gap of the closed, empty jaws, metres.
            grip: As it was verified.
            max_drift_m: Change of opening that means a slip, metres; infinity watches for the
                loss alone.
        """
        super().__init__(config, grip)
        self._least_m = empty_gap_m + config.min_width_m
        self._max_drift_m = max_drift_m
        self._closed, self._drifted, self._weak = (Persistence(config.loss_s) for _ in range(3))

    def _doubts(self) -> tuple[Persistence, ...]:
        return self._closed, self._drifted, self._weak

    def _judge(self, state: GripperState) -> None:
        value = (state.gap_m, *map(float, state.effort_n))
        force, threshold = self._force_of(state)
        is_closed = not state.gap_m > self._least_m
        drift = abs(state.gap_m - self.grip.gap_m)
        closed = self._closed.add(state.stamp_s, value, is_closed)
        drifted = self._drifted.add(state.stamp_s, value, not drift <= self._max_drift_m)
        weak = self._weak.add(state.stamp_s, value, not force >= threshold)
        if closed or (is_closed and (drifted or weak)):
            raise Dropped(
                f"the jaws closed to {state.gap_m * 1000:.1f} mm after holding "
                f"{self.grip.gap_m * 1000:.1f} mm"
            )
        if drifted:
            raise Slipped(
                f"the opening drifted by {drift * 1000:.1f} mm from {self.grip.gap_m * 1000:.1f} "
                f"mm; {self._max_drift_m * 1000:.1f} mm are allowed"
            )
        if weak:
            raise Dropped(
                f"the weaker finger shows {force:.1f} N, below {threshold:.1f} N for at least "
                f"{self._config.loss_s:.2f} s"
            )
        if not self.suspected:
            self.gap_m = state.gap_m
            self.lowest_force_n = min(self.lowest_force_n, force)

    def _force_of(self, state: GripperState) -> tuple[float, float]:
        """Force of the weaker finger and the least that it must be, newtons."""
        if self.grip.force_source != MEASURED:
            return math.inf, 0.0
        return float(np.min(state.effort_n)), self._config.min_force_ratio * self.grip.asked_n
