"""Train a detector's network; the same command again resumes.

In several processes: torchrun --nproc-per-node N -m grasp_cli.main train ...
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from grasp_core.config import build, config_dir, settings_of
from grasp_core.errors import ConfigError
from grasp_core.json_file import write_json
from grasp_core.optional import needed_by
from grasp_detection.datasets.registry import dataset_names, open_dataset
from grasp_detection.datasets.split import Split, load_splits
from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig
from grasp_detection.learned.training.errors import TrainingError
from grasp_detection.learned.weights import Weights, load_weights
from grasp_detection.registry import resolve

if TYPE_CHECKING:
    from grasp_detection.learned.training.distributed import Team
    from grasp_detection.learned.training.trainer import Progress as TrainingProgress

EXAMPLES = (
    "grasp train --detector fast --dataset cornell --root cornell --split split.json",
    "grasp train --detector dsc_graspnet --dataset cornell --root cornell --split split.json "
    "--init default --epochs 5  # goes on from shipped weights",
)
INTERRUPTED = "interrupted: the same command goes on from the last whole epoch"
WEIGHTS = "weights.safetensors"
ORIGIN = "origin.json"
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
        import torch

        from grasp_detection.learned.training.distributed import team
        from grasp_detection.learned.training.finish import finish
        from grasp_detection.learned.training.trainer import Trainer
        from grasp_detection.maps.networks.registry import find_network

    options.detector = resolve(options.detector)
    config, augment = _config(options, TrainingConfig), _config(options, AugmentConfig)
    network = find_network(options.detector)
    dataset = open_dataset(options.dataset, options.root)
    split = _split(options)
    for name in ("threads", "workers"):
        if getattr(options, name) < 0:
            raise ConfigError(f"--{name} is {getattr(options, name)}, must be at least 0")
    if not 0.0 <= options.view_m <= 10.0:
        raise ConfigError(f"--view-m is {options.view_m}, must lie in [0, 10]")
    if options.threads:
        torch.set_num_threads(options.threads)
    initial = load_weights(options.detector, options.init) if options.init else None
    out = _folder(options)
    with team(options.device) as here:
        trainer = Trainer(
            network, dataset, split, config, augment, out, here, options.workers, initial
        )
        if not here.leads:
            trainer.run()
            return
        origin = _origin(options, out, here, initial, resumed=trainer.finished_epochs > 0)
        _say(
            console,
            f"{options.detector}, {config.modality}, {len(split.train)} training and "
            f"{len(split.validation)} validation pictures of {options.dataset}; on {here.device}, "
            f"{here.size} process(es); log, curves and checkpoint in {out}",
        )
        if trainer.finished_epochs:
            _say(console, f"resumes after epoch {trainer.finished_epochs}")
        with _Bar(console) as report:
            trained = trainer.run(report)
        if len(trained.history) < config.epochs:
            _say(
                console,
                f"stopped: no lower validation loss in {config.patience} epochs; the same command "
                "with a larger --patience goes on",
            )
        about = finish(
            options.detector,
            trained,
            dataset,
            split,
            config,
            augment,
            origin,
            out / WEIGHTS,
            here.device.type,
        )
    best = trained.best
    if trainer.labels_skipped:
        _say(console, f"{trainer.labels_skipped} labels were skipped: not finite, or no area")
    _say(
        console,
        f"best epoch {best.epoch}: {100 * best.validation_accuracy:.1f} % of "
        f"{about['metrics']['validation_pictures']} validation pictures' views; "
        f"{about['parameters']} parameters, {trained.wall_s / 60:.1f} min; weights in "
        f"{out / WEIGHTS}",
    )


def _say(console: Console, text: str) -> None:
    """One line, however long: logs are searched by line."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _split(options: argparse.Namespace) -> Split:
    splits = load_splits(options.split)
    if not 0 <= options.fold < len(splits):
        raise ConfigError(
            f"--fold is {options.fold}, but {options.split} holds folds 0 to {len(splits) - 1}"
        )
    return splits[options.fold]


def _folder(options: argparse.Namespace) -> Path:
    """The folder of the run, made if need be: one for each detector, input, split and fold."""
    name = f"{options.detector}-{options.modality}-{options.split.stem}"
    out = options.out or Path("runs") / (f"{name}-fold{options.fold}" if options.fold else name)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {out}: {error.strerror}") from error
    return Path(out)


