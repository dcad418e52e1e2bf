"""The rectangle metric and its stricter relatives, for the candidates of one view.

A candidate is right when its axis is less than 30 degrees from a label's and its Jaccard index
with the same label exceeds 0.25.
Sources: Jiang, Moseson, Saxena, "Efficient grasping from RGBD images", ICRA 2011; for the ladder
of Jaccard thresholds and for several candidates a picture: Wang et al., "Efficient fully
convolution neural network for generating pixel wise robotic grasps", 2019, tables II and III.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasp_core.rectangle import (
    ANGLE_TOLERANCE_RAD,
    JACCARD_THRESHOLD,
    angle_difference,
    iou_matrix,
)

JACCARD_LADDER = (0.25, 0.30, 0.35, 0.40)
ANGLE_LADDER_DEG = (30, 25, 20, 15, 10, 5)
JAW_RATIOS = (0.3, 0.4, 0.5, 0.6, 0.7)
MULTI_GRASP_MOST = 5
# Least quality of a candidate that counts: the paper took 0.5 for the network of its image-wise
# split and 0.2 for that of its object-wise split, of what the network itself calls quality. That
# depends on how a network is taught; calibrated quality means the same for every detector. 0 takes
# every candidate.
MULTI_GRASP_QUALITIES = (0.5, 0.2, 0.0)

_ROUNDING_DEG = 10.0
_ROUNDING_TOLERANCE_DEG = 0.2
_PARALLEL_DEG = 1.0  # labels closer than this say nothing about rounding
_ROUNDED_SHARE = 0.95
_LEAST_EVIDENCE = 5
_SAME_RATIO = 1e-6


@dataclass(frozen=True, eq=False)
class Judgement:
    """Candidates of one view against its labels.

    Attributes:
        jaccard: Shape (N, M), Jaccard index of each candidate with each label.
        turn: Shape (N, M), radians in [0, pi/2], between the axes.
    """

    jaccard: NDArray[np.float64]
    turn: NDArray[np.float64]

    def right(
        self, jaccard: float = JACCARD_THRESHOLD, angle: float = ANGLE_TOLERANCE_RAD
    ) -> NDArray[np.bool_]:
        """Whether each candidate agrees with a label, shape (N,).

        Args:
            jaccard: The Jaccard index must exceed this.
            angle: The axes must differ by less than this, radians.
        """
        agree = (self.jaccard > jaccard) & (self.turn < angle)
        return np.asarray(agree.any(axis=1))

    def best_is_right(
        self, jaccard: float = JACCARD_THRESHOLD, angle: float = ANGLE_TOLERANCE_RAD
    ) -> bool:
        """Whether there is a best candidate and it is right."""
        return bool(self.right(jaccard, angle)[:1].any())

    @property
    def closest(self) -> tuple[float, float]:
        """Jaccard index and turn in radians of the best candidate with the label that decides.

        That is the label with the greatest Jaccard index among those within 30 degrees, or among
        all where none is. Without a candidate it is (0, nan).
        """
        if not self.jaccard.size:
            return 0.0, math.nan
        overlap, turn = self.jaccard[0], self.turn[0]
        within = turn < ANGLE_TOLERANCE_RAD
        index = int(np.argmax(np.where(within, overlap, -1.0) if within.any() else overlap))
        return float(overlap[index]), float(turn[index])


def judge(rows: ArrayLike, labels: ArrayLike) -> Judgement:
    """Compare candidates with labels.

    Args:
        rows: Shape (N, 5), candidates (u, v, width, height, angle), best first.
        labels: Shape (M, 5).
    """
    rows = np.asarray(rows, dtype=np.float64).reshape(-1, 5)
    labels = np.asarray(labels, dtype=np.float64).reshape(-1, 5)
    turn = angle_difference(rows[:, None, 4], labels[None, :, 4])
    return Judgement(iou_matrix(rows, labels), turn)


def jaccard_ladder(judgements: Sequence[Judgement]) -> dict[float, float]:
    """Accuracy by Jaccard threshold, at 30 degrees."""
    return {
        jaccard: _share([one.best_is_right(jaccard=jaccard) for one in judgements])
        for jaccard in JACCARD_LADDER
    }


def angle_ladder(judgements: Sequence[Judgement]) -> dict[int, float]:
    """Accuracy by angle tolerance in degrees, at a Jaccard index of 0.25.

    Only labels whose angles are exact make this meaningful; see :func:`angles_rounded`.
    """
    return {
        degrees: _share([one.best_is_right(angle=math.radians(degrees)) for one in judgements])
        for degrees in ANGLE_LADDER_DEG
    }


def angles_rounded(labels: Sequence[ArrayLike]) -> bool:
    """Whether the angles of labels were rounded to 10 degrees before their views were turned.

    A turn of the view moves all its angles alike, so what tells is the differences within each
    view: those to its first label, where the two are not parallel. Unrounded ones are multiples
    of 10 degrees in one of 25 cases, rounded ones always. Fewer than five differences tell
    nothing, which counts as not rounded.

    Args:
        labels: Of each view, shape (M, 5).
    """
    rows = [np.asarray(one, dtype=np.float64).reshape(-1, 5) for one in labels]
    turns = [angle_difference(one[1:, 4], one[0, 4]) for one in rows if len(one) > 1]
    turn_deg = np.degrees(np.concatenate([np.empty(0), *turns]))
    turn_deg = turn_deg[turn_deg > _PARALLEL_DEG]
    if len(turn_deg) < _LEAST_EVIDENCE:
        return False
    off = np.abs(turn_deg - _ROUNDING_DEG * np.round(turn_deg / _ROUNDING_DEG))
    return bool(np.mean(off < _ROUNDING_TOLERANCE_DEG) >= _ROUNDED_SHARE)


@dataclass(frozen=True)
class MultiGrasp:
    """How many of up to k candidates a view are right; k counts from 1.

    Attributes:
        generated: Candidates of all views, by k - 1.
        correct: The right ones among them.
    """

    generated: tuple[int, ...]
    correct: tuple[int, ...]

    def share(self, most: int) -> float:
        """Right candidates / candidates with up to ``most`` a view; NaN where there is none."""
        generated = self.generated[most - 1]
        return self.correct[most - 1] / generated if generated else math.nan


def multi_grasp(
    judgements: Sequence[Judgement],
    qualities: Sequence[ArrayLike],
    least_quality: float = 0.0,
    most: int = MULTI_GRASP_MOST,
) -> MultiGrasp:
    """Count right candidates among the best k of each view, for every k up to ``most``.

    Nothing is asked of labels that no candidate meets, so this is no recall.

    Args:
        judgements: Of each view.
        qualities: Of each view's candidates, shape (N,), in [0, 1], best first.
        least_quality: Candidates below do not count as generated.
        most: Greatest k.
    """
    generated, correct = np.zeros(most, np.int64), np.zeros(most, np.int64)
    for judgement, quality in zip(judgements, qualities, strict=True):
        counts = np.asarray(quality, np.float64)[:most] >= least_quality
        generated[: len(counts)] += counts
        correct[: len(counts)] += counts & judgement.right()[:most]
    return MultiGrasp(tuple(np.cumsum(generated).tolist()), tuple(np.cumsum(correct).tolist()))


def declared_jaw_ratio(rows: Sequence[ArrayLike]) -> float | None:
    """The height in widths that a detector declares for every rectangle.

    Generative networks predict no height and take a fixed share of the width
    (:data:`grasp_detection.maps.maps.JAW_RATIO`).

    Args:
        rows: Candidates of each view, shape (N, 5).

    Returns:
        The ratio, or None where it differs between rectangles, because the detector predicts the
        height, or where there are not two rectangles to compare.
    """
    every = np.concatenate([np.empty((0, 5)), *(np.reshape(one, (-1, 5)) for one in rows)])
    if len(every) < 2:
        return None
    ratios = every[:, 3] / every[:, 2]
    first = float(ratios[0])
    return first if bool(np.all(np.abs(ratios - first) <= _SAME_RATIO * first)) else None


def jaw_sensitivity(
    best: Sequence[ArrayLike], labels: Sequence[ArrayLike], ratios: Sequence[float] = JAW_RATIOS
) -> dict[float, float]:
    """Accuracy if the best rectangles had other heights, by their ratio of height to width.

    Args:
        best: Best rectangle of each view, shape (5,) or (0,) for none.
        labels: Of each view, shape (M, 5).
        ratios: Heights to try, in widths.
    """
    right = np.zeros((len(best), len(ratios)), bool)
    for index, (row, rows_of_labels) in enumerate(zip(best, labels, strict=True)):
        tried = np.tile(np.reshape(row, (-1, 5)), (len(ratios), 1))
        if len(tried):
            tried[:, 3] = np.asarray(ratios) * tried[:, 2]
            right[index] = judge(tried, rows_of_labels).right()
    return {ratio: _share(right[:, column]) for column, ratio in enumerate(ratios)}


def _share(right: Sequence[bool] | NDArray[np.bool_]) -> float:
    return float(np.mean(right)) if len(right) else math.nan
