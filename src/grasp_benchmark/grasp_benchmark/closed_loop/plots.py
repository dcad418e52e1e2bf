"""The figures of a benchmark as plots, SVG, for a page without other files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from grasp_benchmark.closed_loop.figures import Figures, worst_objects
from grasp_benchmark.closed_loop.formatting import object_name
from grasp_benchmark.html_page import svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
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
    for row, one in enumerate(detectors.values()):
        low, high = one["ci95"]
        rate = 100.0 * one["rate"]
        error = [[max(0.0, rate - 100.0 * low)], [max(0.0, 100.0 * high - rate)]]
        axes.errorbar(rate, row, xerr=error, fmt="o", capsize=4, color=_COLORS[row % len(_COLORS)])
        axes.annotate(
            f"{rate:.1f} %", (rate, row), xytext=(0, 7), textcoords="offset points", ha="center"
        )
    labels = [f"{label}\n{one['distinct_objects']} objects" for label, one in detectors.items()]
    axes.set_yticks(range(len(detectors)), labels)
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
    shares = {
        label: [100.0 * one["failures"].get(code, 0) / one["trials"] for code in codes]
        for label, one in detectors.items()
    }
    figure, axes = _bars(codes, shares)
    axes.set_xlabel("picks that ended so, %")
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
    # An object that a detector never met has no bar, as it has no number in the table.
    missing = {"rate": math.nan}
    shares = {
        label: [100.0 * one["per_object"].get(name, missing)["rate"] for name in names]
        for label, one in detectors.items()
    }
    figure, axes = _bars([object_name(name, figures, "*") for name in names], shares)
    axes.set_xlim(0.0, 104.0)
    axes.set_xlabel("success, %")
    axes.legend(loc="best")
    return svg(figure)


def _bars(rows: Sequence[str], shares: Mapping[str, Sequence[float]]) -> tuple[Figure, Axes]:
    """A bar for each detector in every row, from the top down.

    Args:
        rows: What stands beside them.
        shares: Lengths of a detector's bars, per cent, one for each row.
    """
    figure = _figure(len(rows) * max(1.0, 0.5 * len(shares)))
    axes = figure.subplots()
    thick = 0.8 / len(shares)
    for index, (label, lengths) in enumerate(shares.items()):
        places = [row + (index - (len(shares) - 1) / 2.0) * thick for row in range(len(rows))]
        axes.barh(places, lengths, thick, label=label, color=_COLORS[index % len(_COLORS)])
    axes.set_yticks(range(len(rows)), rows)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    return figure, axes


def _figure(rows: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_IN, 1.1 + _ROW_IN * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
