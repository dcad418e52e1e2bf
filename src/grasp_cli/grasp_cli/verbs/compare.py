"""All detectors on the same labelled pictures in one table.

Each split is measured with the weights that were trained on its training part. What was measured
before with the same weights on the same split is taken from the folder of results.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from grasp_core.errors import ConfigError
from grasp_core.json_file import require_writable, write_json
from grasp_detection.datasets.dataset import Dataset
from grasp_detection.datasets.registry import dataset_names, open_dataset
from grasp_detection.datasets.split import load_splits
from grasp_detection.evaluation.comparison import (
    Entrant,
    Row,
    draw,
    markdown,
    ordered,
    row_of,
    trained_for,
)
from grasp_detection.evaluation.errors import EvaluationError
from grasp_detection.evaluation.protocol import Protocol
from grasp_detection.evaluation.run import DetectorRun
from grasp_detection.evaluation.summary import Figures
from grasp_detection.learned.weights import find_weights, read_metadata
from grasp_detection.registry import find_learned, split_label

EXAMPLES = (
    "grasp compare --dataset cornell --root cornell --splits image_wise.json,blocks.json "
    "--out runs/compare",
    "grasp compare --dataset cornell --root cornell --splits blocks.json --detectors "
    "efcn,grasp_scorer:runs/mine/weights.safetensors --results runs/folds.json --out runs/compare",
)
INTERRUPTED = "interrupted: what was measured is kept, the same command goes on"
ALL = "all"
_NEEDED = ("detector", "weights", "accuracy", "ci95", "pictures", "split_kind")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--dataset", required=True, help=f"layout: {', '.join(dataset_names())}")
    parser.add_argument("--root", type=Path, required=True, help="folder of the dataset")
    parser.add_argument("--splits", required=True, help="files by `grasp data split`, by commas")
    parser.add_argument(
        "--detectors",
        default=ALL,
        help="names, for all shipped weights that a split is theirs of; DETECTOR:WEIGHTS, for "
        "weights on every split that they have not seen; by commas (all)",
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        action="append",
        default=[],
        metavar="CSV",
        help="answers made elsewhere, as `grasp evaluate` takes them; may come again",
    )
    parser.add_argument(
        "--results",
        type=Path,
        action="append",
        default=[],
        metavar="JSON",
        help="figures by `grasp crossval --json` or `grasp evaluate --json`; may come again",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of results and pictures")
    parser.add_argument("--anew", action="store_true", help="measure again what was measured")
    parser.add_argument("--seed", type=int, default=0, help="seed of intervals (0)")


def run(options: argparse.Namespace) -> int:
    """Measure what is not measured, and show all."""
    if options.seed < 0:
        raise ConfigError(f"--seed is {options.seed}, must be at least 0")
    table = options.out / "table.json"
    require_writable(table)
    rows = [_read(path) for path in options.results]
    dataset = open_dataset(options.dataset, options.root)
    for name in options.splits.split(","):
        protocol = Protocol.of(dataset, name, None, None, options.seed)
        for entrant in _entrants(options.detectors, Path(name), dataset):
            rows.append(row_of(_measured(entrant, protocol, options)))
        for path in options.predictions:
            run = DetectorRun.of_predictions(path, protocol)
            rows.append(Row(_figures(run, protocol)))
    if not rows:
        raise EvaluationError(
            f"nobody can be measured on {options.splits}: no weights ship that are of it; "
            "name some that have not seen its test part, as --detectors DETECTOR:FILE.safetensors"
        )
    _show(rows, Console())
    write_json(table, {"rows": [row.figures for row in ordered(rows)]})
    (options.out / "table.md").write_text(markdown(rows), encoding="utf-8")
    draw(rows, options.out / "table.png")
    return 0


def _read(path: Path) -> Row:
    """Figures from a file.

    Raises:
        ConfigError: It cannot be read, or holds something else.
    """
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read --results {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"--results {path} is no valid JSON: {error}") from error
    lacking = [key for key in _NEEDED if not isinstance(figures, dict) or key not in figures]
    if lacking:
        raise ConfigError(
            f"--results {path} lacks {', '.join(lacking)}: write it with `grasp evaluate --json` "
            "or `grasp crossval --json`"
        )
    return Row(figures)


def _entrants(asked: str, split: Path, dataset: Dataset) -> list[Entrant]:
    """Who is measured on a split.

    Raises:
        ConfigError: No such detector, or several splits in the file.
        WeightsError: No such weights.
    """
    splits = load_splits(split)
    if len(splits) > 1:
        raise ConfigError(
            f"{split} holds {len(splits)} folds, whose weights do not ship: measure them with "
            "`grasp crossval --json FILE`, and give --results FILE"
        )
    if asked == ALL:
        return trained_for(splits[0])
    found: list[Entrant] = []
    for label in asked.split(","):
        name, weights = split_label(label)
        entry = find_learned(name)
        if not weights:
            found += trained_for(splits[0], [entry.name])
            continue
        metadata = read_metadata(find_weights(entry.name, weights))
        held_out = set(splits[0].test)
        known = {*metadata.get("trained_on", ()), *metadata.get("validated_on", ())}
        if metadata.get("dataset") == dataset.name and (seen := held_out & known):
            Console(stderr=True).print(
                f"left out: {label} has seen {len(seen)} of {len(held_out)} test pictures of "
                f"{split}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
            continue
        found.append(Entrant(entry.name, weights))
    return found


def _measured(entrant: Entrant, protocol: Protocol, options: argparse.Namespace) -> Figures:
    """Figures of one detector, from its file where it was measured before."""
    metadata = read_metadata(find_weights(entrant.detector, entrant.weights))
    split = protocol.splits[0]
    told = f"{metadata['sha256']} {split.digest if split else ''} {options.seed}"
    key = hashlib.sha256(told.encode()).hexdigest()[:16]
    path = options.out / "results" / f"{entrant.detector}-{key}.json"
    if path.exists() and not options.anew:
        return dict(_read(path).figures)
    run = DetectorRun.of(entrant.detector, entrant.weights, protocol, {})
    figures = _figures(run, protocol)
    require_writable(path)
    write_json(path, figures)
    return figures


def _figures(run: DetectorRun, protocol: Protocol) -> Figures:
    screen = Console(stderr=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(escape(f"{run.name} {run.weights}"), total=len(protocol.views(0)))
        run.measure(protocol, lambda done: bar.update(task, completed=done))
    told: dict[str, Any] = {"dataset": protocol.dataset.name, **protocol.about()}
    return told | run.figures(protocol)


def _show(rows: list[Row], console: Console) -> None:
    """Print the table, and who has seen what it was measured on."""
    console.print(markdown(rows), highlight=False, markup=False, soft_wrap=True, end="")
    for row in ordered(rows):
        if row.figures.get("seen_in_training"):
            console.print(
                f"[bold red]WARNING: {escape(row.name)} was trained on or chosen by "
                f"{row.figures['seen_in_training']} of the {row.figures['pictures']} measured "
                "pictures[/]",
                highlight=False,
                soft_wrap=True,
            )
