"""The figures of a benchmark as plots, SVG, for a page without other files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from grasp_benchmark.closed_loop.figures import Figures
from grasp_benchmark.closed_loop.table import worst_objects
from grasp_benchmark.html_page import svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH_IN = 8.0
_ROW_IN = 0.42
_COLORS = (
    *("#2e6fb0", "#d9822b", "#4a9c5d", "#a05195"),
    *("#7a6a53", "#c2483f", "#33a7a5", "#555555"),
)


def rates(figures: Figures) -> str:
    """Success rate of each detector with its interval."""
    detectors = figures["detectors"]
    figure = _figure(len(detectors))
    axes = figure.subplots()
    for row, (_, one) in enumerate(detectors.items()):
        low, high = one["ci95"]
        rate = 100.0 * one["rate"]
        error = [[max(0.0, rate - 100.0 * low)], [max(0.0, 100.0 * high - rate)]]
        axes.errorbar(rate, row, xerr=error, fmt="o", capsize=4, color=_COLORS[row % len(_COLORS)])
        axes.annotate(
            f"{rate:.1f} %", (rate, row), xytext=(0, 7), textcoords="offset points", ha="center"
        )
    axes.set_yticks(range(len(detectors)), list(detectors))
    axes.set_ylim(len(detectors) - 0.4, -0.6)
    axes.set_xlim(-2.0, 104.0)
    axes.set_xlabel("successful picks, %, with 95 % interval")
    axes.grid(axis="x", alpha=0.3)
    return svg(figure)


def failures(figures: Figures) -> str:
    """Failures of each detector by code, as shares of its picks; empty without failures."""
    detectors = figures["detectors"]
    codes = sorted({code for one in detectors.values() for code in one["failures"]})
    if not codes:
        return ""
    figure = _figure(len(codes) * max(1.0, 0.5 * len(detectors)))
    axes = figure.subplots()
    thick = 0.8 / len(detectors)
    for index, (label, one) in enumerate(detectors.items()):
        shares = [100.0 * one["failures"].get(code, 0) / one["trials"] for code in codes]
        rows = [row + (index - (len(detectors) - 1) / 2.0) * thick for row in range(len(codes))]
        axes.barh(rows, shares, thick, label=label, color=_COLORS[index % len(_COLORS)])
    axes.set_yticks(range(len(codes)), codes)
    axes.invert_yaxis()
    axes.set_xlabel("picks that ended so, %")
    axes.grid(axis="x", alpha=0.3)
    axes.legend()
    return svg(figure)


def objects(figures: Figures) -> str:
    """Rates of the worst objects, each detector's; empty where an object comes once at most."""
    detectors = figures["detectors"]
    names = worst_objects(figures)
    counts = [one["per_object"][n]["trials"] for one in detectors.values() for n in names
              if n in one["per_object"]]  # fmt: skip
    if not names or max(counts) < 3:
        return ""
    figure = _figure(len(names) * max(1.0, 0.5 * len(detectors)))
    axes = figure.subplots()
    thick = 0.8 / len(detectors)
    for index, (label, one) in enumerate(detectors.items()):
        # An object that a detector never met has no bar, as it has no number in the table.
        shares = [
            100.0 * one["per_object"].get(name, {"rate": math.nan})["rate"] for name in names
        ]
        rows = [row + (index - (len(detectors) - 1) / 2.0) * thick for row in range(len(names))]
        axes.barh(rows, shares, thick, label=label, color=_COLORS[index % len(_COLORS)])
    marks = ["*" if name in figures["too_wide_objects"] else "" for name in names]
    labels = [f"{name or '(none chosen)'}{mark}" for name, mark in zip(names, marks, strict=True)]
    axes.set_yticks(range(len(names)), labels)
    axes.invert_yaxis()
    axes.set_xlim(0.0, 104.0)
    axes.set_xlabel("success, %")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="best")
    return svg(figure)


def _figure(rows: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_IN, 1.1 + _ROW_IN * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
