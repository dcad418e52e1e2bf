"""`grasp evaluate --dataset real_rgbd`: measured on labelled real pictures, and shown."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from grasp_core.config import settings_from_texts
from grasp_core.errors import ConfigError
from grasp_core.gripper_profile import load_gripper
from grasp_core.json_file import write_json
from grasp_detection.evaluation.errors import EvaluationError
from grasp_detection.evaluation.frame_labels import FrameLabels
from grasp_detection.evaluation.frame_pictures import write_frame_pictures
from grasp_detection.evaluation.real_frames import (
    Answer,
    FrameResult,
    compare_frames,
    compare_with_eye,
    detector_answers,
    evaluate_frames,
    labelled_frames,
    predicted_answers,
    summarise_frames,
)
from grasp_detection.evaluation.summary import Figures
from grasp_detection.loading import DEFAULT_GRIPPER, load_detector
from grasp_detection.predictions import read_predictions
from grasp_detection.registry import find_detector, split_label

_SHARES = (
    ("first grasp good", "first"),
    ("one of the first five good", "within_five"),
    ("first good, fingers where seen", "first_fingers_seen"),
)


@dataclass(frozen=True)
class _Contestant:
    """What is measured: a name, and where its answers come from."""

    name: str
    answer: Answer


def measure_frames(options: argparse.Namespace, default_labels: Path) -> int:
    """Measure, show and write; returns the exit status.

    Args:
        options: Of the verb.
        default_labels: Folder of the labels where none was given.

    Raises:
        GraspStackError: Something that was given cannot be used.
    """
    frames = labelled_frames(options.root, options.labels or default_labels)
    contestants = _contestants(options, [folder.name for folder, _ in frames])
    results = [_measured(one, frames, options) for one in contestants]
    columns = [summarise_frames(one, options.seed) for one in results]
    figures: Figures = {"dataset": options.dataset, "detector": contestants[0].name, **columns[0]}
    if len(results) > 1:
        figures |= {f"against_{key}": value for key, value in columns[1].items()}
        figures |= {"against": contestants[1].name}
        figures |= compare_frames(results[0], results[1], options.seed)
    if options.verdicts:
        figures |= compare_with_eye(results[0], options.verdicts, contestants[0].name)
    _show([one.name for one in contestants], columns, figures, Console())
    try:
        _write(options, figures, [one.name for one in contestants], results, frames)
    except OSError as error:
        raise EvaluationError(f"cannot write {error.filename}: {error.strerror}") from error
    return 0


def _contestants(options: argparse.Namespace, names: Sequence[str]) -> list[_Contestant]:
    if options.predictions:
        predictions = read_predictions(options.predictions)
        predictions.require_views(names)
        found = [_Contestant(options.predictions.stem, predicted_answers(predictions))]
    else:
        found = [_detector(options.detector, options.weights, options, options.set)]
    if options.against:
        name, weights = split_label(options.against)
        given = options.set if options.against_set is None else options.against_set
        found.append(_detector(name, weights, options, given))
    elif options.against_set:
        raise ConfigError("--against-set means nothing without --against")
    return found


def _detector(
    name: str, weights: str, options: argparse.Namespace, given: Sequence[str]
) -> _Contestant:
    entry = find_detector(name)
    settings = settings_from_texts(entry.config_class, given, "--set")
    if entry.is_learned:
        settings |= {"device": options.device, "weights": weights or "default"}
    gripper = options.gripper or DEFAULT_GRIPPER
    loaded = load_detector(name, gripper=gripper, settings=settings)
    loaded.warm_up()
    return _Contestant(name, detector_answers(loaded))


def _measured(
    one: _Contestant, frames: Sequence[tuple[Path, FrameLabels]], options: argparse.Namespace
) -> list[FrameResult]:
    """Evaluate, with a bar."""
    screen = Console(stderr=True)
    hand = load_gripper(options.gripper or DEFAULT_GRIPPER)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(escape(one.name), total=len(frames))
        return evaluate_frames(
            frames, one.answer, hand, progress=lambda done: bar.update(task, completed=done)
        )


def _show(
    names: Sequence[str], columns: Sequence[Figures], figures: Figures, console: Console
) -> None:
    table = Table(title=escape(f"{figures['dataset']}, {figures['frames']} frames"))
    table.add_column("figure")
    for name in names:
        table.add_column(escape(name), justify="right", no_wrap=True)
    for label, key in _SHARES:
        table.add_row(
            label, *(f"[bold]{one[f'{key}_good']}[/] of {one['frames']}" for one in columns)
        )
        table.add_row("  share, 95 % over frames", *(_share(one, key) for one in columns))
    for index, (source, frames, *_) in enumerate(columns[0]["by_source"]):
        cells = [one["by_source"][index] for one in columns]
        table.add_row(
            escape(f"{source}: first / five of {frames}"), *(f"{c[2]} / {c[3]}" for c in cells)
        )
    table.add_row("frames without an answer", *(str(one["unanswered"]) for one in columns))
    table.add_row(
        "nothing to grasp, yet answered",
        *(f"{one['empty_frames_answered']} of {one['empty_frames']}" for one in columns),
    )
    table.add_row("ms per frame, median", *(f"{one['ms_median']:.1f}" for one in columns))
    console.print(table)
    for name, column in zip(names, columns, strict=True):
        told = "; ".join(f"{why}: {count}" for why, count in column["first_wrong"])
        _say(console, f"{name}, why first grasps are not good: {told or 'all are'}")
    if len(columns) > 1:
        _show_difference(figures, console)
    if "eye_verdicts" in figures:
        share = 100.0 * figures["eye_agreed"] / figures["eye_verdicts"]
        _say(
            console,
            f"agrees with {figures['eye_agreed']} of {figures['eye_verdicts']} verdicts by eye "
            f"({share:.1f} %)",
        )
        for line in figures["eye_differ"]:
            _say(console, f"  {line}")


def _show_difference(figures: Figures, console: Console) -> None:
    for label, key in _SHARES[:2]:
        low, high = (100.0 * end for end in figures[f"{key}_difference_ci95"])
        _say(
            console,
            f"{label}: difference {100.0 * figures[f'{key}_difference']:+.1f} points, 95 % "
            f"interval {low:+.1f} to {high:+.1f}; only the first on "
            f"{figures[f'{key}_only_first_right']} frames, only the second on "
            f"{figures[f'{key}_only_second_right']}; McNemar p = "
            f"{figures[f'{key}_mcnemar_p']:.3g}",
        )


def _say(console: Console, text: str) -> None:
    console.print(escape(text), highlight=False, soft_wrap=True)


def _share(figures: Figures, key: str) -> str:
    low, high = (100.0 * end for end in figures[f"{key}_ci95"])
    return f"{100.0 * figures[key]:.1f} % ({low:.1f} to {high:.1f})"


def _write(
    options: argparse.Namespace,
    figures: Figures,
    names: Sequence[str],
    results: Sequence[Sequence[FrameResult]],
    frames: Sequence[tuple[Path, FrameLabels]],
) -> None:
    """Write the files that were asked for."""
    if options.json:
        write_json(options.json, figures)
    if options.csv:
        lines = [
            {"detector": name, **line}
            for name, those in zip(names, results, strict=True)
            for one in those
            for line in one.table()
        ]
        columns = list(dict.fromkeys(key for line in lines for key in line))
        options.csv.parent.mkdir(parents=True, exist_ok=True)
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(lines)
    if options.pictures:
        write_frame_pictures(results[0], frames, options.pictures)
