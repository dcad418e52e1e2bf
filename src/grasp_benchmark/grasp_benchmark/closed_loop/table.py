"""The figures of a benchmark for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.table import Table

from grasp_benchmark.closed_loop.contestants import ORACLE
from grasp_benchmark.closed_loop.figures import Figures, has_parts, worst_objects
from grasp_benchmark.closed_loop.formatting import (
    difference_line,
    extent,
    notes_of,
    object_rows,
    part_rows,
    percent,
    picked,
    speed,
    title_of,
)
from grasp_benchmark.closed_loop.settings import CLEAR, DSC


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
    for note in notes_of(figures):
        console.print(escape(note), style="dim", highlight=False, soft_wrap=True)


def _rates(figures: Figures) -> Table:
    protocol = figures["settings"]["protocol"]
    table = Table(header_style="bold")
    columns = ["detector", "picked", "objects", "rate %", "95 %"]
    columns += ["not fallen %"] if protocol == DSC else []
    columns += ["cleared %", "95 %"] if protocol == CLEAR else []
    for name in (*columns, "of oracle %", "picks/h", "false"):
        # Folded rather than cut off where the terminal is narrow.
        justify: JustifyMethod = "left" if name == "detector" else "right"
        table.add_column(name, justify=justify, overflow="fold")
    for label, one in figures["detectors"].items():
        row = [escape(label), picked(one), str(one["distinct_objects"])]
        row += [percent(one["rate"]), extent(one["ci95"])]
        if protocol == DSC:
            row.append(percent(one["not_fallen_rate"]))
        if protocol == CLEAR:
            row += [percent(one["cleared_rate"]), extent(one["cleared_ci95"])]
        row += [percent(one["share_of_oracle"]), speed(one["picks_per_hour"])]
        table.add_row(*row, str(one["false_success"]), style="dim" if label == ORACLE else "")
    return table


def _parts(figures: Figures) -> Table:
    """What fits the jaws and what does not, each on its own."""
    table = Table(title="by what fits the jaws", header_style="bold")
    table.add_column("detector")
    table.add_column("part")
    for name in ("picked", "objects", "rate %", "95 %", "not fallen %"):
        table.add_column(name, justify="right")
    for row in part_rows(figures):
        table.add_row(*map(escape, row))
    return table


def _objects(figures: Figures, objects: Sequence[str]) -> Table:
    table = Table(title="objects with the lowest rates", header_style="bold")
    table.add_column("object")
    for label in figures["detectors"]:
        table.add_column(escape(label), justify="right")
    for row in object_rows(figures, objects):
        table.add_row(*map(escape, row))
    return table
