"""Detectors on labelled real pictures: what share of frames is answered with a good grasp.

A frame counts as right when its first grasp, or one of its first five, is good; see
:mod:`grasp_detection.evaluation.frame_judge`. Frames without anything to grasp count apart: there,
no answer is the right one. Intervals are over frames.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasp_core.gripper_profile import GripperProfile
from grasp_core.rectangle import rectangles_to_array
from grasp_detection.datasets.dataset import DatasetError
from grasp_detection.evaluation.errors import EvaluationError
from grasp_detection.evaluation.frame_judge import FrameJudge, GraspVerdict, first_good
from grasp_detection.evaluation.frame_labels import FrameLabels, read_labels
from grasp_detection.evaluation.intervals import (
    accuracy_interval,
    difference_interval,
    mcnemar,
)
from grasp_detection.evaluation.summary import Figures
from grasp_detection.frames import PictureFrame, read_recorded, recorded_frames
from grasp_detection.loading import LoadedDetector
from grasp_detection.predictions import Predictions

REAL_FRAMES = "real_rgbd"
FIRST, WITHIN = 1, 5

Rows = NDArray[np.float64]
Answer = Callable[[PictureFrame], tuple[Rows, NDArray[np.float64]]]
"""From a frame to rectangles, shape (N, 5), and their scores, shape (N,), best first."""


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What was answered to one frame.

    Attributes:
        frame: Its name.
        source: Where it comes from and its camera.
        graspable: Whether there is anything to grasp.
        answers: Number of grasps in the answer.
        rows: The first five, shape (N, 5).
        scores: Theirs, shape (N,).
        verdicts: On them.
        ms: How long the answer took, milliseconds.
    """

    frame: str
    source: str
    graspable: bool
    answers: int
    rows: Rows
    scores: NDArray[np.float64]
    verdicts: tuple[GraspVerdict, ...]
    ms: float

    def right(self, among: int) -> bool:
        """Whether one of the best ``among`` grasps is good."""
        return first_good(self.verdicts, among)

    @property
    def first_is_seen(self) -> bool:
        """Whether the first grasp is good and its fingers go where something was seen."""
        return self.right(FIRST) and self.verdicts[0].seen

    def table(self) -> list[dict[str, object]]:
        """A line of plain values for each grasp; one line without a grasp where there is none."""
        head = {"frame": self.frame, "source": self.source, "graspable": int(self.graspable)}
        if not self.verdicts:
            return [{**head, "rank": "", "good": 0, "why_not": "no answer"}]
        return [
            {
                **head,
                "rank": rank,
                "good": int(verdict.good),
                "why_not": verdict.why_not,
                "score": round(float(score), 4),
                **dict(zip(("u", "v", "width", "height", "angle_rad"), row.round(3), strict=True)),
                "section_mm": round(1000.0 * verdict.width_m, 1) if verdict.closes else "",
                "fingers_seen": int(verdict.seen),
            }
            for rank, (verdict, score, row) in enumerate(
                zip(self.verdicts, self.scores, self.rows, strict=True), 1
            )
        ]


def labelled_frames(root: Path, labels: Path) -> list[tuple[Path, FrameLabels]]:
    """The recorded frames below a folder that have labels.

    Raises:
        DatasetError: There is none, or a label file is broken.
    """
    found = [
        (folder, read_labels(path))
        for folder in recorded_frames(root)
        if (path := labels / f"{folder.name}.json").exists()
    ]
    if not found:
        raise DatasetError(f"no frame of {root} has its labels in {labels}")
    return found


def detector_answers(detector: LoadedDetector) -> Answer:
    """The answers of a detector that runs here."""

    def answer(frame: PictureFrame) -> tuple[Rows, NDArray[np.float64]]:
        grasps = detector.detect(frame.color, frame.depth_m, frame.camera)
        rows = rectangles_to_array([grasp.rectangle for grasp in grasps])
        return rows, np.array([grasp.quality for grasp in grasps])

    return answer


def predicted_answers(predictions: Predictions) -> Answer:
    """The answers that a file holds."""

    def answer(frame: PictureFrame) -> tuple[Rows, NDArray[np.float64]]:
        ranking = predictions.of(frame.name)
        return ranking.rows, ranking.score

    return answer


def evaluate_frames(
    frames: Sequence[tuple[Path, FrameLabels]],
    answer: Answer,
    gripper: GripperProfile,
    *,
    progress: Callable[[int], None] = lambda done: None,
) -> list[FrameResult]:
    """Judge the answers to frames.

    Args:
        frames: Of :func:`labelled_frames`.
        answer: Gives the grasps of a frame.
        gripper: The hand that would grasp.
        progress: Told how many frames are done.

    Raises:
        DatasetError: A frame cannot be read.
        GraspStackError: The detector failed.
    """
    results = []
    for done, (folder, labels) in enumerate(frames, 1):
        frame = read_recorded(folder)
        start = time.perf_counter()
        rows, scores = answer(frame)
        ms = 1000.0 * (time.perf_counter() - start)
        judge = FrameJudge(frame, labels, gripper)
        results.append(
            FrameResult(
                frame.name,
                frame.source,
                bool(labels.objects),
                len(rows),
                rows[:WITHIN],
                scores[:WITHIN],
                tuple(judge.verdicts(rows[:WITHIN])),
                ms,
            )
        )
        progress(done)
    return results


