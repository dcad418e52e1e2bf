"""Measure a detector on labelled pictures: accuracy, calibration, time."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from grasp_cli.evaluate_frames import measure_frames
from grasp_cli.evaluate_table import show
from grasp_core.config import settings_from_texts
from grasp_core.errors import ConfigError
from grasp_core.json_file import require_writable, write_json
from grasp_detection.datasets.dataset import Dataset
from grasp_detection.datasets.registry import dataset_names, open_dataset
from grasp_detection.datasets.split import KINDS, PARTS, PUBLISHED
from grasp_detection.evaluation.errors import EvaluationError
from grasp_detection.evaluation.frame_labels import labels_folder
from grasp_detection.evaluation.pictures import write_cases
from grasp_detection.evaluation.protocol import Protocol
from grasp_detection.evaluation.real_frames import REAL_FRAMES
from grasp_detection.evaluation.reliability import draw_reliability
from grasp_detection.evaluation.run import DetectorRun
from grasp_detection.evaluation.summary import Figures, compare, reliability_of
from grasp_detection.learned.config import DEVICES
from grasp_detection.learned.weights import DEFAULT
from grasp_detection.loading import DEFAULT_GRIPPER
from grasp_detection.registry import find_detector, split_label

EXAMPLES = (
    "grasp evaluate --detector default --dataset cornell --root cornell --split image-wise",
    "grasp evaluate --detector fast --against gr_convnet --dataset cornell --root cornell "
    "--split all --json figures.json",
    "grasp evaluate --detector efcn --set certainty=0 --dataset cornell --root cornell "
    "--split all",
    "grasp evaluate --detector grasp_scorer --against grasp_scorer --against-set rank_by=primary "
    "--dataset cornell --root cornell --split all  # what the scorer brings",
    "grasp evaluate --detector default --against antipodal --dataset real_rgbd --root frames",
    "grasp evaluate --detector default --against default --against-set view=picture "
    "--dataset real_rgbd --root frames  # what the view from above brings",
    "grasp evaluate --predictions grasps.csv --dataset cornell --root cornell --split all",
)
INTERRUPTED = "interrupted: the results are not complete"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    measured = parser.add_mutually_exclusive_group(required=True)
    measured.add_argument("--detector", help="detector to measure")
    measured.add_argument(
        "--predictions",
        type=Path,
        metavar="CSV",
        help="answers made elsewhere, or by `grasp detect --out`: picture,u,v,width,height,"
        "angle_rad,score; picture is the view's name",
    )
    parser.add_argument(
        "--weights",
        default=DEFAULT,
        help="shipped weights by name or a .safetensors file; {fold} becomes the fold's number, "
        "from 0 (default)",
    )
    parser.add_argument(
        "--dataset",
        required=True,
        help=f"layout of the pictures: {', '.join(dataset_names())}; or {REAL_FRAMES}: recorded "
        "frames, judged by hand-drawn labels and depth",
    )
    parser.add_argument("--root", type=Path, required=True, help="folder of the pictures")
    parser.add_argument(
        "--split",
        help=f"all, {', '.join(KINDS)} (70/10/20, drawn with --seed), {PUBLISHED} (the "
        f"dataset's own folds), or a file of splits; {REAL_FRAMES} has none",
    )
    parser.add_argument(
        "--part", choices=PARTS, help="part of the split that is measured (test); not with all"
    )
    parser.add_argument("--folds", type=int, help="folds to draw, for a kind of split")
    parser.add_argument(
        "--against", metavar="DETECTOR[:WEIGHTS]", help="detector to compare with, same views"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of split and intervals (0)")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="to compute on (auto)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the detector, as `grasp config detector` lists them; may come again",
    )
    parser.add_argument(
        "--against-set",
        action="append",
        metavar="NAME=VALUE",
        help="a setting of the detector that is compared with (as --set); may come again",
    )
    frames = parser.add_argument_group(f"for {REAL_FRAMES}")
    frames.add_argument(
        "--labels", type=Path, help="folder of NAME.json (config/labels/real_rgbd)"
    )
    frames.add_argument(
        "--gripper",
        help=f"hand that would grasp, a file under config/grippers ({DEFAULT_GRIPPER})",
    )
    frames.add_argument(
        "--verdicts",
        type=Path,
        metavar="CSV",
        help="what an observer saw of these very grasps: frame,NAME_top1_good,NAME_top5_good, "
        "NAME being the detector or the stem of the predictions' file",
    )
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--csv", type=Path, help="file for one line per view")
    parser.add_argument("--pictures", type=Path, help="folder for the worst and the best cases")
    parser.add_argument("--reliability", type=Path, help="PNG for quality against share right")


def run(options: argparse.Namespace) -> int:
    """Measure, show and write."""
    if options.seed < 0:
        raise ConfigError(f"--seed is {options.seed}, must be at least 0")
    require_writable(options.json)
    if options.dataset == REAL_FRAMES:
        _refuse(options, "split", "part", "folds", "reliability")
        return measure_frames(options, labels_folder())
    _refuse(options, "labels", "gripper", "verdicts")
    return _measure_views(options)


def _refuse(options: argparse.Namespace, *names: str) -> None:
    """Refuse what means nothing for this dataset, rather than leave it out silently.

    Raises:
        ConfigError: It was given.
    """
    given = [
        f"--{name.replace('_', '-')}"
        for name in names
        if getattr(options, name) not in (None, "all")
    ]
    if given:
        raise ConfigError(f"{', '.join(given)} means nothing with --dataset {options.dataset}")


def _measure_views(options: argparse.Namespace) -> int:
    """Measure on a dataset of labelled rectangles."""
    if options.split is None:
        raise ConfigError(f"--split is missing: all, {', '.join(KINDS)} or a file of splits")
    dataset = open_dataset(options.dataset, options.root)
    protocol = Protocol.of(dataset, options.split, options.part, options.folds, options.seed)
    if options.predictions:
        runs = [DetectorRun.of_predictions(options.predictions, protocol)]
    else:
        runs = [_run_of(options.detector, options.weights, protocol, options.set, options.device)]
    if options.against:
        name, weights = split_label(options.against)
        told = options.set if options.against_set is None else options.against_set
        runs.append(_run_of(name, weights, protocol, told, options.device))
    elif options.against_set:
        raise ConfigError("--against-set means nothing without --against")
    for one in runs:
        _measure(one, protocol)
    columns = [one.figures(protocol) for one in runs]
    figures = {
        "dataset": options.dataset,
        "root": str(options.root),
        **protocol.about(),
        "settings": list(options.set),
        "device": options.device,
        **columns[0],
    }
    if len(runs) > 1:
        first, second = (one.results for one in runs)
        figures |= compare(first, second, by_object=protocol.by_object, seed=options.seed)
        figures |= {f"against_{key}": value for key, value in columns[1].items()}
    show(figures, columns, Console())
    try:
        _write(options, figures, runs, dataset)
    except OSError as error:
        raise EvaluationError(f"cannot write {error.filename}: {error.strerror}") from error
    return 0


def _run_of(
    name: str, weights: str, protocol: Protocol, told: Sequence[str], device: str
) -> DetectorRun:
    entry = find_detector(name)
    settings = settings_from_texts(entry.config_class, told, "--set")
    if entry.is_learned:
        settings["device"] = device
    return DetectorRun.of(name, weights, protocol, settings)


def _measure(run: DetectorRun, protocol: Protocol) -> None:
    """Evaluate, with a bar."""
    screen = Console(stderr=True)
    total = sum(len(protocol.views(fold)) for fold in range(protocol.folds))
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(escape(run.name), total=total)
        run.measure(protocol, lambda done: bar.update(task, completed=done))


def _write(
    options: argparse.Namespace, figures: Figures, runs: Sequence[DetectorRun], dataset: Dataset
) -> None:
    """Write the files that were asked for."""
    first = runs[0]
    if options.json:
        write_json(options.json, figures)
    if options.csv:
        options.csv.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            {"detector": one.name, "weights": one.weights, **result.row()}
            for one in runs
            for result in one.results
        ]
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)
    if options.reliability:
        title = f"{first.name} on {options.dataset}, {len(first.results)} views"
        draw_reliability(reliability_of(first.results), options.reliability, title)
    if options.pictures:
        write_cases(first.results, dataset, options.pictures)
