"""Grasp labels of a synthetic view: found by geometry, some of them tried.

Candidates come from the antipodal search on exact depth, densely, and are turned into grasp poses
by the executor's own rule. A few, spread over the scene, are tried by a free hand that misses the
pose by as much as a real one does, for a good grasp forgives that. What a trial tells, it tells of
the candidates nearby as well, the more the nearer they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_core.cell import Cell
from grasp_core.errors import BadCalibration, CandidateFailure
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp
from grasp_core.rectangle import angle_difference, iou_matrix, rectangles_to_array, suppress
from grasp_core.robot import GripperProfile
from grasp_core.transform import Transform
from grasp_detection.antipodal.config import AntipodalConfig
from grasp_detection.antipodal.detector import AntipodalDetector
from grasp_executor.config import PickConfig
from grasp_executor.grasp_pose import GraspTarget, target_from
from grasp_executor.interfaces import Observation
from grasp_sim.synthesis.hold import Hold
from grasp_sim.synthesis.scene_builder import SyntheticView
from grasp_sim.synthesis.trials import GraspTrials

TRIALS = 12  # most per scene
_DENSE = 250  # most candidates
_DENSE_JACCARD, _DENSE_ANGLE = 0.6, np.radians(10.0)
_SPREAD_JACCARD, _SPREAD_ANGLE = 0.1, np.radians(30.0)
_NEAR_JACCARD, _NEAR_ANGLE = 0.2, np.radians(15.0)  # where a trial tells something
_PRIOR = 0.3  # weight of the estimate beside a trial of the very same grasp
_MISS_M, _MISS_RAD = 0.003, np.radians(4.0)  # standard deviations, each direction
_MIN_ESTIMATE = 0.1
_POSITIVE = 0.5  # quality from which a candidate becomes a label


@dataclass(frozen=True)
class TriedGrasp:
    """A tried grasp: what geometry expected of it, and how it ended."""

    estimate: float
    hold: Hold


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of one view.

    Attributes:
        rows: Shape (N, 5), rectangles as in :class:`grasp_core.rectangle.GraspRectangle`; the
            opening is the object's width, the jaw is the pad.
        quality: Shape (N,), how likely each holds, in [0.5, 1].
        candidates: How many were found before the unlikely ones were dropped.
        trials: What was tried.
    """

    rows: NDArray[np.float64]
    quality: NDArray[np.float64]
    candidates: int
    trials: tuple[TriedGrasp, ...]


class Labeller:
    """Labels views for a gripper in a cell."""

    def __init__(self, gripper: GripperProfile, cell: Cell) -> None:
        self._gripper, self._cell, self._pick = gripper, cell, PickConfig()
        config = AntipodalConfig(
            gap_clearance_m=self._pick.min_opening_margin_m,  # exact widths need no reserve
            min_quality=_MIN_ESTIMATE,
            top_k=_DENSE,
            nms_jaccard=_DENSE_JACCARD,
            nms_angle=float(_DENSE_ANGLE),
            report_too_wide=False,
        )
        self._detector = AntipodalDetector(gripper, config)

    def label(self, view: SyntheticView, trials: GraspTrials, seed: int) -> Labels:
        """Find candidates, try some, and rate all.

        Args:
            view: A scene's picture.
            trials: The same scene.
            seed: Chooses which candidates are tried.
        """
        frame = RgbdFrame(view.color, view.depth_m, view.camera)
        grasps, targets, owners = self._executable(view, self._detector.detect(frame))
        rows = rectangles_to_array([grasp.rectangle for grasp in grasps])
        quality = np.array([grasp.quality for grasp in grasps])
        rng = np.random.default_rng([abs(seed), 3])
        tried, done = self._choose(rows, quality, rng), []
        outcome = np.full(len(rows), np.nan)
        for index in tried:
            target = targets[index]
            name = view.names[owners[index]]
            pose = target.T_base_grasp @ _miss(rng)
            hold = trials.try_grasp(name, pose, target.opening_m)
            outcome[index] = float(hold is Hold.HELD)
            done.append(TriedGrasp(float(quality[index]), hold))
        quality = _informed(rows, quality, outcome)
        good = quality >= _POSITIVE
        return Labels(rows[good], quality[good], len(rows), tuple(done))

    def _executable(
        self, view: SyntheticView, grasps: list[Grasp]
    ) -> tuple[list[Grasp], list[GraspTarget], list[int]]:
        """Candidates that the executor would accept, on objects that can be seen."""
        seen = Observation(grasps, view.depth_m, view.camera, view.T_base_camera, 0.0)
        kept: list[Grasp] = []
        targets: list[GraspTarget] = []
        owners: list[int] = []
        for grasp in grasps:
            rectangle = grasp.rectangle
            owner = _owner(view.instances, rectangle.u, rectangle.v)
            if not owner:
                continue
            try:
                target = target_from(grasp, seen, self._gripper, self._cell, self._pick)
            except (CandidateFailure, BadCalibration):
                continue
            kept.append(grasp)
            targets.append(target)
            owners.append(owner)
        return kept, targets, owners

    def _choose(
        self, rows: NDArray[np.float64], quality: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.intp]:
        """Some good candidates, spread over the scene, and as many by chance."""
        if not len(rows):
            return np.empty(0, np.intp)
        spread = suppress(rows, quality, jaccard=_SPREAD_JACCARD, angle=float(_SPREAD_ANGLE))
        best = spread[: TRIALS // 2]
        others = np.setdiff1d(spread, best)
        return np.concatenate([best, rng.permutation(others)[: TRIALS - len(best)]])


def _owner(instances: NDArray[np.uint8], u: float, v: float) -> int:
    """Number of the object under a pixel, or next to it; 0 for none."""
    row, column = round(v), round(u)
    around = instances[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3]
    numbers = around[around > 0]
    return int(np.bincount(numbers).argmax()) if numbers.size else 0


def _miss(rng: np.random.Generator) -> Transform:
    """By how much a hand misses, in the grasp frame: sideways, and about the approach."""
    x, y = rng.normal(0.0, _MISS_M, 2)
    return Transform.from_rpy((0.0, 0.0, rng.normal(0.0, _MISS_RAD)), (x, y, 0.0))


def _informed(
    rows: NDArray[np.float64], estimate: NDArray[np.float64], outcome: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Estimates, drawn towards the outcomes of trials nearby."""
    tried = np.nonzero(np.isfinite(outcome))[0]
    if not len(tried):
        return estimate
    overlap = iou_matrix(rows, rows[tried])
    turn = angle_difference(rows[:, None, 4], rows[None, tried, 4])
    weight = np.clip((overlap - _NEAR_JACCARD) / (1.0 - _NEAR_JACCARD), 0.0, 1.0)
    weight *= turn <= _NEAR_ANGLE
    total = _PRIOR * estimate + weight @ outcome[tried]
    return np.asarray(total / (_PRIOR + weight.sum(axis=1)))
