"""The difference of two contestants over the scenes that both have finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grasp_benchmark.closed_loop.intervals import over, rate_difference_interval
from grasp_benchmark.closed_loop.record import TrialRecord
from grasp_detection.evaluation.intervals import difference_interval, mcnemar


def difference_of(
    first: str, second: str, by_label: Mapping[str, Sequence[TrialRecord]], *, clear: bool
) -> dict[str, Any]:
    """Rate of the first less that of the second over their common scenes, paired by scene.

    The interval is over objects where they repeat. In protocol clear, the share of objects
    cleared takes the place of success, and the interval is over scenes.

    Args:
        first: Label of a contestant.
        second: Label of another.
        by_label: Finished trials of each contestant.
        clear: Whether the protocol is that.

    Returns:
        For JSON.
    """
    a = {one.trial: one for one in by_label[first]}
    b = {one.trial: one for one in by_label[second]}
    common = sorted(set(a) & set(b))
    figures: dict[str, Any] = {
        "first": first,
        "second": second,
        "trials": len(common),
        "distinct_objects": len({name for index in common for name in a[index].objects}),
    }
    if clear:
        mine, others = ([side[index].cleared_share for index in common] for side in (a, b))
        interval = over(difference_interval(mine, others, common), "scenes")
        return figures | {
            "of": "cleared_rate",
            "difference": (sum(mine) - sum(others)) / len(common),
            "ci95": [interval.low, interval.high],
            "method": interval.method,
        }
    right = [[side[index].succeeded for index in common] for side in (a, b)]
    clusters = [[side[index].cluster for index in common] for side in (a, b)]
    interval = rate_difference_interval(*right, *clusters)
    test = mcnemar(*right)
    return figures | {
        "of": "rate",
        "difference": (sum(right[0]) - sum(right[1])) / len(common),
        "ci95": [interval.low, interval.high],
        "method": interval.method,
        "only_first": test.only_a,
        "only_second": test.only_b,
        "mcnemar_p": test.p_value,
    }
