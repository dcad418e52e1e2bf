"""Train a detector's network; the same command again resumes.

In several processes: torchrun --nproc-per-node N -m grasp_cli.main train ...
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from grasp_core.config import build, settings_of
from grasp_core.optional import needed_by
from grasp_detection.datasets.registry import dataset_names
from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig

if TYPE_CHECKING:
    from grasp_detection.learned.training.run import Finished, Start
    from grasp_detection.learned.training.trainer import Progress as TrainingProgress

EXAMPLES = (
    "grasp train --detector fast --dataset cornell --root cornell --split split.json",
    "grasp train --detector dsc_graspnet --dataset cornell --root cornell --split split.json "
    "--init default --epochs 5  # goes on from shipped weights",
    "grasp train --detector my_family.py:Mine --dataset cornell --root cornell --split split.json",
)
INTERRUPTED = "interrupted: the same command goes on from the last whole epoch"
ConfigT = TypeVar("ConfigT")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments; those of the run come from its configuration classes."""
    parser.add_argument("--detector", required=True, help="learned detector, as dsc_graspnet")
    parser.add_argument("--dataset", required=True, help=f"layout: {', '.join(dataset_names())}")
    parser.add_argument("--root", type=Path, required=True, help="folder of the dataset")
    parser.add_argument("--split", type=Path, required=True, help="file by `grasp data split`")
    parser.add_argument("--fold", type=int, default=0, help="which of the file's folds (0)")
    parser.add_argument(
        "--init", help="weights to start from: shipped name or a .safetensors file (none)"
    )
    parser.add_argument(
        "--trunk",
        help="pretrained trunk, for detectors that have one: a shipped name, a file by `grasp "
        "import --trunk`, or random (the detector's own)",
    )
    parser.add_argument(
        "--view-m",
        type=float,
        default=0.0,
        help="how much of the scene the side of the pictures' middle square shows, m, so that the "
        "stack can show as much (0, unknown)",
    )
    parser.add_argument(
        "--out", type=Path, help="folder of the run (runs/DETECTOR-MODALITY-SPLIT)"
    )
    parser.add_argument(
        "--device", default="auto", choices=("auto", "cpu", "cuda"), help="where (auto)"
    )
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 for all (0)")
    parser.add_argument("--workers", type=int, default=0, help="processes preparing pictures (0)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="how targets are made, of what the detector's family offers; may come again",
    )
    for title, config_class in (("training", TrainingConfig), ("variation", AugmentConfig)):
        group = parser.add_argument_group(title)
        for name, (field, about) in settings_of(config_class).items():
            flag = f"--{name.replace('_', '-')}"
            text = f"{about.description} ({field.default})".replace("%", "%%")
            if isinstance(field.default, bool):
                action = argparse.BooleanOptionalAction
                group.add_argument(flag, action=action, default=field.default, help=text)
            else:
                group.add_argument(
                    flag,
                    type=type(field.default),
                    default=field.default,
                    choices=about.choices or None,
                    help=text,
                    metavar=None if about.choices else name.rpartition("_")[2].upper(),
                )


def run(options: argparse.Namespace) -> int:
    """Train."""
    _train(options, Console())
    return 0


def _train(options: argparse.Namespace, console: Console) -> None:
    with needed_by("training", "torch safetensors"):
        import safetensors.torch  # noqa: F401 - told now, not when hours of training are over

        from grasp_detection.learned.training.request import TrainingRequest
        from grasp_detection.learned.training.run import train
    request = TrainingRequest(
        detector=options.detector.replace("-", "_")
        if "/" not in options.detector
        else options.detector,
        dataset=options.dataset,
        root=options.root,
        split=options.split,
        config=_config(options, TrainingConfig),
        augment=_config(options, AugmentConfig),
        taught=tuple(options.set),
        fold=options.fold,
        init=options.init or "",
        trunk=options.trunk or "",
        view_m=options.view_m,
        out=options.out,
        device=options.device,
        threads=options.threads,
        workers=options.workers,
    )

    def started(start: Start) -> None:
        _say(
            console,
            f"{start.detector}, {request.config.modality}, {start.training} training and "
            f"{start.validation} validation pictures of {request.dataset}; on {start.device}, "
            f"{start.processes} process(es); log, curves and checkpoint in {start.out}",
        )
        if start.finished_epochs:
            _say(console, f"resumes after epoch {start.finished_epochs}")

    with _Bar(console) as report:
        finished = train(request, started, report)
    if finished is not None:
        _conclude(finished, request.config, console)


def _conclude(finished: Finished, config: TrainingConfig, console: Console) -> None:
    trained, best = finished.trained, finished.trained.best
    if len(trained.history) < config.epochs:
        _say(
            console,
            f"stopped: no lower validation loss in {config.patience} epochs; the same command "
            "with a larger --patience goes on",
        )
    if finished.labels_skipped:
        _say(console, f"{finished.labels_skipped} labels were skipped: not finite, or no area")
    _say(
        console,
        f"best epoch {best.epoch}: {100 * best.validation_accuracy:.1f} % of "
        f"{finished.metadata['metrics']['validation_pictures']} validation pictures' views; "
        f"{finished.metadata['parameters']} parameters, {trained.wall_s / 60:.1f} min; weights in "
        f"{finished.weights}",
    )


def _say(console: Console, text: str) -> None:
    """One line, however long: logs are searched by line."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _config(options: argparse.Namespace, config_class: type[ConfigT]) -> ConfigT:
    values = {name: getattr(options, name) for name in settings_of(config_class)}
    return build(config_class, values, "command line")


class _Bar:
    """Shows a bar on a terminal, and one line per epoch everywhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}, {task.fields[left]} left"),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("train", total=1.0, epoch="", left="?")

    def __enter__(self) -> Callable[[TrainingProgress], None]:
        self._progress.start()
        return self._report

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _report(self, progress: TrainingProgress) -> None:
        left = _duration(progress.left_s)
        self._progress.update(
            self._task,
            completed=progress.step,
            total=progress.steps,
            epoch=f"{progress.epoch}/{progress.epochs}",
            left=left,
        )
        done = progress.done
        if done is not None:
            _say(
                self._console,
                f"epoch {done.epoch}/{progress.epochs} at {done.size} px: loss {done.loss:.5f}, "
                f"validation {done.validation_loss:.5f}, accuracy "
                f"{100 * done.validation_accuracy:.1f} %, {done.seconds:.0f} s, {left} left",
            )


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60.0)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
