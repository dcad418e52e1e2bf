"""Many detectors on the same splits in one table: whose weights belong where, and the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grasp_detection.datasets.split import Split
from grasp_detection.evaluation.published_figures import PublishedFigure, published
from grasp_detection.evaluation.summary import Figures
from grasp_detection.learned.weights import find_weights, read_metadata, shipped_names
from grasp_detection.registry import find_detector, own_detectors

_MOST_NAMED = 40  # letters of a row's name in the picture


@dataclass(frozen=True)
class Entrant:
    """A detector with weights.

    Attributes:
        detector: Its name.
        weights: Shipped name or path.
    """

    detector: str
    weights: str

    @property
    def label(self) -> str:
        """``DETECTOR:WEIGHTS``."""
        return f"{self.detector}:{self.weights}"


@dataclass(frozen=True, eq=False)
class Row:
    """A detector's figures on one split.

    Attributes:
        figures: As `grasp evaluate --json` or `grasp crossval --json` writes them.
        size_bytes: Of the weights' file; 0 unknown.
        cpu_minutes: Of the training, with that of the weights it started from; 0 unknown.
    """

    figures: Figures
    size_bytes: int = 0
    cpu_minutes: float = 0.0

    @property
    def name(self) -> str:
        """Detector and weights."""
        detector, weights = str(self.figures["detector"]), str(self.figures["weights"])
        if not weights:
            return detector
        # Files of runs all have one name: their folders tell them apart.
        path = Path(weights)
        folder = path.parent.parent if self.figures.get("folds", 1) > 1 else path.parent
        return f"{detector} ({folder.name if path.suffix else weights})"

    @property
    def protocol(self) -> str:
        """Kind of split, and how many folds."""
        folds = int(self.figures.get("folds", 1))
        return f"{self.figures['split_kind']}{f', {folds} folds' if folds > 1 else ''}"

    @property
    def published(self) -> PublishedFigure | None:
        """What the detector's paper reports."""
        return published(str(self.figures["detector"]), str(self.figures["split_kind"]))

    @property
    def interval(self) -> tuple[float, float]:
        """Of the accuracy, at 95 %."""
        low, high = self.figures["ci95"]
        return float(low), float(high)


def trained_for(split: Split, detectors: Sequence[str] = ()) -> list[Entrant]:
    """Shipped weights that were trained on the training part of a split.

    Args:
        split: Its digest tells.
        detectors: Names; none for all that come with this stack.

    Raises:
        ConfigError: No such detector.
        WeightsError: The metadata of shipped weights are broken.
    """
    found: list[Entrant] = []
    for name in detectors or own_detectors():
        entry = find_detector(name)
        for weights in shipped_names(entry.name) if entry.is_learned else []:
            metadata = read_metadata(find_weights(entry.name, weights))
            if metadata.get("split") == split.digest:
                found.append(Entrant(entry.name, weights))
    return found


def row_of(figures: Figures) -> Row:
    """A row, with what the weights say of their size and training where they are at hand."""
    detector, weights = str(figures["detector"]), str(figures["weights"])
    if not weights or "{" in weights:
        return Row(figures)
    metadata = read_metadata(find_weights(detector, weights))
    seconds = metadata.get("cpu_s", metadata.get("wall_s", 0.0))
    before = metadata.get("init_cpu_s", 0.0) or metadata.get("init_wall_s", 0.0)
    return Row(figures, int(metadata.get("bytes", 0)), (seconds + before) / 60.0)


def ordered(rows: Sequence[Row]) -> list[Row]:
    """Rows by split, the best first."""
    return sorted(rows, key=lambda row: (row.protocol, -float(row.figures["accuracy"]), row.name))


def markdown(rows: Sequence[Row]) -> str:
    """The table, in Markdown."""
    lines = [
        "| split | detector (weights) | right | 95 % interval | pictures | parameters | MB "
        "| CPU min | published, whole dataset |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in ordered(rows):
        figures, paper = row.figures, row.published
        low, high = row.interval
        cells = [
            row.protocol,
            f"`{row.name}`",
            f"{100.0 * figures['accuracy']:.1f} %",
            f"{100.0 * low:.1f}-{100.0 * high:.1f}",
            str(figures["pictures"]),
            f"{figures['parameters'] / 1e6:.2f} M" if figures.get("parameters") else "",
            f"{row.size_bytes / 1e6:.1f}" if row.size_bytes else "",
            f"{row.cpu_minutes:.0f}" if row.cpu_minutes else "",
            paper.text if paper else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    sources = sorted({row.published.source for row in rows if row.published})
    if sources:
        lines += ["", f"Published: {'; '.join(sources)}."]
    return "\n".join(lines) + "\n"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the table as a picture: a point and its interval a row, a panel a split."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels: dict[str, list[Row]] = {}
    for row in ordered(rows):
        panels.setdefault(row.protocol, []).append(row)
    heights = [len(panel) + 1.5 for panel in panels.values()]
    figure = Figure(figsize=(8.0, 0.32 * sum(heights) + 0.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)
    for axis, (title, panel) in zip(axes[:, 0], panels.items(), strict=True):
        for place, row in enumerate(panel):
            low, high = row.interval
            axis.plot([100.0 * low, 100.0 * high], [place, place], color="tab:blue", lw=2)
            axis.plot(100.0 * row.figures["accuracy"], place, "o", color="tab:blue")
            if paper := row.published:
                axis.plot(100.0 * paper.accuracy, place, "|", color="black", ms=12)
        axis.set_yticks(range(len(panel)), [row.name[:_MOST_NAMED] for row in panel])
        axis.set_ylim(len(panel) - 0.5, -0.5)
        axis.set_title(title, loc="left")
        axis.grid(alpha=0.3)
    axes[-1, 0].set_xlabel("right, %, 95 % interval; bar: published, whole dataset")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
