"""What commands that train have in common: arguments of a run, and how its progress is shown."""

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
    from grasp_detection.learned.training.request import TrainingRequest
    from grasp_detection.learned.training.run import Finished
    from grasp_detection.learned.training.trainer import Progress as TrainingProgress

ConfigT = TypeVar("ConfigT")


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of a run; most come from its configuration classes."""
    parser.add_argument("--detector", required=True, help="learned detector, as dsc_graspnet")
    parser.add_argument("--dataset", required=True, help=f"layout: {', '.join(dataset_names())}")
    parser.add_argument("--root", type=Path, required=True, help="folder of the dataset")
    parser.add_argument("--split", type=Path, required=True, help="file by `grasp data split`")
    parser.add_argument(
        "--init", help="weights to start from: shipped name or a .safetensors file (none)"
    )
    parser.add_argument(
        "--trunk",
        help="pretrained trunk, for detectors that have one: a shipped name, a file by `grasp "
        "import --trunk`, or random (the detector's own)",
    )
    parser.add_argument(
        "--teacher",
        metavar="DETECTOR[:WEIGHTS]",
        help="trained network whose answers are learnt beside the labels; see --teacher-share "
        "(none)",
    )
    parser.add_argument(
        "--view-m",
        type=float,
        default=0.0,
        help="how much of the scene the side of the pictures' middle square shows, m, so that the "
        "stack can show as much (0, unknown)",
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


def request_of(options: argparse.Namespace, out: Path | None, fold: int) -> TrainingRequest:
    """The run that was asked for.

    Args:
        options: With the arguments of :func:`add_run_arguments`.
        out: Folder of the run; None for one named after it.
        fold: Which of the split file's folds.

    Raises:
        ConfigError: A value is out of its bounds.
        MissingDependency: A library that training needs is not installed.
    """
    with needed_by("training", "torch safetensors"):
        import safetensors.torch  # noqa: F401 - told now, not when hours of training are over

        from grasp_detection.learned.training.request import TrainingRequest
    return TrainingRequest(
        detector=options.detector.replace("-", "_")
        if "/" not in options.detector
        else options.detector,
        dataset=options.dataset,
        root=options.root,
        split=options.split,
        config=_config(options, TrainingConfig),
        augment=_config(options, AugmentConfig),
        taught=tuple(options.set),
        fold=fold,
        init=options.init or "",
        trunk=options.trunk or "",
        teacher=options.teacher or "",
        view_m=options.view_m,
        out=out,
        device=options.device,
        threads=options.threads,
        workers=options.workers,
    )


def say_what_came(finished: Finished, config: TrainingConfig, console: Console) -> None:
    """Say how a run ended, and where its weights are."""
    trained, best = finished.trained, finished.trained.best
    if len(trained.history) < config.epochs:
        say(
            console,
            f"stopped: no lower validation loss in {config.patience} epochs; the same command "
            "with a larger --patience goes on",
        )
    if finished.labels_skipped:
        say(console, f"{finished.labels_skipped} labels were skipped: not finite, or no area")
    say(
        console,
        f"best epoch {best.epoch}: {100 * best.validation_accuracy:.1f} % of "
        f"{finished.metadata['metrics']['validation_pictures']} validation pictures' views; "
        f"{finished.metadata['parameters']} parameters, {trained.wall_s / 60:.1f} min; weights in "
        f"{finished.weights}",
    )


def say(console: Console, text: str) -> None:
    """One line, however long: logs are searched by line."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _config(options: argparse.Namespace, config_class: type[ConfigT]) -> ConfigT:
    values = {name: getattr(options, name) for name in settings_of(config_class)}
    return build(config_class, values, "command line")


class EpochBar:
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
            say(
                self._console,
                f"epoch {done.epoch}/{progress.epochs} at {done.size} px: loss {done.loss:.5f}, "
                f"validation {done.validation_loss:.5f}, accuracy "
                f"{100 * done.validation_accuracy:.1f} %, {done.seconds:.0f} s, {left} left",
            )


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60.0)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