def _history_of(initial: Weights | None) -> dict[str, Any]:
    """Commands and time that led to the weights a run starts from, for its metadata."""
    if initial is None:
        return {}
    about = initial.metadata
    before = [*about.get("init_commands", []), about.get("command", "unknown")]
    seen = {name: set(pictures) for name, pictures in about.get("init_seen", {}).items()}
    own = {*about.get("trained_on", ()), *about.get("validated_on", ())}
    seen.setdefault(about.get("dataset", "unknown"), set()).update(own)
    return {
        "init_sha256": about["sha256"],
        "init_commands": before,
        **{
            f"init_{key}": float(about.get(f"init_{key}", 0.0)) + float(about.get(key, 0.0))
            for key in ("wall_s", "cpu_s")
        },
        "init_seen": {name: sorted(pictures) for name, pictures in sorted(seen.items())},
    }


def _origin(
    options: argparse.Namespace, out: Path, here: Team, initial: Weights | None, *, resumed: bool
) -> dict[str, Any]:
    """Where the run comes from: the code as it was at the start, the command as it is now."""
    path = out / ORIGIN
    if resumed:
        with contextlib.suppress(json.JSONDecodeError, UnicodeError, OSError):
            before = dict(json.loads(path.read_text(encoding="utf-8")))
            if (began := before.get("view_m", 0.0)) != options.view_m:
                raise TrainingError(
                    f"--view-m is {options.view_m}, but the run in {out} began with {began}: give "
                    "that, or another --out"
                )
            if before["command"] != (command := _command(options)):  # of more patience, say
                before["command"] = command
                write_json(path, before)
            return before
    import torch

    origin = {
        "command": _command(options),
        "root": str(options.root),
        **_history_of(initial),
        **({"view_m": options.view_m} if options.view_m else {}),
        "revision": _revision(),
        "device": _device_name(here.device),
        "processes": here.size,
        "torch": torch.__version__,
    }
    write_json(path, origin)
    return origin


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


def _command(options: argparse.Namespace) -> str:
    """What to type to train the same again, without what is as by default or of this machine."""
    words = ["grasp", "train"]
    defaults = {
        name: field.default
        for config_class in (TrainingConfig, AugmentConfig)
        for name, (field, _) in settings_of(config_class).items()
    }
    for name in ("detector", "dataset"):
        words += [f"--{name}", str(getattr(options, name))]
    root = options.root.name if options.root.is_absolute() else str(options.root)
    words += ["--root", root, "--split", _portable(options.split)]
    if options.init:
        words += ["--init", _portable(Path(options.init)) if "/" in options.init else options.init]
    for name, default in {**defaults, "fold": 0, "view_m": 0.0}.items():
        value: Any = getattr(options, name)
        flag = name.replace("_", "-")
        if value == default:
            continue
        words += [f"--{'' if value else 'no-'}{flag}"] if isinstance(value, bool) else []
        words += [] if isinstance(value, bool) else [f"--{flag}", str(value)]
    return shlex.join(words)


def _portable(path: Path) -> str:
    """A path below the checkout as seen from there; else the file's name alone."""
    absolute = path.resolve()
    try:
        home = config_dir().parent
    except ConfigError:
        return path.name
    return str(absolute.relative_to(home)) if absolute.is_relative_to(home) else path.name


def _revision() -> str:
    """Commit of the code, with a mark where the code, not a document, differs from it."""
    commit = _git("describe", "--always", "--abbrev=12")
    changed = _git("status", "--porcelain", "--", _code_folder().as_posix())
    return f"{commit}{'-dirty' if changed else ''}" if commit else "unknown"


def _code_folder() -> Path:
    """The folder of all packages, where this is a checkout."""
    return Path(__file__).resolve().parents[2]


def _git(*words: str) -> str:
    """What a git command prints; empty where there is no git or no repository."""
    home = Path(__file__).resolve().parent
    try:
        done = subprocess.run(
            ["git", *words], cwd=home, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()


def _device_name(device: Any) -> str:
    import torch

    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"CPU {platform.machine()}, {torch.get_num_threads()} thread(s)"
