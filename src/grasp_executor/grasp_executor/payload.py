"""What the lifted object weighs, by the external force that the arm measures.

For hands that feel no force. The arm's estimate has an offset that depends on where it stands, so
what counts is the difference between two rests near each other, both clear of everything: before
the approach, and after the lift.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from grasp_core.errors import Dropped
from grasp_executor.config import PickConfig
from grasp_executor.interfaces import Arm
from grasp_executor.persistence import FEWEST_SAMPLES, Persistence

_SIGMAS = 4.0  # a weight must stand out of the noise of its median so far
_SIGMA_OF_MAD = 1.4826  # of normal noise
_ERROR_OF_MEDIAN = 1.2533  # relative to that of the mean
_LEFT = 0.5  # share of the weight that must remain


class PayloadWatch:
    """Weighs what is held, and watches that it stays.

    Attributes:
        weight_n: Of what was lifted, newtons; None until it was weighed, or if nothing shows.
        lowest_n: Lowest weight while it was held at rest, newtons; NaN before.
    """

    def __init__(self, arm: Arm, config: PickConfig) -> None:
        self._arm = arm
        self._config = config
        self._samples: deque[tuple[float, float]] = deque()
        self._moved_until_s = -math.inf
        self._before: tuple[float, float] | None = None
        self.weight_n: float | None = None
        self.lowest_n = math.nan
        self._gone = Persistence(config.loss_s)

    def take(self) -> None:
        """Take the newest measurement of a resting arm; repeated ones count once."""
        measured = self._arm.external_force_n()
        if measured is None:
            return
        force_n, stamp_s = measured
        if stamp_s > (self._samples[-1][1] if self._samples else self._moved_until_s):
            self._samples.append((force_n, stamp_s))
        while (
            len(self._samples) > FEWEST_SAMPLES  # of an arm that measures seldom, the last few
            and self._samples[-1][1] - self._samples[0][1] > self._config.payload_s
        ):
            self._samples.popleft()

    def forget(self) -> None:
        """The arm has moved: what was measured in another place, or on the way, does not count."""
        self._samples.clear()
        measured = self._arm.external_force_n()
        self._moved_until_s = -math.inf if measured is None else measured[1]

    def tare(self) -> None:
        """What was taken until now is the reading of an empty hand."""
        self._before = self._middle()

    @property
    def lacks(self) -> bool:
        """Whether the arm measures, and has not measured often enough for a median yet."""
        return len(self._samples) < FEWEST_SAMPLES and self._arm.external_force_n() is not None

    @property
    def is_tared(self) -> bool:
        """Whether the reading of an empty hand is known."""
        return self._before is not None

    def weigh(self) -> float | None:
        """Weight of what was lifted, newtons; None if the arm tells none or none stands out."""
        self.weight_n, self.lowest_n = None, math.nan  # what an earlier weighing found is past
        after, before = self._middle(), self._before
        if after is None or before is None:
            return None
        weight, error = after[0] - before[0], math.hypot(after[1], before[1])
        if not weight >= max(self._config.min_payload_n, _SIGMAS * error):
            return None
        self.weight_n = self.lowest_n = weight
        return weight

    def watch(self) -> None:
        """Take a measurement of the arm holding still.

        Raises:
            Dropped: The weight is gone: the median over ``payload_s`` has fallen by more than half
                and stays there.
        """
        if self.weight_n is None or self._before is None:
            return
        self.take()
        if not self._is_full():
            return
        now = self._middle()
        weight = math.nan if now is None else now[0] - self._before[0]
        is_gone = not weight >= _LEFT * self.weight_n
        if self._gone.add(self._samples[-1][1], self._samples[-1][0], is_gone):
            raise Dropped(
                f"the arm feels {weight:.1f} N in the hand, after the lift it was "
                f"{self.weight_n:.1f} N, for at least {self._config.loss_s:.2f} s"
            )
        if not is_gone:
            self.lowest_n = min(self.lowest_n, weight)

    @property
    def suspected(self) -> bool:
        """Whether the weight seems to be gone, which is not to be believed yet."""
        return self._gone.suspected

    def _is_full(self) -> bool:
        """Whether what was taken spans nearly the whole window."""
        if len(self._samples) < FEWEST_SAMPLES:
            return False
        return self._samples[-1][1] - self._samples[0][1] >= 0.8 * self._config.payload_s

    def _middle(self) -> tuple[float, float] | None:
        """Median and its standard error, newtons; None of too few samples. Outliers pass by."""
        forces = np.array([force for force, _ in self._samples])
        if len(forces) < FEWEST_SAMPLES:
            return None
        middle = float(np.median(forces))
        sigma = _SIGMA_OF_MAD * float(np.median(np.abs(forces - middle)))
        return middle, _ERROR_OF_MEDIAN * sigma / math.sqrt(len(forces))
