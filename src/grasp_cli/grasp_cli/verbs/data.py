"""Labelled pictures: check a dataset, split it, or make a synthetic one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from grasp_cli.verbs import synthesize as synthesize_command
from grasp_core.errors import ConfigError, GraspStackError
from grasp_core.json_file import write_json
from grasp_detection.datasets.dataset import Dataset
from grasp_detection.datasets.registry import dataset_names, detect_dataset, open_dataset
from grasp_detection.datasets.sheet import draw_sheet, sample_views, write_sheet
from grasp_detection.datasets.split import (
    KINDS,
    PARTS,
    leaked_objects,
    make_folds,
    make_split,
    save_splits,
)
from grasp_detection.datasets.survey import Report, Survey, views_to_read
from grasp_sim.synthesis.household import write_objects

_SHARES = (0.7, 0.1, 0.2)
_SHEETS = Path("log")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="{check,split,objects,synthesize}"
    )
    check = actions.add_parser("check", help="read every view, count, and draw a contact sheet")
    check.add_argument("--sheet", type=Path, help="PNG file for the sheet (log/LAYOUT_NAME.png)")
    check.add_argument("--limit", type=int, help="read only so many views, spread over all")
    check.add_argument("--json", type=Path, help="file for the counts and the problems")
    split = actions.add_parser("split", help="draw a split and save it")
    split.add_argument("--kind", required=True, choices=KINDS, help="what must stay together")
    split.add_argument("--folds", type=int, help="draw so many folds instead of one split")
    split.add_argument(
        "--shares", type=_shares, help="of training, validation and test (0.7,0.1,0.2)"
    )
    split.add_argument("--seed", type=int, default=0, help="seed of the draw (0)")
    split.add_argument("--out", type=Path, required=True, help="JSON file for the split")
    for action in (check, split):
        action.add_argument("root", type=Path, help="the dataset's folder")
        action.add_argument(
            "--dataset", choices=dataset_names(), help="layout (the one that fits the folder)"
        )
    objects = actions.add_parser(
        "objects", help="write boxes, cans and tools of household sizes as an object set"
    )
    objects.add_argument("folder", type=Path, help="where to, one subfolder each")
    objects.add_argument("--count", type=int, default=150, help="how many (150)")
    objects.add_argument("--seed", type=int, default=0, help="of sizes, masses and colours (0)")
    synthesize_command.add_arguments(
        actions.add_parser("synthesize", help="render scenes and label them in the simulator")
    )


def main(options: argparse.Namespace) -> int:
    """Run, and turn failures into one sentence and an exit status."""
    # Broken files are reported by path and reason; the decoder's own lines would say less.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    console = Console(highlight=False)
    try:
        if options.action == "synthesize":
            return synthesize_command.run(options, console)
        if options.action == "objects":
            names = write_objects(options.folder, options.count, options.seed)
            console.print(f"{len(names)} objects in {options.folder}", soft_wrap=True)
            return 0
        dataset = (
            open_dataset(options.dataset, options.root)
            if options.dataset
            else detect_dataset(options.root)
        )
        return (
            check(dataset, options, console)
            if options.action == "check"
            else split(dataset, options, console)
        )
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except GraspStackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def check(dataset: Dataset, options: argparse.Namespace, console: Console) -> int:
    """Read the views; the exit status says whether all can be used."""
    indices = views_to_read(dataset, options.limit)
    survey = Survey(dataset)
    try:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            for index in bar.track(indices, description="reading views"):
                survey.look(index)
    finally:
        # Whatever ends the check, what was found is not lost.
        report = survey.report()
        _show(report, console)
        if options.json:
            write_json(options.json, report.as_json())
    if survey.usable:
        path = options.sheet or _SHEETS / f"{dataset.name}_{dataset.root.name}.png"
        write_sheet(draw_sheet(sample_views(dataset, survey.usable)), path)
        console.print(f"sheet: {path}", soft_wrap=True, markup=False)
    else:
        console.print("no sheet, for no view can be read")
    return 1 if report.unusable else 0


def split(dataset: Dataset, options: argparse.Namespace, console: Console) -> int:
    """Draw and save.

    Raises:
        ConfigError: Arguments that do not go together, or a file that says something else.
        DatasetError: The split cannot be drawn or written.
    """
    if options.out.exists():
        raise ConfigError(f"{options.out} is there already: splits are made once; delete it first")
    if options.folds is not None and options.shares is not None:
        raise ConfigError("--shares does not go with --folds: the folds set the test share")
    if options.seed < 0:
        raise ConfigError(f"--seed is {options.seed}, must be at least 0")
    if options.folds is not None:
        splits = make_folds(dataset, options.kind, options.folds, seed=options.seed)
    else:
        shares = options.shares or _SHARES
        splits = [make_split(dataset, options.kind, shares, options.seed)]
    save_splits(splits, options.out)
    named = any(record.object for record in dataset.records)
    digest = Column("digest", no_wrap=True, min_width=16)
    table = Table("fold", *PARTS, "dropped", "shared objects", digest)
    for number, made in enumerate(splits):
        leaks = str(len(leaked_objects(made, dataset.records))) if named else "not named"
        sizes = [str(len(made.part(part))) for part in PARTS]
        table.add_row(str(number), *sizes, str(len(made.dropped)), leaks, made.digest)
    console.print(f"pictures of {dataset.root}, {options.kind}, seed {options.seed}", markup=False)
    console.print(table)
    console.print(f"split: {options.out}", soft_wrap=True, markup=False)
    return 0


def _show(report: Report, console: Console) -> None:
    console.print(f"{report.dataset}: {report.root}", soft_wrap=True, markup=False)
    read = str(report.views)
    if report.views < report.available:
        read += f" of {report.available}"
    table = Table("what", "count")
    opening = "  ".join(f"p{p} {value:.1f}" for p, value in report.opening_px.items())
    for what, value in (
        ("views read", read),
        ("views that cannot be read", report.unusable),
        ("pictures", report.pictures),
        ("objects or scenes", report.objects or "not named"),
        ("sizes, px", ", ".join(f"{size} ({n})" for size, n in report.sizes.items())),
        ("views with colour", report.with_color),
        ("views with depth", report.with_depth),
        ("views with masks", report.with_masks),
        ("grasp rectangles", report.grasps),
        ("negative rectangles", report.negatives),
        ("labels skipped (not finite, no area)", report.skipped),
        ("views without a grasp", report.unlabelled),
        ("jaw opening, px", opening or "none"),
        ("labels with the centre outside", report.outside),
        ("labels over the border", report.over_border),
    ):
        table.add_row(what, str(value))
    console.print(table)
    for problem in report.problems:
        mark = "unusable" if problem.unusable else "look at"
        console.print(f"{mark} {problem.view}: {problem.reason}", soft_wrap=True, markup=False)


def _shares(text: str) -> tuple[float, ...]:
    """Numbers between commas; make_split checks them."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}, must be as 0.7,0.1,0.2") from error
