"""Measure a detector on labelled pictures: accuracy, calibration, time."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from grasp_cli.evaluate_table import show
from grasp_core.errors import ConfigError
from grasp_core.json_file import require_writable, write_json
from grasp_core.optional import needed_by
from grasp_detection.datasets.dataset import Dataset
from grasp_detection.datasets.registry import dataset_names, open_dataset
from grasp_detection.datasets.split import (
    KINDS,
    PARTS,
    Split,
    load_splits,
    make_folds,
    make_split,
)
from grasp_detection.evaluation.errors import EvaluationError
from grasp_detection.evaluation.evaluate import ViewResult, evaluate
from grasp_detection.evaluation.pictures import write_cases
from grasp_detection.evaluation.reliability import draw_reliability
from grasp_detection.evaluation.summary import (
    Figures,
    about,
    compare,
    reliability_of,
    seen_in_training,
    summarise,
)
from grasp_detection.learned.weights import DEFAULT, default_weights
from grasp_detection.ranking import PictureDetector
from grasp_detection.registry import resolve

EXAMPLES = (
    "grasp evaluate --detector default --dataset cornell --root cornell --split image-wise",
    "grasp evaluate --detector fast --against gr_convnet --dataset cornell --root cornell "
    "--split all --json figures.json",
)
INTERRUPTED = "interrupted: the results are not complete"
_ALL = "all"
_FOLD = "{fold}"
_DEVICES = ("auto", "cpu", "cuda")
_CERTAINTY, _MOST_CERTAINTY = 1.0, 10.0


@dataclass
class Run:
    """One detector on all folds.

    Attributes:
        name: Of the detector.
        weights: As asked for, possibly with ``{fold}``.
        results: Views of all folds, in order.
        about: What the detector of the first fold says of itself.
        seen: Evaluated pictures that the weights were trained on, of all folds together; None
            where they do not say.
        trained_splits: Digest of the split of each fold's weights; empty where they do not say.
    """

    name: str
    weights: str
    results: list[ViewResult] = field(default_factory=list)
    about: Figures = field(default_factory=dict)
    seen: int | None = 0
    trained_splits: list[str] = field(default_factory=list)

    def weights_of(self, fold: int) -> str:
        """Weights of one fold, counted from 0."""
        return self.weights.replace(_FOLD, str(fold))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--detector", required=True, help="detector to measure")
    parser.add_argument(
        "--weights",
        default=DEFAULT,
        help="shipped weights by name or a .safetensors file; {fold} becomes the fold's number, "
        "from 0 (default)",
    )
    parser.add_argument(
        "--dataset", required=True, help=f"layout of the pictures: {', '.join(dataset_names())}"
    )
    parser.add_argument("--root", type=Path, required=True, help="folder of the pictures")
    parser.add_argument(
        "--split",
        required=True,
        help=f"all, {', '.join(KINDS)} (70/10/20, drawn with --seed), or a file of splits",
    )
    parser.add_argument(
        "--part", choices=PARTS, help="part of the split that is measured (test); not with all"
    )
    parser.add_argument("--folds", type=int, help="folds to draw, for a kind of split")
    parser.add_argument(
        "--against", metavar="DETECTOR[:WEIGHTS]", help="detector to compare with, same views"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of split and intervals (0)")
    parser.add_argument("--device", choices=_DEVICES, default="auto", help="to compute on (auto)")
    parser.add_argument(
        "--certainty",
        type=float,
        default=_CERTAINTY,
        help="how much the agreement about the angle counts in ranking: 0 ranks by the network's "
        f"quality alone, as the papers do ({_CERTAINTY:g}, which the calibration is for)",
    )
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--csv", type=Path, help="file for one line per view")
    parser.add_argument("--pictures", type=Path, help="folder for the worst and the best cases")
    parser.add_argument("--reliability", type=Path, help="PNG for quality against share right")


def run(options: argparse.Namespace) -> int:
    """Measure, show and write."""
    if options.seed < 0:
        raise ConfigError(f"--seed is {options.seed}, must be at least 0")
    if not 0.0 <= options.certainty <= _MOST_CERTAINTY:
        raise ConfigError(
            f"--certainty is {options.certainty}, must lie in [0, {_MOST_CERTAINTY}]"
        )
    require_writable(options.json)
    dataset = open_dataset(options.dataset, options.root)
    splits = splits_of(options, dataset)
    chosen = [_chosen(split, options.part, dataset) for split in splits]
    first = next((index for indices in chosen for index in indices), None)
    depth = first is not None and dataset.load(first).depth_m is not None
    runs = [_run(options.detector, options.weights, depth)]
    if options.against:
        name, _, weights = options.against.partition(":")
        runs.append(_run(name, weights, depth))
    for one in runs:
        _check_weights(one, options, len(splits))
    for one in runs:
        _measure(one, options, dataset, chosen)
    by_object = all(split is not None and split.kind.startswith("object") for split in splits)
    columns = [_figures_of(one, splits, by_object, options.seed) for one in runs]
    figures = {**_what(options, splits), **columns[0]}
    if len(runs) > 1:
        figures |= compare(
            runs[0].results, runs[1].results, by_object=by_object, seed=options.seed
        )
        figures |= {f"against_{key}": value for key, value in columns[1].items()}
    show(figures, columns, Console())
    try:
        _write(options, figures, runs, dataset)
    except OSError as error:
        raise EvaluationError(f"cannot write {error.filename}: {error.strerror}") from error
    return 0


def splits_of(options: argparse.Namespace, dataset: Dataset) -> list[Split | None]:
    """The split of each fold; None stands for all views.

    Raises:
        ConfigError: Arguments that contradict each other.
        DatasetError: No such split, or it cannot be drawn.
    """
    if options.folds is not None and options.split not in KINDS:
        raise ConfigError(
            f"--folds {options.folds} needs --split {', '.join(KINDS)}: nothing else is drawn"
        )
    if options.split == _ALL:
        if options.part is not None:
            raise ConfigError(f"--part {options.part} means nothing with --split all")
        return [None]
    if options.folds is not None:
        return [*make_folds(dataset, options.split, options.folds, seed=options.seed)]
    if options.split in KINDS:
        return [make_split(dataset, options.split, seed=options.seed)]
    path = Path(options.split)
    if not path.exists():
        raise ConfigError(
            f"no split {options.split!r}; valid are all, {', '.join(KINDS)} or a file of splits"
        )
    return [*load_splits(path)]


def load_detector(
    name: str, weights: str, device: str, certainty: float = _CERTAINTY
) -> PictureDetector:
    """Load a detector for bare pictures; see the loader it calls.

    Raises:
        MissingDependency: A library that it needs is not installed.
    """
    with needed_by(f"detector {name}", "torch safetensors"):
        from grasp_detection.learned.model import load_picture_detector
    return load_picture_detector(name, weights, device, certainty=certainty)


def _run(detector: str, weights: str, depth: bool) -> Run:
    """What is to be measured; ``default`` weights are those for what the pictures hold."""
    detector = resolve(detector)
    if weights in ("", DEFAULT):
        weights = default_weights(detector, depth=depth)
    return Run(detector, weights)


def _check_weights(run: Run, options: argparse.Namespace, folds: int) -> None:
    """Load everything once, so that a wrong name is told before the first fold, not the last."""
    if _FOLD in run.weights and folds < 2:
        raise ConfigError(f"weights {run.weights!r} ask for a fold, but there are no folds")
    for weights in sorted({run.weights_of(fold) for fold in range(folds)}):
        load_detector(run.name, weights, options.device)


def _chosen(split: Split | None, part: str | None, dataset: Dataset) -> Sequence[int]:
    """Views of one fold that are measured."""
    if split is None:
        return range(len(dataset.records))
    return split.indices(dataset, part or PARTS[-1])


def _measure(
    run: Run, options: argparse.Namespace, dataset: Dataset, chosen: Sequence[Sequence[int]]
) -> None:
    """Evaluate a detector on the chosen views of every fold."""
    seen: list[int | None] = []
    screen = Console(stderr=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(escape(run.name), total=sum(map(len, chosen)))
        done_before = 0
        for fold, indices in enumerate(chosen):
            weights = run.weights_of(fold)
            detector = load_detector(run.name, weights, options.device, options.certainty)

            def progress(done: int, total: int, before: int = done_before) -> None:
                bar.update(task, completed=before + done)

            results = evaluate(detector, dataset, indices, fold=fold, progress=progress)
            run.results += results
            run.about = run.about or about(detector)
            run.trained_splits.append(str(about(detector).get("weights_split", "")))
            seen.append(seen_in_training(detector, dataset, results))
            done_before += len(indices)
    known = [one for one in seen if one is not None]
    run.seen = sum(known) if len(known) == len(seen) else None
    run.about["unlabelled"] = done_before - len(run.results)


def _figures_of(run: Run, splits: Sequence[Split | None], by_object: bool, seed: int) -> Figures:
    """Figures of one detector over all folds."""
    figures = {
        "detector": run.name,
        "weights": run.weights,
        **run.about,
        **summarise(run.results, by_object=by_object, seed=seed),
    }
    if len(splits) > 1:
        folds = [[one.right for one in run.results if one.fold == i] for i in range(len(splits))]
        figures["fold_accuracy"] = [sum(right) / len(right) for right in folds]
        figures["fold_n"] = [len(right) for right in folds]
    if run.seen is None:
        figures["notes"].append("the weights do not say which pictures they were trained on")
    else:
        figures["seen_in_training"] = run.seen
    digests = [split.digest if split else "" for split in splits]
    if any(told and told != own for told, own in zip(run.trained_splits, digests, strict=True)):
        figures["notes"].append("the weights were trained on another split than the measured one")
    return figures


def _what(options: argparse.Namespace, splits: Sequence[Split | None]) -> Figures:
    """What was measured."""
    digests = [split.digest for split in splits if split is not None]
    return {
        "dataset": options.dataset,
        "root": str(options.root),
        "split": str(options.split),
        "split_kind": splits[0].kind if splits[0] else _ALL,
        "split_digest": digests[0] if len(digests) == 1 else digests,
        "part": _ALL if splits[0] is None else options.part or PARTS[-1],
        "folds": len(splits),
        "seed": options.seed,
        "certainty": options.certainty,
        "device": options.device,
    }


def _write(
    options: argparse.Namespace, figures: Figures, runs: Sequence[Run], dataset: Dataset
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
