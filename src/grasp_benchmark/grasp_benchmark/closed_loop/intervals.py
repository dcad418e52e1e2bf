"""The interval of a difference of two success rates measured on the same scenes.

Newcombe's square-and-add of two Wilson intervals, with the correlation of the pairs (his method
10): closed form, inside [-1, 1], and sound where the rates are near 1 or all pairs agree, which
is where the bootstrap and Wald's interval collapse to a point.
Source: Newcombe, "Improved confidence intervals for the difference between binomial proportions
based on paired data", Statistics in Medicine 17, 1998.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import binomtest

_CONFIDENCE = 0.95


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
