"""Reliability: whether a quality of 0.8 means that 8 of 10 such grasps are right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 10


@dataclass(frozen=True, eq=False)
class Reliability:
    """Qualities and outcomes in equally wide bins; empty bins hold NaN.

    Attributes:
        edges: Shape (B + 1,), from 0 to 1.
        count: Shape (B,), grasps in each bin.
        quality: Shape (B,), their mean quality.
        right: Shape (B,), the share of them that is right.
    """

    edges: NDArray[np.float64]
    count: NDArray[np.int64]
    quality: NDArray[np.float64]
    right: NDArray[np.float64]

    @property
    def expected_calibration_error(self) -> float:
        """Mean distance of quality and share right over all grasps; NaN without any.

        Source: Naeini, Cooper, Hauskrecht, "Obtaining well calibrated probabilities using
        Bayesian binning", AAAI 2015.
        """
        filled = self.count > 0
        if not filled.any():
            return float("nan")
        gap = np.abs(self.quality[filled] - self.right[filled])
        return float(np.average(gap, weights=self.count[filled]))


def reliability(quality: ArrayLike, right: ArrayLike, bins: int = BINS) -> Reliability:
    """Sort grasps into bins of quality.

    Args:
        quality: Shape (N,), in [0, 1].
        right: Shape (N,), bool.
        bins: How many; each holds its lower edge, the last one also 1.
    """
    quality, right = np.asarray(quality, np.float64), np.asarray(right, np.float64)
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.searchsorted(edges, quality, side="right") - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_quality = np.bincount(place, quality, bins) / count
        share_right = np.bincount(place, right, bins) / count
    return Reliability(edges, count, mean_quality, share_right)


def draw_reliability(table: Reliability, path: Path, title: str = "") -> None:
    """Write the table as a picture: share right over quality, and how many grasps each bin has."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 6.0), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    filled = table.count > 0
    above.plot([0.0, 1.0], [0.0, 1.0], color="grey", linestyle=":", label="perfect")
    above.plot(table.quality[filled], table.right[filled], marker="o", label="observed")
    above.set_xlim(0.0, 1.0)
    above.set_ylim(-0.02, 1.02)
    above.set_ylabel("share of right grasps")
    above.set_title(title)
    above.annotate(
        f"expected calibration error {table.expected_calibration_error:.3f}", (0.03, 0.86)
    )
    above.legend(loc="lower right")
    below.bar(table.edges[:-1], table.count, width=np.diff(table.edges), align="edge", ec="white")
    below.set_ylabel("grasps")
    below.set_xlabel("quality")
    for axes in (above, below):
        axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
