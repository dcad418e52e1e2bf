"""Train and measure a network on every fold of a split.

The same command again goes on: a fold that is trained is not trained again. What is measured is
all folds together.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from grasp_cli.evaluate_table import show
from grasp_cli.training import EpochBar, add_run_arguments, request_of, say, say_what_came
from grasp_core.config import settings_from_texts
from grasp_core.errors import ConfigError
from grasp_core.json_file import require_writable, write_json
from grasp_detection.datasets.registry import open_dataset
from grasp_detection.datasets.split import load_splits
from grasp_detection.evaluation.protocol import Protocol
from grasp_detection.evaluation.run import FOLD, DetectorRun
from grasp_detection.evaluation.summary import Figures, compare
from grasp_detection.registry import find_detector, resolve, split_label

EXAMPLES = (
    "grasp crossval --detector resnet_fpn --dataset cornell --root cornell --split folds.json "
    "--size 112 --epochs 48 --out runs/folds_fpn",
    "grasp crossval --detector grasp_scorer --dataset cornell --root cornell --split folds.json "
    "--epochs 30 --out runs/folds_scorer --against resnet_fpn:runs/folds_fpn",
)
INTERRUPTED = "interrupted: the same command goes on from the last whole epoch"
_WEIGHTS = "weights.safetensors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_run_arguments(parser)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the runs, one subfolder a fold"
    )
    parser.add_argument(
        "--first", type=int, help="how many folds now; the others another time (all)"
    )
    parser.add_argument(
        "--against",
        metavar="DETECTOR:OUT",
        help="compare with the runs that another crossval left, on the same views",
    )
    parser.add_argument(
        "--with",
        dest="reading",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the detector when it is measured; may come again",
    )
    parser.add_argument("--json", type=Path, help="file for the figures")


def run(options: argparse.Namespace) -> int:
    """Train what is not trained, then measure all."""
    require_writable(options.json)
    console = Console()
    splits = load_splits(options.split)
    count = len(splits) if options.first is None else options.first
    if len(splits) < 2 or not 1 <= count <= len(splits):
        raise ConfigError(
            f"{options.split} holds {len(splits)} fold(s), --first {count}: there must be two or "
            "more, and --first one of them at least; `grasp data split --folds` draws some"
        )
    for fold in range(count):
        _train(options, fold, console)
    dataset = open_dataset(options.dataset, options.root)
    protocol = Protocol(dataset, str(options.split), tuple(splits[:count]), "test", options.seed)
    runs = [_measured(options.detector, options.out, options.reading, protocol)]
    if options.against:
        name, folder = split_label(options.against)
        runs.append(_measured(name, Path(folder), (), protocol))
    _conclude(options, protocol, runs, console)
    return 0


def _train(options: argparse.Namespace, fold: int, console: Console) -> None:
    """Train one fold, unless its weights are there."""
    request = request_of(options, options.out / f"fold{fold}", fold)
    with EpochBar(console) as report:
        from grasp_detection.learned.training.run import finished_before, train

        if finished_before(request):
            say(console, f"fold {fold}: trained before")
            return
        say(console, f"fold {fold}: in {request.out}")
        finished = train(request, report=report)
    if finished is not None:
        say_what_came(finished, request.config, console)


def _measured(
    detector: str, out: Path, settings: Sequence[str], protocol: Protocol
) -> DetectorRun:
    """A detector measured on the test part of every fold, with that fold's weights."""
    entry = find_detector(resolve(detector))
    folder = f"fold{FOLD}" if protocol.folds > 1 else "fold0"
    values = settings_from_texts(entry.config_class, settings, "--with")
    run = DetectorRun.of(entry.name, str(out / folder / _WEIGHTS), protocol, values)
    run.measure(protocol, lambda done: None)
    return run


def _conclude(
    options: argparse.Namespace,
    protocol: Protocol,
    runs: Sequence[DetectorRun],
    console: Console,
) -> None:
    """Show and write the figures."""
    columns = [one.figures(protocol) for one in runs]
    figures: Figures = {
        "dataset": options.dataset,
        "root": str(options.root),
        **protocol.about(),
        **columns[0],
    }
    if len(runs) > 1:
        first, second = (one.results for one in runs)
        figures |= compare(first, second, by_object=protocol.by_object, seed=options.seed)
        figures |= {f"against_{key}": value for key, value in columns[1].items()}
    show(figures, columns, console)
    if options.json:
        write_json(options.json, figures)
