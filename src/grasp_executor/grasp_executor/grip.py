"""Is it really held? Rules over stamped gripper states; no waiting, no hardware."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from grasp_core.errors import Dropped, EmptyGrip, GripperFailed, Slipped
from grasp_executor.config import PickConfig
from grasp_executor.interfaces import GripperState

MEASURED, COMMANDED = "measured", "commanded"
_CLOSED_TOLERANCE_M = 0.004
_FEWEST_SAMPLES = 3


@dataclass(frozen=True)
class EmptyWidth:
    """Gap of the empty, closed gripper, measured at start-up, metres."""

    gap_m: float

    def __post_init__(self) -> None:
        """Check that the gripper did close.

        Raises:
            GripperFailed: Something is between the jaws, or they are not referenced.
        """
        if not abs(self.gap_m) <= _CLOSED_TOLERANCE_M:
            raise GripperFailed(
                f"the empty gripper closes to {self.gap_m * 1000:.1f} mm, expected at most "
                f"{_CLOSED_TOLERANCE_M * 1000:.0f} mm: take out what it holds, or home it"
            )


@dataclass(frozen=True)
class Grip:
    """A verified grip.

    Attributes:
        gap_m: Gap at verification, metres.
        force_n: Lower of the two finger forces, newtons.
        force_source: Where the force comes from: ``measured`` or ``commanded``.
    """

    gap_m: float
    force_n: float
    force_source: str


class GripVerifier:
    """Verifies a grip over a window of consecutive samples."""

    def __init__(
        self, config: PickConfig, empty: EmptyWidth, opening_m: float, reports_force: bool
    ) -> None:
        self._config = config
        self._empty = empty
        self._opening_m = opening_m
        self._reports_force = reports_force
        self._window: deque[GripperState] = deque()

    @property
    def force_threshold_n(self) -> float:
        """Force that both fingers must show, newtons."""
        return self._config.min_force_ratio * self._config.force_n

    def add(self, state: GripperState) -> None:
        """Take a sample; repeated stamps count once."""
        if not self._window or state.stamp_s > self._window[-1].stamp_s:
            self._window.append(state)

    @property
    def seen_until_s(self) -> float:
        """Stamp of the newest sample taken, seconds; minus infinity before the first."""
        return self._window[-1].stamp_s if self._window else -math.inf

    def complete(self) -> bool:
        """Whether the window spans the time asked for without a gap in the data."""
        if not self._window or self._span_s() < self._config.verify_s:
            return False
        stamps = np.array([state.stamp_s for state in self._recent()])
        return len(stamps) >= _FEWEST_SAMPLES and bool(
            np.diff(stamps).max() <= self._config.max_state_gap_s
        )

    def _span_s(self) -> float:
        return self._window[-1].stamp_s - self._window[0].stamp_s

    def _recent(self) -> list[GripperState]:
        """Samples of the last window, or a few where they are far between."""
        start = self._window[-1].stamp_s - self._config.verify_s - 1e-9
        within = sum(state.stamp_s >= start for state in self._window)
        return list(self._window)[-max(within, _FEWEST_SAMPLES) :]

    def grip(self) -> Grip:
        """The verified grip.

        Raises:
            EmptyGrip: The window does not prove an object; says which figure is missing.
        """
        recent = self._recent()
        gap = float(np.median([state.gap_m for state in recent]))
        least = self._empty.gap_m + self._config.min_width_m
        most = self._opening_m - self._config.min_width_m
        if gap <= least:
            raise EmptyGrip(
                f"the jaws closed to {gap * 1000:.1f} mm; an object would leave more than "
                f"{least * 1000:.1f} mm"
            )
        if gap >= most:
            raise EmptyGrip(
                f"the jaws stayed at {gap * 1000:.1f} mm of {self._opening_m * 1000:.1f} mm: they "
                "did not close on anything"
            )
        if not self._reports_force:
            return Grip(gap, self._config.force_n, COMMANDED)
        efforts = np.array([state.effort_n for state in recent])
        force = float(np.median(efforts, axis=0).min())
        if not math.isfinite(force) or force < self.force_threshold_n:
            raise EmptyGrip(
                f"the weaker finger presses with {force:.1f} N; an object would show at least "
                f"{self.force_threshold_n:.1f} N on both"
            )
        return Grip(gap, force, MEASURED)


class HoldMonitor:
    """Watches a verified grip while the arm moves or holds.

    While the object is lifted off its support it may still settle between the jaws; ``settling``
    watches for its loss alone, not for drift.
    """

    def __init__(
        self, config: PickConfig, empty: EmptyWidth, grip: Grip, *, settling: bool = False
    ) -> None:
        self._config = config
        self._empty = empty
        self.grip = grip
        self._max_drift_m = math.inf if settling else config.max_drift_m
        self._last: GripperState | None = None
        self._weak_since_s: float | None = None
        self.gap_m = grip.gap_m
        self.lowest_force_n = grip.force_n
        self.interrupted = False

    def add(self, state: GripperState) -> None:
        """Take a sample.

        Sets ``interrupted`` when the data had a gap longer than allowed.

        Raises:
            Dropped: The jaws closed, or the force is gone.
            Slipped: The opening drifted.
        """
        config, last = self._config, self._last
        if last is not None:
            if state.stamp_s <= last.stamp_s:
                return
            self.interrupted |= state.stamp_s - last.stamp_s > config.max_state_gap_s
        self._last, self.gap_m = state, state.gap_m
        if state.gap_m <= self._empty.gap_m + config.min_width_m:
            raise Dropped(
                f"the jaws closed to {state.gap_m * 1000:.1f} mm after holding "
                f"{self.grip.gap_m * 1000:.1f} mm"
            )
        drift = abs(state.gap_m - self.grip.gap_m)
        if drift > self._max_drift_m:
            raise Slipped(
                f"the opening drifted by {drift * 1000:.1f} mm from {self.grip.gap_m * 1000:.1f} "
                f"mm; {self._max_drift_m * 1000:.1f} mm are allowed"
            )
        if self.grip.force_source == MEASURED:
            self._watch_force(state)

    def _watch_force(self, state: GripperState) -> None:
        force = float(np.min(state.effort_n))
        threshold = self._config.min_force_ratio * self._config.force_n
        if math.isfinite(force):
            self.lowest_force_n = min(self.lowest_force_n, force)
        if math.isfinite(force) and force >= threshold:
            self._weak_since_s = None
            return
        if self._weak_since_s is None:
            self._weak_since_s = state.stamp_s
        if state.stamp_s - self._weak_since_s >= self._config.force_dropout_s:
            raise Dropped(
                f"the weaker finger shows {force:.1f} N, below {threshold:.1f} N for "
                f"{state.stamp_s - self._weak_since_s:.2f} s"
            )

    @property
    def seen_until_s(self) -> float:
        """Stamp of the newest sample taken, seconds; minus infinity before the first."""
        return -math.inf if self._last is None else self._last.stamp_s

    def restart(self) -> None:
        """Forget an interruption, before the hold clock starts anew."""
        self.interrupted = False