def summarise_frames(results: Sequence[FrameResult], seed: int = 0) -> Figures:
    """Shares with their intervals over frames, and counts by source; plain values.

    Raises:
        EvaluationError: No frame shows anything to grasp.
    """
    counted = [one for one in results if one.graspable]
    if not counted:
        raise EvaluationError("no frame shows anything to grasp")
    names = [one.frame for one in counted]
    figures: Figures = {"frames": len(counted)}
    for key, right in (
        ("first", [one.right(FIRST) for one in counted]),
        ("within_five", [one.right(WITHIN) for one in counted]),
        ("first_fingers_seen", [one.first_is_seen for one in counted]),
    ):
        interval = accuracy_interval(right, names, seed=seed)
        figures[f"{key}_good"] = sum(right)
        figures[key] = float(np.mean(right))
        figures[f"{key}_ci95"] = [interval.low, interval.high]
        figures[f"{key}_ci95_method"] = interval.method
    empty = [one for one in results if not one.graspable]
    figures["empty_frames"] = len(empty)
    figures["empty_frames_answered"] = sum(one.answers > 0 for one in empty)
    figures["unanswered"] = sum(one.answers == 0 for one in counted)
    figures["ms_median"] = float(np.median([one.ms for one in results]))
    figures["by_source"] = [
        [
            source,
            len(those),
            sum(o.right(FIRST) for o in those),
            sum(o.right(WITHIN) for o in those),
        ]
        for source in sorted({one.source for one in counted})
        if (those := [one for one in counted if one.source == source])
    ]
    figures["first_wrong"] = _reasons(counted)
    return figures


def compare_frames(
    first: Sequence[FrameResult], second: Sequence[FrameResult], seed: int = 0
) -> Figures:
    """Differences of the shares of two detectors on the same frames, the first less the second."""
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a.graspable]
    figures: Figures = {}
    for key, among in (("first", FIRST), ("within_five", WITHIN)):
        a, b = ([one.right(among) for one in side] for side in zip(*pairs, strict=True))
        interval = difference_interval(a, b, [one.frame for one, _ in pairs], seed=seed)
        test = mcnemar(a, b)
        figures[f"{key}_difference"] = float(np.mean(a) - np.mean(b))
        figures[f"{key}_difference_ci95"] = [interval.low, interval.high]
        figures[f"{key}_only_first_right"] = test.only_a
        figures[f"{key}_only_second_right"] = test.only_b
        figures[f"{key}_mcnemar_p"] = test.p_value
    return figures


def compare_with_eye(results: Sequence[FrameResult], path: Path, column: str) -> Figures:
    """How far the rules agree with what an observer saw of the same grasps.

    Args:
        results: Of the very grasps that were looked at.
        path: Table with ``frame``, ``COLUMN_top1_good`` and ``COLUMN_top5_good``, each 0 or 1.
        column: Name of the detector in the table.

    Raises:
        DatasetError: The table cannot be read or lacks something.
    """
    seen = _seen_by_eye(path, column)
    agreed, differ = 0, []
    for one in results:
        for among in (FIRST, WITHIN):
            if (one.frame, among) not in seen:
                raise DatasetError(f"{path} has no line of {one.frame}")
            by_eye = seen[one.frame, among]
            agreed += one.right(among) == by_eye
            if one.right(among) != by_eye:
                which = "first" if among == FIRST else "first five"
                rules, eye = ("good" if x else "not good" for x in (one.right(among), by_eye))
                differ.append(f"{one.frame}, {which}: by the rules {rules}, by eye {eye}")
    return {"eye_verdicts": 2 * len(results), "eye_agreed": agreed, "eye_differ": differ}


def _seen_by_eye(path: Path, column: str) -> dict[tuple[str, int], bool]:
    found: dict[tuple[str, int], bool] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                for among, key in (
                    (FIRST, f"{column}_top1_good"),
                    (WITHIN, f"{column}_top5_good"),
                ):
                    found[line["frame"], among] = bool(int(line[key]))
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    except (KeyError, ValueError) as error:
        raise DatasetError(
            f"{path} is no table with frame, {column}_top1_good and {column}_top5_good of 0 or 1 "
            f"({type(error).__name__}: {error})"
        ) from error
    return found


def _reasons(results: Sequence[FrameResult]) -> list[list[Any]]:
    """Why first grasps are not good, and how many each, most first."""
    counts: dict[str, int] = {}
    for one in results:
        if not one.right(FIRST):
            why = one.verdicts[0].why_not if one.verdicts else "no answer"
            counts[why] = counts.get(why, 0) + 1
    return [[why, counts[why]] for why in sorted(counts, key=lambda why: (-counts[why], why))]
