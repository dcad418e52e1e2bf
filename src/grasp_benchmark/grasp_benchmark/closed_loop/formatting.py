"""Numbers, sentences and rows of a benchmark's figures, the same in the table and on the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grasp_benchmark.closed_loop.contestants import ORACLE
from grasp_benchmark.closed_loop.figures import Figures, parts_of
from grasp_benchmark.closed_loop.settings import CLEAR, DSC, RANDOM_ABOVE

_PARTS = {
    "fitting_objects": "objects that fit the jaws",
    "fitting_placements": "of these, as they lie",
    "too_wide_placements": "wider than the jaws as they lie",
    "too_wide_objects": "objects wider than the jaws",
}


def percent(share: float | None) -> str:
    """A share in per cent; a dash where there is none."""
    return "-" if share is None else f"{100.0 * share:.1f}"


def extent(ends: Sequence[float]) -> str:
    """An interval of shares in per cent."""
    return f"{100.0 * ends[0]:.1f}-{100.0 * ends[1]:.1f}"


def picked(counts: Figures) -> str:
    """Successes of trials."""
    return f"{counts['success']}/{counts['trials']}"


def speed(picks_per_hour: float | None) -> str:
    """Picks per hour; a dash where no time was taken."""
    return "-" if picks_per_hour is None else f"{picks_per_hour:.0f}"


def title_of(settings: Mapping[str, Any]) -> str:
    """What was measured, in one line."""
    what = {DSC: "placements of each object", CLEAR: "scenes to clear"}.get(
        settings["protocol"], "trials"
    )
    by_chance = ", policy random_above" if settings.get("policy") == RANDOM_ABOVE else ""
    return (
        f"protocol {settings['protocol']}: {settings['trials']} {what}, objects "
        f"{settings['objects']}, clutter {settings['clutter']}, posts {settings['posts']}, "
        f"spread {settings['spread']}, noise {settings['noise']}, seed {settings['seed']}, "
        f"{settings['attempts']} attempt(s){by_chance}, hand {settings['gripper']}, "
        f"renderer {settings['renderer']}"
    )


def notes_of(figures: Figures) -> list[str]:
    """How to read the figures."""
    found = [figures["notes"]["intervals"], figures["notes"]["picks_per_hour"]]
    oracle = figures["detectors"].get(ORACLE, {})
    if "first_try" in oracle:
        found.append(
            "oracle: exact depth, and up to five rehearsals of each scene; "
            f"{oracle['first_try']} of {oracle['trials']} at the first try"
        )
    if figures["too_wide_objects"]:
        found.append(
            "wider than the jaws in every pose (*): " + ", ".join(figures["too_wide_objects"])
        )
    return found


def difference_line(difference: Figures) -> str:
    """One paired difference in words."""
    low, high = (100.0 * end for end in difference["ci95"])
    what = " of objects cleared" if difference["of"] == "cleared_rate" else ""
    line = (
        f"{difference['first']} - {difference['second']}: "
        f"{100.0 * difference['difference']:+.1f} points{what}, 95 % interval {low:+.1f} to "
        f"{high:+.1f}, {difference['trials']} common scenes with "
        f"{difference['distinct_objects']} distinct objects ({difference['method']})"
    )
    if "mcnemar_p" in difference:
        line += (
            f"; only the first succeeded in {difference['only_first']}, only the second in "
            f"{difference['only_second']}; McNemar p = {difference['mcnemar_p']:.2g}"
        )
    return line


def part_rows(figures: Figures) -> Iterator[tuple[str, ...]]:
    """What fits the jaws and what does not, a row for each detector and part.

    Cells: detector, part, picked, distinct objects, rate, interval, not fallen.
    """
    for label, one in figures["detectors"].items():
        for key in parts_of(one):
            part = one[key]
            yield (
                label,
                _PARTS[key],
                picked(part),
                str(part["distinct_objects"]),
                percent(part["rate"]),
                extent(part["ci95"]),
                percent(part["not_fallen_rate"]),
            )


def object_rows(figures: Figures, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Objects by name, each with what every detector picked of it."""
    for name in names:
        cells = [one["per_object"].get(name) for one in figures["detectors"].values()]
        yield object_name(name, figures), *(picked(cell) if cell else "-" for cell in cells)


def object_name(name: str, figures: Figures, mark: str = " *") -> str:
    """An object's name, marked where it is wider than the jaws in every pose."""
    return (name or "(none chosen)") + (mark if name in figures["too_wide_objects"] else "")
