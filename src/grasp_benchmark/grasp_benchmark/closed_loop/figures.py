"""Figures of a benchmark from its records: one object per detector, and their differences."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grasp_benchmark.closed_loop.benchmark import Benchmark
from grasp_benchmark.closed_loop.contact_figures import contact_figures
from grasp_benchmark.closed_loop.contestants import ORACLE
from grasp_benchmark.closed_loop.difference import difference_of
from grasp_benchmark.closed_loop.intervals import success_interval
from grasp_benchmark.closed_loop.played_operator import operator_figures
from grasp_benchmark.closed_loop.record import TrialRecord
from grasp_benchmark.closed_loop.settings import CLEAR, identity
from grasp_benchmark.closed_loop.too_wide import too_wide_objects, too_wide_placements
from grasp_core.robot import load_robot
from grasp_detection.evaluation.intervals import accuracy_interval

Figures = dict[str, Any]
Records = Sequence[TrialRecord]

WORST_OBJECTS = 15
PARTS = ("fitting_objects", "fitting_placements", "too_wide_placements", "too_wide_objects")
PICKS_PER_HOUR = (
    "picks per hour: 3600 s x picks / the sum over trials of (wall time in the worker / number of "
    "workers); building scenes included, start of the workers not"
)


def summarise(benchmark: Benchmark, records: Mapping[tuple[str, int], TrialRecord]) -> Figures:
    """Everything that was found out so far.

    Args:
        benchmark: What is measured.
        records: Finished trials, by detector and index.

    Returns:
        For JSON. ``detectors`` holds one object for each label that has finished a trial.
    """
    by_label = {
        one.label: [
            records[one.label, trial.index]
            for trial in benchmark.trials
            if (one.label, trial.index) in records
        ]
        for one in benchmark.contestants
    }
    by_label = {label: found for label, found in by_label.items() if found}
    clear = benchmark.settings.protocol == CLEAR
    widest_m = _widest_m(benchmark)
    wide = too_wide_objects(benchmark.settings.objects, by_label, widest_m)
    detectors = {
        label: _of_detector(label, found, clear=clear, wide=wide)
        for label, found in by_label.items()
    }
    if benchmark.settings.clutter == 1 and not clear:
        _add_parts(detectors, by_label, wide, widest_m)
    _add_share_of_oracle(detectors, by_label)
    return {
        "settings": {
            **identity(benchmark.settings, benchmark.contestants),
            "trials": benchmark.settings.trials,
        },
        "complete": sum(map(len, by_label.values())) == benchmark.size,
        "detectors": detectors,
        "differences": [
            difference_of(a, b, by_label, clear=clear)
            for a, b in itertools.combinations(by_label, 2)
            if {one.trial for one in by_label[a]} & {one.trial for one in by_label[b]}
        ],
        "too_wide_objects": wide,
        "notes": {"picks_per_hour": PICKS_PER_HOUR},
    }


def _widest_m(benchmark: Benchmark) -> float:
    settings = benchmark.settings
    return load_robot(settings.robot, settings.gripper).gripper.max_gap_m


def _of_detector(label: str, records: Records, *, clear: bool, wide: Sequence[str]) -> Figures:
    picks = [pick for record in records for pick in record.picks]
    success = sum(pick.success for pick in picks)
    share_s = sum(record.wall_s / record.workers for record in records)
    figures: Figures = {
        "detector": label,
        "trials": len(picks),
        "scenes": len(records),
        "success": success,
        "rate": success / len(picks),
        "ci95": _rate_interval(records, clear=clear),
        "picks_per_hour": 3600.0 * len(picks) / share_s if share_s else None,
        "false_success": sum(pick.false_success for pick in picks),
        "not_fallen": sum(pick.not_fallen for pick in picks),
        "codes": dict(Counter(pick.code for pick in picks).most_common()),
        "failures": dict(Counter(pick.code for pick in picks if not pick.success).most_common()),
        "detect_ms": 1000.0 * sum(record.detect_s for record in records) / len(picks),
        "per_object": _per_object(records, clear=clear, wide=wide),
        "contacts": contact_figures(records),
        "operator": operator_figures(picks),
    }
    figures["not_fallen_rate"] = figures["not_fallen"] / len(picks)
    if clear:
        shares = [record.cleared_share for record in records]
        interval = accuracy_interval(shares, [record.trial for record in records])
        figures["cleared"] = sum(len(record.cleared) for record in records)
        figures["objects"] = sum(len(record.objects) for record in records)
        figures["cleared_rate"] = sum(shares) / len(shares)
        figures["cleared_ci95"] = [interval.low, interval.high]
    if label == ORACLE and not clear:
        figures["first_try"] = sum(one.tries == 1 and one.succeeded for one in records)
    return figures


def _rate_interval(records: Records, *, clear: bool) -> list[float]:
    """Wilson's, for one pick per scene; where a scene has many, scenes are resampled."""
    if not clear:
        return [*success_interval(sum(one.succeeded for one in records), len(records))]
    picks = [(pick.success, record.trial) for record in records for pick in record.picks]
    interval = accuracy_interval([right for right, _ in picks], [scene for _, scene in picks])
    return [interval.low, interval.high]


