"""Calibration: from a model's own score to the share of such grasps that are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasp_core.errors import ConfigError

_ROUNDING = 1e-12  # levels that differ by less are one
_PRIOR = 1.0  # imagined right and wrong outcomes at each knot: nothing is ever sure


@dataclass(frozen=True)
class Calibration:
    """A monotone map, linear between its knots and constant beyond them.

    Attributes:
        score: Scores of the knots, rising.
        quality: Share of right outcomes at the knots, in [0, 1], never falling.
    """

    score: tuple[float, ...]
    quality: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check the knots.

        Raises:
            ConfigError: They do not make a monotone map into [0, 1].
        """
        score, quality = np.asarray(self.score), np.asarray(self.quality)
        fine = len(score) == len(quality) > 0 and bool(np.isfinite([*score, *quality]).all())
        if not fine or (np.diff(score) <= 0).any() or (np.diff(quality) < 0).any():
            raise ConfigError("calibration needs rising scores with qualities that never fall")
        if quality.min() < 0.0 or quality.max() > 1.0:
            raise ConfigError("calibrated qualities must lie in [0, 1]")

    def __call__(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Calibrated qualities of scores, same shape."""
        return np.interp(np.asarray(scores, np.float64), self.score, self.quality)

    def least_score(self, quality: float) -> float:
        """Lowest score whose quality is at least this; infinite where none is."""
        above = np.nonzero(np.asarray(self.quality) >= quality)[0]
        if not len(above):
            return float("inf")
        knot = int(above[0])
        if knot == 0:
            return float("-inf")
        return float(
            np.interp(quality, self.quality[knot - 1 : knot + 1], self.score[knot - 1 : knot + 1])
        )

    def to_json(self) -> dict[str, list[float]]:
        """Plain values, for metadata."""
        return {"score": list(self.score), "quality": list(self.quality)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Calibration:
        """What :meth:`to_json` gave.

        Raises:
            ConfigError: It is something else.
        """
        try:
            return cls(tuple(map(float, values["score"])), tuple(map(float, values["quality"])))
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(
                f"calibration needs lists of scores and qualities: {error}"
            ) from error


def fit_calibration(scores: Sequence[float], right: Sequence[bool]) -> Calibration:
    """Fit by isotonic regression.

    Each stretch of scores with the same share of right outcomes becomes a knot in its middle.
    Below the lowest one the quality falls to 0 at score 0: what was never among the candidates of
    labelled pictures, such as an empty table, deserves no trust.

    Args:
        scores: The model's own scores.
        right: Whether the grasp with that score was right.

    Raises:
        ConfigError: There are no outcomes, or scores are not finite.

    Source: Zadrozny, Elkan, "Transforming classifier scores into accurate multiclass probability
    estimates", KDD 2002.
    """
    if not len(scores):
        raise ConfigError("calibration needs at least one outcome")
    if not np.isfinite(scores).all():
        raise ConfigError("calibration needs finite scores, some are not: the network diverged")
    distinct, place = np.unique(np.asarray(scores, float).round(6), return_inverse=True)
    count = np.bincount(place).astype(float)
    right_at = np.bincount(place, np.asarray(right, float))
    blocks, _ = isotonic(right_at / count, count)
    count_in, right_in = np.add.reduceat(count, blocks), np.add.reduceat(right_at, blocks)
    centre = np.add.reduceat(count * distinct, blocks) / count_in
    # What is imagined draws small stretches towards the middle: they may fall again, and join.
    weight = count_in + 2.0 * _PRIOR
    joined, levels = isotonic((right_in + _PRIOR) / weight, weight)
    centre = np.add.reduceat(weight * centre, joined) / np.add.reduceat(weight, joined)
    knots, quality = np.unique(centre.round(6), return_index=True)
    anchor = [0.0] if knots[0] > 0.0 else []
    rising = levels[quality].round(6)
    return Calibration((*anchor, *knots.tolist()), (*anchor, *rising.tolist()))


def isotonic(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Nearest rising sequence in the sense of weighted squares, by pooling adjacent violators.

    ``scipy.optimize.isotonic_regression`` is of scipy 1.12; Ubuntu 24.04 brings 1.11.

    Args:
        values: Shape (N,).
        weights: Shape (N,), above 0.

    Returns:
        Where each stretch of one level begins, shape (B,), and the levels, shape (B,), rising.

    Source: Barlow et al., Statistical Inference under Order Restrictions, Wiley 1972, section 1.2.
    """
    starts: list[int] = []
    levels: list[float] = []
    totals: list[float] = []
    for start, (level, total) in enumerate(zip(values.tolist(), weights.tolist(), strict=True)):
        while levels and levels[-1] >= level - _ROUNDING:
            before = totals.pop()
            level = (levels.pop() * before + level * total) / (before + total)
            total += before
            start = starts.pop()
        starts.append(start)
        levels.append(level)
        totals.append(total)
    return np.array(starts, np.intp), np.array(levels)
