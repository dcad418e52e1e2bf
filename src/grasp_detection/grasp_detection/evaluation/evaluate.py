"""Run a detector over the views of a dataset and judge what it answers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import ConfigError
from grasp_detection.datasets.dataset import Dataset, Record, Sample
from grasp_detection.evaluation.by_class import ClassResult, judge_by_class
from grasp_detection.evaluation.errors import EvaluationError
from grasp_detection.evaluation.metric import MULTI_GRASP_MOST, Judgement, judge
from grasp_detection.predictions import Predictions
from grasp_detection.ranking import ClassDetector, PictureDetector, Ranking


@dataclass(frozen=True, eq=False)
class ViewResult:
    """What a detector did on one view.

    Attributes:
        index: Of the view in its dataset.
        record: Which view it is.
        fold: Number of the fold, from 0.
        labels: Shape (M, 5), M >= 1.
        labels_skipped: Labels that could not be used: not finite, or no area.
        ranking: The detector's best candidates.
        judgement: Candidates against labels.
        ms: Time from the decoded picture to the ranking, milliseconds.
        read_ms: Time to read the view from its files, milliseconds.
        by_class: Class by class, for a detector that knows classes on a view with masks.
    """

    index: int
    record: Record
    fold: int
    labels: NDArray[np.float64]
    labels_skipped: int
    ranking: Ranking
    judgement: Judgement
    ms: float
    read_ms: float
    by_class: ClassResult | None = None

    @property
    def right(self) -> bool:
        """Whether the best candidate meets the rectangle metric."""
        return self.judgement.best_is_right()

    @property
    def jaccard(self) -> float:
        """Jaccard index of the best candidate with the label that decides; 0 without one."""
        return self.judgement.closest[0]

    @property
    def angle_deg(self) -> float:
        """Turn between the best candidate and the label that decides; NaN without one."""
        return math.degrees(self.judgement.closest[1])

    @property
    def quality(self) -> float:
        """Quality of the best candidate; 0 without one."""
        return float(self.ranking.quality[0]) if len(self.ranking) else 0.0

    @property
    def best(self) -> NDArray[np.float64]:
        """The best candidate, shape (5,); shape (0,) where there is none."""
        return self.ranking.rows[0] if len(self.ranking) else np.empty(0)

    def row(self) -> dict[str, object]:
        """Plain values for a line of a table; what is unknown is empty."""
        best: list[object] = [round(float(value), 3) for value in self.best]
        return {
            "view": self.record.view,
            "picture": self.record.picture,
            "object": self.record.object,
            "fold": self.fold,
            "right": int(self.right),
            "jaccard": round(self.jaccard, 4),
            "angle_deg": round(self.angle_deg, 2) if len(self.ranking) else "",
            "quality": round(self.quality, 4),
            "raw_score": round(float(self.ranking.raw_score[0]), 4) if len(self.ranking) else "",
            **dict(zip(("u", "v", "width", "height", "angle_rad"), best or [""] * 5, strict=True)),
            "labels": len(self.labels),
            "ms": round(self.ms, 2),
        }


def evaluate(
    detector: PictureDetector | Predictions,
    dataset: Dataset,
    indices: Sequence[int],
    *,
    fold: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[ViewResult]:
    """Judge a detector on views.

    Views without a usable label are left out: no answer to them could be right. The first view is
    ranked once more before the clock runs, so that what a detector does once is not timed.

    Args:
        detector: Ranks pictures, or has ranked them.
        dataset: Where the views are.
        indices: Which of them.
        fold: Written to the results.
        progress: Told how many of how many views are done.

    Raises:
        DatasetError: A view cannot be read.
        EvaluationError: No view has labels, or the detector's answer is no ranking.
    """
    results: list[ViewResult] = []
    warm = False
    for done, index in enumerate(indices):
        progress(done, len(indices))
        start = time.perf_counter()
        sample = dataset.load(index)
        read_ms = _ms_since(start)
        if not len(sample.grasps):
            continue
        if not warm:
            _rank(detector, sample)
            warm = True
        start = time.perf_counter()
        ranking = _rank(detector, sample)
        ms = _ms_since(start)
        _check(ranking, detector, sample)
        judgement = judge(ranking.rows, sample.grasps)
        results.append(
            ViewResult(
                index,
                sample.record,
                fold,
                sample.grasps,
                sample.skipped,
                ranking,
                judgement,
                ms,
                read_ms,
                judge_by_class(detector, sample) if isinstance(detector, ClassDetector) else None,
            )
        )
    progress(len(indices), len(indices))
    if not results:
        raise EvaluationError(
            f"none of {len(indices)} views of {dataset.root} has a label to judge by"
        )
    return results


def _rank(detector: PictureDetector | Predictions, sample: Sample) -> Ranking:
    if isinstance(detector, Predictions):
        return detector.of(sample.record.view, MULTI_GRASP_MOST)
    try:
        return detector.rank(sample.color, sample.depth_m, MULTI_GRASP_MOST)
    except ConfigError as error:
        raise EvaluationError(f"view {sample.record.view}: {error}") from error


def _check(ranking: Ranking, detector: PictureDetector | Predictions, sample: Sample) -> None:
    rows, quality = np.asarray(ranking.rows), np.asarray(ranking.quality)
    n = len(rows)
    shapes = [np.shape(one) for one in (rows, quality, ranking.raw_score, ranking.score)]
    view, name = sample.record.view, detector.name
    if shapes != [(n, 5), (n,), (n,), (n,)]:
        raise EvaluationError(f"{name} answered view {view} with shapes {shapes}, not N rows of 5")
    if not np.isfinite(rows).all() or (n and rows[:, 2:4].min() <= 0.0):
        raise EvaluationError(
            f"{name} answered view {view} with a rectangle that has no finite values or no area: "
            "are its weights broken?"
        )
    if n and not (quality.min() >= 0.0 and quality.max() <= 1.0):
        raise EvaluationError(
            f"{name} answered view {view} with qualities from {quality.min()} to {quality.max()}, "
            "must lie in [0, 1]"
        )


def _ms_since(start: float) -> float:
    return 1000.0 * (time.perf_counter() - start)
