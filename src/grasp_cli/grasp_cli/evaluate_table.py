"""The figures of an evaluation as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
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

_OF_CLASSES = [
    ("best grasp of each class right", "grasp_by_class"),
    ("IoU of objects", "iou_graspable"),
    ("IoU of classes, mean", "iou_classes"),
    ("class of true masks right", "class_of_masks"),
]


def show(figures: Figures, columns: Sequence[Figures], console: Console) -> None:
    """Print the table, the comparison, the notes and the warnings.

    Args:
        figures: What was measured, and the comparison where there are two detectors.
        columns: Figures of each detector.
        console: Where to print.
    """
    console.print(table_of(figures, columns))
    if len(columns) > 1:
        console.print(comparison_line(figures), highlight=False, soft_wrap=True)
    common = [note for note in columns[0]["notes"] if all(note in c["notes"] for c in columns)]
    for note in common:
        console.print(escape(f"note: {note}"), highlight=False, soft_wrap=True)
    for column in columns:
        for note in column["notes"]:
            if note not in common:
                console.print(
                    escape(f"note on {_named(column)}: {note}"), highlight=False, soft_wrap=True
                )
        if column.get("seen_in_training"):
            seen, pictures = column["seen_in_training"], column["pictures"]
            console.print(
                f"[bold red]WARNING: {escape(_named(column))} was trained on or chosen by "
                f"{seen} of the {pictures} measured pictures: its figures say nothing about "
                "new ones[/]",
                highlight=False,
                soft_wrap=True,
            )


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
    table.add_column("figure", no_wrap=True)
    for column in columns:
        table.add_column(escape(_named(column)), justify="right", overflow="fold")
    counts = [(one["n"], one["pictures"], one["objects"] or "-") for one in columns]
    _add(table, "views / pictures / objects", [" / ".join(map(str, one)) for one in counts])
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
        f"{100.0 * figures['difference_ci95'][1]:+.1f} ({figures['difference_ci95_method']} over "
        f"{figures['ci95_over']}); only the first is right on "
        f"{figures['only_first_right']} views, only the second on "
        f"{figures['only_second_right']}; McNemar p = {figures['mcnemar_p']:.3g}"
    )


def _shares() -> list[tuple[str, str]]:
    """Label and key of the figures that are shares, in the order of the table."""
    rows = [(f"Jaccard > {x:.2f}", f"jaccard_{x:.2f}") for x in JACCARD_LADDER[1:]]
    rows += [(f"angle < {x} deg", f"angle_{x}") for x in ANGLE_LADDER_DEG[1:]]
    for least in MULTI_GRASP_QUALITIES:
        quality = f", quality >= {least:.1f}" if least else ""
        label = f"right among best {MULTI_GRASP_MOST}{quality}"
        rows.append((label, f"multi_grasp_{least:.1f}_top{MULTI_GRASP_MOST}"))
    rows += _OF_CLASSES
    rows += [(f"jaw ratio {x:.1f}", f"jaw_ratio_{x:.1f}") for x in JAW_RATIOS]
    return rows


def _named(figures: Figures) -> str:
    weights = figures["weights"]  # none of answers from a file
    return f"{figures['detector']} ({weights})" if weights else str(figures["detector"])


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
