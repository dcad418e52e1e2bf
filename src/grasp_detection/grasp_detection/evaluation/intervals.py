"""Intervals at 95 % for accuracies and their differences, and McNemar's test.

Views of one picture (or pictures of one object) are not independent, so whole clusters are
resampled: the percentile bootstrap over clusters. It collapses to a point where every cluster has
the same share, as at 0 % and 100 %. Then the interval says what unseen clusters could change:
Clopper and Pearson bound the share of clusters unlike those seen by u = 1 - 0.025^(1/C) for C
clusters, and each of them may go either way. At 0 % and 100 % of C clusters this is exactly their
interval for C trials.
Sources: Efron, Tibshirani, "An introduction to the bootstrap", 1993, ch. 13; Clopper, Pearson,
Biometrika 26, 1934; McNemar, Psychometrika 12, 1947.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest

from grasp_detection.evaluation.errors import EvaluationError

CONFIDENCE = 0.95
RESAMPLES = 10_000
_CHUNK_CELLS = 2_000_000
_SAME = 1e-12


@dataclass(frozen=True)
class Interval:
    """An interval at 95 %.

    Attributes:
        low: Lower end.
        high: Upper end.
        method: ``bootstrap``, or ``clopper-pearson`` where that collapses.
    """

    low: float
    high: float
    method: str


@dataclass(frozen=True)
class McNemar:
    """Whether two detectors differ, judged by the views on which only one is right.

    Attributes:
        only_a: Views that only the first detector has right.
        only_b: Views that only the second has right.
        p_value: Of the exact two-sided test; it takes views as independent.
    """

    only_a: int
    only_b: int
    p_value: float


def accuracy_interval(
    right: ArrayLike, clusters: Sequence[Hashable], *, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Interval of an accuracy.

    Args:
        right: Shape (N,), whether each view is right.
        clusters: Of each view, its picture or its object.
        seed: Of the resampling.
        resamples: How many.

    Raises:
        EvaluationError: There is no view.
    """
    return _interval(np.asarray(right, np.float64), clusters, 0.0, seed, resamples)


def difference_interval(
    right_a: ArrayLike,
    right_b: ArrayLike,
    clusters: Sequence[Hashable],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:
    """Interval of the accuracy of the first detector less that of the second.

    Args:
        right_a: Shape (N,), whether the first detector is right on each view.
        right_b: Shape (N,), the second, on the same views.
        clusters: Of each view, its picture or its object.
        seed: Of the resampling.
        resamples: How many.

    Raises:
        EvaluationError: There is no view.
    """
    difference = np.asarray(right_a, np.float64) - np.asarray(right_b, np.float64)
    return _interval(difference, clusters, -1.0, seed, resamples)


def mcnemar(right_a: ArrayLike, right_b: ArrayLike) -> McNemar:
    """McNemar's exact test of two detectors on the same views.

    Args:
        right_a: Shape (N,), whether the first detector is right on each view.
        right_b: Shape (N,), the second, on the same views.
    """
    a, b = np.asarray(right_a, bool), np.asarray(right_b, bool)
    only_a, only_b = int(np.sum(a & ~b)), int(np.sum(b & ~a))
    p_value = binomtest(only_a, only_a + only_b, 0.5).pvalue if only_a + only_b else 1.0
    return McNemar(only_a, only_b, float(p_value))


def _interval(
    values: NDArray[np.float64],
    clusters: Sequence[Hashable],
    least: float,
    seed: int,
    resamples: int,
) -> Interval:
    """Interval of the mean of values in [least, 1]."""
    if len(values) != len(clusters) or not len(values):
        raise EvaluationError(
            f"an interval of {len(values)} views in {len(clusters)} clusters: needs at least one "
            "view, and a cluster for each"
        )
    numbers: dict[Hashable, int] = {}
    cluster_of = np.array([numbers.setdefault(name, len(numbers)) for name in clusters])
    sums, counts = np.bincount(cluster_of, values), np.bincount(cluster_of)
    tail = (1.0 - CONFIDENCE) / 2.0
    shares = sums / counts
    if np.ptp(shares) < _SAME:
        unlike = 1.0 - tail ** (1.0 / len(sums))
        seen = float(shares[0]) * (1.0 - unlike)
        return Interval(
            float(np.clip(seen + least * unlike, least, 1.0)),
            float(np.clip(seen + unlike, least, 1.0)),
            "clopper-pearson",
        )
    rng = np.random.default_rng([seed, 3])
    means = np.empty(resamples)
    step = max(1, _CHUNK_CELLS // len(sums))
    for start in range(0, resamples, step):
        drawn = rng.integers(len(sums), size=(min(step, resamples - start), len(sums)))
        means[start : start + step] = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return Interval(float(low), float(high), "bootstrap")
