"""What happened in each epoch: a CSV file and a picture of the curves."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

from grasp_detection.learned.training.errors import TrainingError


@dataclass(frozen=True)
class Epoch:
    """One line of the log.

    Attributes:
        epoch: Counted from 1.
        size: Side of the input, px.
        learning_rate: At the end of the epoch.
        loss: Mean over the training steps.
        validation_loss: Mean over the validation pictures, averaged weights.
        validation_accuracy: Share of validation views whose best rectangle is right.
        seconds: Wall time.
        cpu_seconds: Time of all cores in the leading process: on a busy machine, what to compare.
        stage: Part of the run that it belongs to.
        losses: Mean over the training steps of each loss by name.
    """

    epoch: int
    size: int
    learning_rate: float
    loss: float
    validation_loss: float
    validation_accuracy: float
    seconds: float
    cpu_seconds: float = 0.0
    stage: str = ""
    losses: dict[str, float] = field(default_factory=dict)


def write_csv(history: Sequence[Epoch], path: Path) -> None:
    """Write all epochs so far; replaces the file.

    Raises:
        TrainingError: It cannot be written.
    """
    partial = path.with_suffix(".partial")
    rows = [_row(one) for one in history]
    try:
        with partial.open("w", newline="") as file:
            # Stages may differ in their losses: one column for each that there ever was.
            writer = csv.DictWriter(
                file, list(dict.fromkeys(name for row in rows for name in row))
            )
            writer.writeheader()
            writer.writerows(rows)
        partial.replace(path)
    except OSError as error:
        raise TrainingError(f"cannot write {path}: {error.strerror}") from error


def _row(one: Epoch) -> dict[str, object]:
    values = asdict(one)
    losses: dict[str, float] = values.pop("losses")
    values |= {f"loss_{name}": value for name, value in losses.items()}
    return {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in values.items()}


def draw_curves(history: Sequence[Epoch], path: Path) -> None:
    """Draw losses and validation accuracy over the epochs."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True)
    epochs = [one.epoch for one in history]
    above.plot(epochs, [one.loss for one in history], label="training")
    above.plot(epochs, [one.validation_loss for one in history], label="validation")
    above.set_yscale("log")
    above.set_ylabel("loss")
    above.legend()
    below.plot(epochs, [100.0 * one.validation_accuracy for one in history], color="tab:green")
    below.set_ylabel("validation accuracy, %")
    below.set_xlabel("epoch")
    for previous, one in pairwise(history):
        if previous.stage != one.stage:
            for axes in (above, below):
                axes.axvline(one.epoch - 0.5, color="black", linestyle="--")
            above.annotate(one.stage, (one.epoch - 0.4, above.get_ylim()[0]), va="bottom")
        if previous.size != one.size:
            for axes in (above, below):
                axes.axvline(one.epoch - 0.5, color="grey", linestyle=":")
            above.annotate(f"{one.size} px", (one.epoch - 0.4, above.get_ylim()[1]), va="top")
    for axes in (above, below):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
