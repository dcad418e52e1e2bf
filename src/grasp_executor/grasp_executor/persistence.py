"""One sample proves nothing: a condition is believed when it lasts over distinct samples."""

from __future__ import annotations

from collections.abc import Hashable

FEWEST_SAMPLES = 3
_REPEATED = 3.0  # a value that never changes must last so many times as long


class Persistence:
    """How long a condition has held without a break.

    Drivers repeat old values with fresh stamps, so a repeated value is no new evidence. Jaws at
    their stop, however, may read the same for ever: what does not change is believed, too, once
    it has lasted three times as long.

    Attributes:
        outliers: How often the condition came up and went again before it was believed.
    """

    def __init__(self, time_s: float) -> None:
        """Prepare.

        Args:
            time_s: Time for which the condition must last, seconds of the samples' stamps.
        """
        self._time_s = time_s
        self._since_s: float | None = None
        self._values: set[Hashable] = set()
        self.outliers = 0

    @property
    def suspected(self) -> bool:
        """Whether the condition held in the newest sample."""
        return self._since_s is not None

    def add(self, stamp_s: float, value: Hashable, holds: bool) -> bool:
        """Take a sample; whether the condition is to be believed now.

        Args:
            stamp_s: Time of the sample, seconds, not before that of the one before.
            value: What was measured, to tell a new sample from a repeated one.
            holds: Whether the condition holds in it.
        """
        if not holds:
            self.outliers += self.suspected
            self._since_s = None
            self._values.clear()
            return False
        if self._since_s is None:
            self._since_s = stamp_s
        self._values.add(value)
        lasted_s = stamp_s - self._since_s
        if len(self._values) >= FEWEST_SAMPLES:
            return lasted_s >= self._time_s
        return lasted_s >= _REPEATED * self._time_s and lasted_s > 0.0
