"""Check, split or make labelled pictures."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from grasp_benchmark.scheduler import Scheduler
from grasp_benchmark.synthesis.report import write_report
from grasp_benchmark.synthesis.run import Synthesis
from grasp_benchmark.synthesis.statistics import statistics_of
from grasp_bringup.stack import simulated_robot
from grasp_cli.long_work import (
    add_worker_arguments,
    checked_scheduler,
    checked_workers,
    long_work,
    who_works,
)
from grasp_core.errors import ConfigError
from grasp_core.json_file import write_json
from grasp_detection.datasets.dataset import Dataset
from grasp_detection.datasets.registry import dataset_names, detect_dataset, open_dataset
from grasp_detection.datasets.sheet import draw_sheet, sample_views, write_sheet
from grasp_detection.datasets.split import (
    KINDS,
    PARTS,
    PUBLISHED,
    leaked_objects,
    load_splits,
    make_folds,
    make_split,
    published_splits,
    save_splits,
)
from grasp_detection.datasets.survey import Report, Survey, views_to_read
from grasp_sim.household.sets import require_free_seed
from grasp_sim.household.writing import write_objects
from grasp_sim.objects import NOT_FOR_TRAINING, joined_sets
from grasp_sim.synthesis.recipe import VIEWS

EXAMPLES = (
    "grasp data check cornell --limit 50",
    "grasp data split cornell --kind image-wise --out split.json",
    "grasp data objects runs/kitchen --count 50",
    "grasp data synthesize --scenes 100 --out synthetic --objects dev",
)
_SHARES = (0.7, 0.1, 0.2)
_SHEETS = Path("log")
MOST_SCENES = 1_000_000
MOST_VIEWS = 20
_SILENT = 0  # level of OpenCV's log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="{check,split,objects,synthesize}"
    )
    check = actions.add_parser("check", help="read every view, count, and draw a contact sheet")
    check.set_defaults(act=_check)
    check.add_argument("--sheet", type=Path, help="PNG file for the sheet (log/LAYOUT_NAME.png)")
    check.add_argument("--limit", type=int, help="read only so many views, spread over all")
    check.add_argument("--json", type=Path, help="file for the counts and the problems")
    split = actions.add_parser("split", help="draw a split and save it")
    split.set_defaults(act=_split)
    split.add_argument(
        "--kind",
        required=True,
        choices=(*KINDS, PUBLISHED),
        help="what must stay together, or the folds it came with",
    )
    split.add_argument("--folds", type=int, help="draw so many folds instead of one split")
    split.add_argument(
        "--shares", type=_shares, help="of training, validation and test (0.7,0.1,0.2)"
    )
    split.add_argument("--seed", type=int, default=0, help="seed of the draw (0)")
    split.add_argument(
        "--within",
        type=Path,
        metavar="SPLIT",
        help="draw folds from the training and validation pictures of this split alone",
    )
    split.add_argument("--out", type=Path, required=True, help="JSON file for the split")
    for action in (check, split):
        action.add_argument("root", type=Path, help="the dataset's folder")
        action.add_argument(
            "--dataset", choices=dataset_names(), help="layout (the one that fits the folder)"
        )
    objects = actions.add_parser(
        "objects", help="write objects of eight household kinds as an object set"
    )
    objects.set_defaults(act=_objects)
    objects.add_argument("folder", type=Path, help="where to, one subfolder each")
    objects.add_argument("--count", type=int, default=150, help="how many (150)")
    objects.add_argument("--seed", type=int, default=0, help="of sizes, masses and colours (0)")
    _add_synthesize(
        actions.add_parser("synthesize", help="render scenes and label them in the simulator")
    )


def _add_synthesize(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(act=_synthesize)
    parser.add_argument("--scenes", type=int, required=True, help="number of scenes in all")
    parser.add_argument("--out", type=Path, required=True, help="folder of the dataset")
    parser.add_argument("--seed", type=int, default=0, help="of the whole set (0)")
    parser.add_argument(
        "--objects",
        default="dev",
        help="dev, household, or a folder; several with commas between them (dev)",
    )
    parser.add_argument(
        "--views", type=int, default=VIEWS, help=f"pictures of each scene ({VIEWS})"
    )
    parser.add_argument(
        "--robot", help="folder under config/robots, whose hand tries (as config/simulator.yaml)"
    )
    parser.add_argument(
        "--gripper", help="file under config/grippers (the simulator's, or another robot's own)"
    )
    add_worker_arguments(parser, "see the same folder")


def run(options: argparse.Namespace) -> int:
    """Do what is asked for; the exit status says whether everything can be used."""
    # Broken files are reported by path and reason; the decoder's own lines would say less. The
    # function has moved after OpenCV 4.6.
    set_log_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
    set_log_level(_SILENT)
    return int(options.act(options, Console(highlight=False)))


def _objects(options: argparse.Namespace, console: Console) -> int:
    """Write an object set.

    Raises:
        ConfigError: The seed is reserved, the count is below 1, or something cannot be written.
    """
    require_free_seed(options.seed)
    names = write_objects(options.folder, options.count, options.seed)
    console.print(f"{len(names)} objects in {options.folder}", soft_wrap=True)
    return 0


def _dataset(options: argparse.Namespace) -> Dataset:
    if options.dataset:
        return open_dataset(options.dataset, options.root)
    return detect_dataset(options.root)


def _check(options: argparse.Namespace, console: Console) -> int:
    """Read the views."""
    dataset = _dataset(options)
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


def _split(options: argparse.Namespace, console: Console) -> int:
    """Draw a split and save it.

    Raises:
        ConfigError: Arguments that do not go together, or a file that says something else.
        DatasetError: The split cannot be drawn or written.
    """
    dataset = _dataset(options)
    if options.out.exists():
        raise ConfigError(f"{options.out} is there already: splits are made once; delete it first")
    if options.folds is not None and options.shares is not None:
        raise ConfigError("--shares does not go with --folds: the folds set the test share")
    if options.within is not None and options.folds is None:
        raise ConfigError("--within goes with --folds")
    if options.seed < 0:
        raise ConfigError(f"--seed is {options.seed}, must be at least 0")
    if options.kind == PUBLISHED:
        if options.folds is not None or options.shares is not None:
            raise ConfigError(f"--folds and --shares mean nothing with --kind {PUBLISHED}")
        splits = published_splits(dataset, seed=options.seed)
    elif options.folds is not None:
        within = load_splits(options.within)[0] if options.within else None
        splits = make_folds(dataset, options.kind, options.folds, seed=options.seed, within=within)
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


def _synthesize(options: argparse.Namespace, console: Console) -> int:
    """Make the scenes that are missing; what was made is told after an interruption, too.

    Raises:
        ConfigError: Arguments that cannot be, or a folder that holds something else.
        GraspStackError: Scenes cannot be made.
    """
    workers, scheduler = checked_workers(options.workers), checked_scheduler(options)
    if not 1 <= options.scenes <= MOST_SCENES:
        raise ConfigError(f"--scenes is {options.scenes}, must lie in [1, {MOST_SCENES}]")
    if options.seed < 0:
        raise ConfigError(f"--seed is {options.seed}, must be at least 0")
    if not 1 <= options.views <= MOST_VIEWS:
        raise ConfigError(f"--views is {options.views}, must lie in [1, {MOST_VIEWS}]")
    for name in options.objects.split(","):
        if name in NOT_FOR_TRAINING:
            raise ConfigError(
                f"--objects {name}: nothing is trained on those; take dev or household"
            )
    robot, gripper = simulated_robot(options.robot, options.gripper)
    synthesis = Synthesis(
        options.out.resolve(),
        options.objects,
        robot,
        gripper,
        options.seed,
        options.scenes,
        options.views,
    )
    for part in joined_sets(options.objects).members:
        for sentence in part.findings():
            console.print(sentence, markup=False, soft_wrap=True)
    missing = synthesis.missing()
    console.print(
        f"{options.scenes} scenes ({options.scenes - len(missing)} of them made before), "
        f"{who_works(workers, scheduler)}, in {options.out}",
        soft_wrap=True,
        markup=False,
    )
    start = time.monotonic()
    failures, interrupted = _make(synthesis, missing, workers, scheduler)
    seconds = time.monotonic() - start
    done = len(missing) - len(synthesis.missing())
    if done:
        console.print(f"{done} scenes in {seconds:.0f} s: {3600.0 * done / seconds:.0f} an hour")
    for failure in failures:
        console.print(failure, soft_wrap=True, markup=False)
    statistics = statistics_of(synthesis.root, range(options.scenes))
    if statistics.scenes:
        table = Table("what", "count")
        for what, count in statistics.rows():
            table.add_row(what, count)
        console.print(table)
        console.print(f"report: {write_report(synthesis.root, statistics)}", soft_wrap=True)
    if interrupted:
        raise KeyboardInterrupt("interrupted: the same command goes on where it was")
    return 1 if failures else 0


def _make(
    synthesis: Synthesis, missing: list[int], workers: int, scheduler: Scheduler | None
) -> tuple[list[str], bool]:
    """Make scenes, with a bar; what failed, and whether it was interrupted."""
    failures: list[str] = []
    made = synthesis.scenes - len(missing)
    with long_work("making scenes", synthesis.scenes, made) as work:
        try:
            for failure in synthesis.make(missing, workers, scheduler, work.check):
                work.advance("")
                if failure:
                    failures.append(failure)
        except KeyboardInterrupt:
            return failures, True
    return failures, False


def _shares(text: str) -> tuple[float, ...]:
    """Numbers between commas; make_split checks them."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}, must be as 0.7,0.1,0.2") from error