def _per_object(records: Records, *, clear: bool, wide: Sequence[str]) -> Figures:
    """Trials and success by object picked or meant; in protocol clear, scenes and cleared."""
    trials: Counter[str] = Counter()
    success: Counter[str] = Counter()
    for record in records:
        if clear:
            trials.update(record.objects)
            success.update(record.cleared)
        else:
            trials[record.picks[0].object] += 1
            success[record.picks[0].object] += record.succeeded
    return {
        name: {
            "trials": trials[name],
            "success": success[name],
            "rate": success[name] / trials[name],
            "too_wide": name in wide,
        }
        for name in sorted(trials)
    }


def _part(records: Iterable[TrialRecord]) -> Figures:
    """Figures of a part of the trials."""
    chosen = list(records)
    success, count = sum(one.succeeded for one in chosen), len(chosen)
    not_fallen = sum(one.picks[0].not_fallen for one in chosen)
    if not count:
        return {"trials": 0, "success": 0, "not_fallen": 0}
    return {
        "trials": count,
        "success": success,
        "rate": success / count,
        "ci95": [*success_interval(success, count)],
        "not_fallen": not_fallen,
        "not_fallen_rate": not_fallen / count,
        "not_fallen_ci95": [*success_interval(not_fallen, count)],
    }


def _add_parts(
    detectors: Figures, by_label: Mapping[str, Records], wide: Sequence[str], widest_m: float
) -> None:
    """Split the trials: objects that fit the jaws, of these what fits as it lies, and the rest."""
    lying_wide = too_wide_placements(by_label, widest_m)
    for label, records in by_label.items():
        fitting = [one for one in records if one.objects[0] not in wide]
        detectors[label] |= {
            "fitting_objects": _part(fitting),
            "fitting_placements": _part(one for one in fitting if one.trial not in lying_wide),
            "too_wide_placements": _part(one for one in fitting if one.trial in lying_wide),
            "too_wide_objects": _part(one for one in records if one.objects[0] in wide),
        }


def _add_share_of_oracle(detectors: Figures, by_label: Mapping[str, Records]) -> None:
    """Each detector's rate as a share of the oracle's, over the scenes that both have finished."""
    known = {one.trial: one for one in by_label.get(ORACLE, ())}
    for label, records in by_label.items():
        common = [one for one in records if one.trial in known]
        reference = _rate([known[one.trial] for one in common])
        detectors[label]["share_of_oracle"] = _rate(common) / reference if reference else None


def _rate(records: Records) -> float:
    picks = [pick.success for record in records for pick in record.picks]
    return sum(picks) / len(picks) if picks else 0.0


def parts_of(detector: Figures) -> list[str]:
    """Keys of the parts of a detector's trials that hold any."""
    hidden = set() if detector["too_wide_placements"]["trials"] else {"fitting_placements"}
    return [part for part in PARTS if part not in hidden and detector[part]["trials"]]


def has_parts(figures: Figures) -> bool:
    """Whether something did not fit the jaws, so that the rest deserves figures of its own."""
    kinds = ("too_wide_placements", "too_wide_objects")
    detectors = figures["detectors"].values()
    return any(one.get(kind, {}).get("trials") for one in detectors for kind in kinds)


def worst_objects(figures: Figures, limit: int = WORST_OBJECTS) -> list[str]:
    """Objects that some detector failed on, lowest rate over all detectors first."""
    rates: dict[str, tuple[int, int]] = {}
    for label, one in figures["detectors"].items():
        if label != ORACLE or len(figures["detectors"]) == 1:
            for name, found in one["per_object"].items():
                success, trials = rates.get(name, (0, 0))
                rates[name] = success + found["success"], trials + found["trials"]
    failed = [name for name, (success, trials) in rates.items() if success < trials]
    return sorted(failed, key=lambda name: (rates[name][0] / rates[name][1], name))[:limit]
