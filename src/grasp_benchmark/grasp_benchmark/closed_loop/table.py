"""The figures of a benchmark for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.table import Table

from grasp_benchmark.closed_loop.contestants import ORACLE
from grasp_benchmark.closed_loop.figures import Figures
from grasp_benchmark.closed_loop.settings import CLEAR, DSC

WORST_OBJECTS = 15
_PARTS = {
    "fitting_objects": "objects that fit the jaws",
    "fitting_placements": "of these, as they lie",
    "too_wide_placements": "wider than the jaws as they lie",
    "too_wide_objects": "objects wider than the jaws",
}


def show(figures: Figures, console: Console) -> None:
    """Print rates, differences and the worst objects."""
    settings = figures["settings"]
    console.print(escape(title_of(settings)), highlight=False, soft_wrap=True)
    console.print(_rates(figures))
    for label, one in figures["detectors"].items():
        codes = ", ".join(f"{count} {code}" for code, count in one["failures"].items()) or "none"
        console.print(escape(f"failures of {label}: {codes}"), highlight=False, soft_wrap=True)
    if has_parts(figures):
        console.print(_parts(figures))
    for difference in figures["differences"]:
        console.print(escape(difference_line(difference)), highlight=False, soft_wrap=True)
    objects = worst_objects(figures)
    if objects:
        console.print(_objects(figures, objects))
    for note in notes(figures):
        console.print(escape(note), style="dim", highlight=False, soft_wrap=True)


def title_of(settings: Mapping[str, Any]) -> str:
    """What was measured, in one line."""
    what = {DSC: "placements of each object", CLEAR: "scenes to clear"}.get(
        settings["protocol"], "trials"
    )
    return (
        f"protocol {settings['protocol']}: {settings['trials']} {what}, objects "
        f"{settings['objects']}, clutter {settings['clutter']}, spread {settings['spread']}, "
        f"noise {settings['noise']}, seed {settings['seed']}, {settings['attempts']} attempt(s), "
        f"renderer {settings['renderer']}"
    )


def notes(figures: Figures) -> list[str]:
    """How to read the figures."""
    found = [figures["notes"]["picks_per_hour"]]
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


def _rates(figures: Figures) -> Table:
    protocol = figures["settings"]["protocol"]
    table = Table(header_style="bold")
    columns = ["detector", "picked", "rate %", "95 %"]
    columns += ["not fallen %"] if protocol == DSC else []
    columns += ["cleared %", "95 %"] if protocol == CLEAR else []
    for name in (*columns, "of oracle %", "picks/h", "false"):
        # Folded rather than cut off where the terminal is narrow.
        justify: JustifyMethod = "left" if name == "detector" else "right"
        table.add_column(name, justify=justify, overflow="fold")
    for label, one in figures["detectors"].items():
        row = [escape(label), f"{one['success']}/{one['trials']}", percent(one["rate"])]
        row.append(extent(one["ci95"]))
        if protocol == DSC:
            row.append(percent(one["not_fallen_rate"]))
        if protocol == CLEAR:
            row += [percent(one["cleared_rate"]), extent(one["cleared_ci95"])]
        share, speed = one["share_of_oracle"], one["picks_per_hour"]
        row.append("-" if share is None else percent(share))
        row.append("-" if speed is None else f"{speed:.0f}")
        table.add_row(*row, str(one["false_success"]), style="dim" if label == ORACLE else "")
    return table


def has_parts(figures: Figures) -> bool:
    """Whether something did not fit the jaws, so that the rest deserves figures of its own."""
    kinds = ("too_wide_placements", "too_wide_objects")
    return any(one.get(kind, {}).get("trials") for one in figures["detectors"].values()
               for kind in kinds)  # fmt: skip


def _parts(figures: Figures) -> Table:
    """What fits the jaws and what does not, each on its own."""
    table = Table(title="by what fits the jaws", header_style="bold")
    table.add_column("detector")
    table.add_column("part")
    for name in ("picked", "rate %", "95 %", "not fallen %"):
        table.add_column(name, justify="right")
    for label, one in figures["detectors"].items():
        for name, found in parts_of(one):
            table.add_row(
                escape(label),
                name,
                f"{found['success']}/{found['trials']}",
                percent(found["rate"]),
                extent(found["ci95"]),
                percent(found["not_fallen_rate"]),
            )
    return table


def parts_of(detector: Figures) -> list[tuple[str, Figures]]:
    """The parts of a detector's trials that hold any, each with its name."""
    shown = dict(_PARTS)
    if not detector["too_wide_placements"]["trials"]:
        del shown["fitting_placements"]  # all of them
    return [(name, detector[part]) for part, name in shown.items() if detector[part]["trials"]]


def difference_line(difference: Figures) -> str:
    """One paired difference in words."""
    low, high = (100.0 * end for end in difference["ci95"])
    what = " of objects cleared" if difference["of"] == "cleared_rate" else ""
    line = (
        f"{difference['first']} - {difference['second']}: "
        f"{100.0 * difference['difference']:+.1f} points{what}, 95 % interval {low:+.1f} to "
        f"{high:+.1f} over {difference['trials']} common scenes ({difference['method']})"
    )
    if "mcnemar_p" in difference:
        line += (
            f"; only the first succeeded in {difference['only_first']}, only the second in "
            f"{difference['only_second']}; McNemar p = {difference['mcnemar_p']:.2g}"
        )
    return line


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


def _objects(figures: Figures, objects: list[str]) -> Table:
    detectors = figures["detectors"]
    table = Table(title="objects with the lowest rates", header_style="bold")
    table.add_column("object")
    for label in detectors:
        table.add_column(escape(label), justify="right")
    for name in objects:
        cells = [detectors[label]["per_object"].get(name) for label in detectors]
        mark = " *" if name in figures["too_wide_objects"] else ""
        table.add_row(
            escape(name or "(none chosen)") + mark,
            *(f"{cell['success']}/{cell['trials']}" if cell else "-" for cell in cells),
        )
    return table


def percent(share: float) -> str:
    """A share for a table, in per cent."""
    return f"{100.0 * share:.1f}"


def extent(ends: list[float]) -> str:
    """An interval for a table, in per cent."""
    return f"{100.0 * ends[0]:.1f}-{100.0 * ends[1]:.1f}"
