"""The figures of an evaluation as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from grasp_detection.evaluation.metric import (
    ANGLE_LADDER_DEG,
    JACCARD_LADDER,
    JAW_RATIOS,
    MULTI_GRASP_MOST,
    MULTI_GRASP_QUALITIES,
)
from grasp_detection.evaluation.summary import Figures


def table_of(figures: Figures, columns: Sequence[Figures]) -> Table:
    """One row per figure, one column per detector; rows that no detector has are left out.

    Args:
        figures: What was measured.
        columns: Figures of each detector.
    """
    part = figures["part"]
    views = "all views" if part == "all" else f"{part} part of {figures['split']}"
    if figures["folds"] > 1:
        views += f", {figures['folds']} folds pooled"
    table = Table(title=escape(f"{figures['dataset']}, {views}"), header_style="bold")
    table.add_column("figure")
    for column in columns:
        table.add_column(escape(f"{column['detector']} ({column['weights']})"), justify="right")
    _add(table, "views / pictures", [f"{one['n']} / {one['pictures']}" for one in columns])
    _add(table, "accuracy", [f"[bold]{_percent(one, 'accuracy')}[/]" for one in columns])
    over = columns[0]["ci95_over"]
    _add(table, f"95 % interval over {over}", [_range(one["ci95"]) for one in columns])
    for label, key in _shares():
        _add(table, label, [_percent(one, key) for one in columns])
    _add(table, "calibration error", [_number(one, "calibration_error", 3) for one in columns])
    _add(table, "ms per image", [_number(one, "ms_per_image", 1) for one in columns])
    if figures["folds"] > 1:
        _add(table, "lowest to highest fold", [_extent(one["fold_accuracy"]) for one in columns])
    return table


def comparison_line(figures: Figures) -> str:
    """One line: difference of two detectors, its interval, and McNemar's test."""
    return (
        f"difference {100.0 * figures['difference']:+.1f} points, 95 % interval "
        f"{100.0 * figures['difference_ci95'][0]:+.1f} to "
        f"{100.0 * figures['difference_ci95'][1]:+.1f}; only the first is right on "
        f"{figures['only_first_right']} views, only the second on "
        f"{figures['only_second_right']}; McNemar p = {figures['mcnemar_p']:.3g}"
    )


def _shares() -> list[tuple[str, str]]:
    """Label and key of the figures that are shares, in the order of the table."""
    rows = [(f"Jaccard > {x:.2f}", f"jaccard_{x:.2f}") for x in JACCARD_LADDER[1:]]
    rows += [(f"angle < {x} deg", f"angle_{x}") for x in ANGLE_LADDER_DEG[1:]]
    for least in MULTI_GRASP_QUALITIES:
        quality = f" of quality >= {least:.1f}" if least else ""
        rows += [
            (f"right of best {most}{quality}", f"multi_grasp_{least:.1f}_top{most}")
            for most in (1, MULTI_GRASP_MOST)
        ]
    rows += [(f"jaw ratio {x:.1f}", f"jaw_ratio_{x:.1f}") for x in JAW_RATIOS]
    return rows


def _add(table: Table, label: str, cells: Sequence[str]) -> None:
    if any(cells):
        table.add_row(label, *(cell or "-" for cell in cells))


def _percent(figures: Figures, key: str) -> str:
    return f"{100.0 * figures[key]:.1f} %" if key in figures else ""


def _number(figures: Figures, key: str, digits: int) -> str:
    return f"{figures[key]:.{digits}f}" if key in figures else ""


def _range(ends: Sequence[float]) -> str:
    return f"{100.0 * ends[0]:.1f} to {100.0 * ends[1]:.1f} %"


def _extent(shares: Sequence[float]) -> str:
    return _range((min(shares), max(shares)))
