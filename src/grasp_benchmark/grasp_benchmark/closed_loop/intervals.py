"""Intervals at 95 % of success rates, and of their differences on the same scenes.

Trials of one object are not independent: an object that a detector cannot hold fails every time.
Where objects come more than once, whole objects are resampled, as whole pictures are in the
evaluation of detectors: :mod:`grasp_detection.evaluation.intervals` has the method.

Where every object comes once, trials are independent: Wilson's interval, and for a difference
Newcombe's square-and-add of two of these, with the correlation of the pairs (his method 10).
Both are closed forms and sound where rates are near 1 or all pairs agree, which is where the
bootstrap over few failures is too narrow.
Source: Newcombe, "Improved confidence intervals for the difference between binomial proportions
based on paired data", Statistics in Medicine 17, 1998.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace

from scipy.stats import binomtest

from grasp_detection.evaluation.intervals import Interval, accuracy_interval, difference_interval

_CONFIDENCE = 0.95


def rate_interval(successes: Sequence[bool], objects: Sequence[Hashable]) -> Interval:
    """Interval of a success rate, over objects where one of them comes more than once.

    Args:
        successes: Whether each trial succeeded, at least one.
        objects: Of each trial, its object.
    """
    if not _repeats(objects):
        return Interval(*success_interval(sum(successes), len(successes)), "wilson")
    return over(accuracy_interval(successes, objects), "objects")


def rate_difference_interval(
    first: Sequence[bool],
    second: Sequence[bool],
    objects_first: Sequence[Hashable],
    objects_second: Sequence[Hashable],
) -> Interval:
    """Interval of the rate of the first less that of the second, over objects where they repeat.

    In scenes of several objects the two may have picked different ones. Then the objects of
    either are resampled, and the wider interval counts.

    Args:
        first: Whether the first succeeded in each scene, at least one.
        second: The second, in the same scenes.
        objects_first: Of each scene, the object that the first picked.
        objects_second: The second.
    """
    repeating = [objects for objects in (objects_first, objects_second) if _repeats(objects)]
    if not repeating:
        return Interval(*paired_interval(first, second), "newcombe 1998, method 10 (paired)")
    found = [difference_interval(first, second, objects) for objects in repeating]
    return over(max(found, key=lambda one: one.high - one.low), "objects")


def over(interval: Interval, clusters: str) -> Interval:
    """The same interval, whose method says what was resampled."""
    return replace(interval, method=f"{interval.method} over {clusters}")


def _repeats(objects: Sequence[Hashable]) -> bool:
    return len(set(objects)) < len(objects)


def success_interval(successes: int, picks: int) -> tuple[float, float]:
    """Wilson interval of a success rate at 95 % confidence."""
    interval = binomtest(successes, picks).proportion_ci(_CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def paired_interval(first: Sequence[bool], second: Sequence[bool]) -> tuple[float, float]:
    """Interval at 95 % of the rate of the first less that of the second.

    Args:
        first: Whether the first succeeded in each scene, at least one.
        second: The second, in the same scenes.
    """
    pairs = list(zip(first, second, strict=True))
    both, only_first = pairs.count((True, True)), pairs.count((True, False))
    only_second, neither = pairs.count((False, True)), pairs.count((False, False))
    total = len(pairs)
    rate_1, rate_2 = (both + only_first) / total, (both + only_second) / total
    low_1, high_1 = success_interval(both + only_first, total)
    low_2, high_2 = success_interval(both + only_second, total)
    down_1, up_1, down_2, up_2 = rate_1 - low_1, high_1 - rate_1, rate_2 - low_2, high_2 - rate_2
    phi = _correlation(both, only_first, only_second, neither)
    down = math.sqrt(max(0.0, down_1**2 - 2.0 * phi * down_1 * up_2 + up_2**2))
    up = math.sqrt(max(0.0, up_1**2 - 2.0 * phi * up_1 * down_2 + down_2**2))
    return rate_1 - rate_2 - down, rate_1 - rate_2 + up


def _correlation(both: int, only_first: int, only_second: int, neither: int) -> float:
    """Phi coefficient of a fourfold table; a positive one is corrected for continuity."""
    margins = (both + only_first) * (only_second + neither)
    margins *= (both + only_second) * (only_first + neither)
    if margins == 0:
        return 0.0
    product = float(both * neither - only_first * only_second)
    if product > 0:
        product = max(product - (both + only_first + only_second + neither) / 2.0, 0.0)
    return product / math.sqrt(margins)
