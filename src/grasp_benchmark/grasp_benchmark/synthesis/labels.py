"""Grasp labels of a synthetic scene, and of each picture of it.

Candidates come from the antipodal search on the exact scene as seen from straight above, densely,
and are turned into grasp poses by the executor's own rule. A few, spread over the scene, are tried
by a free hand that misses the pose by as much as a real one does, for a good grasp forgives that.
What a trial tells, it tells of the candidates nearby as well, the more the nearer they are. A
picture has those of them whose object it shows at their place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_core.cell import Cell
from grasp_core.errors import BadCalibration, CandidateFailure
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp
from grasp_core.projection import planes_to_rectangles
from grasp_core.rectangle import angle_difference, iou_matrix, suppress
from grasp_core.robot import GripperProfile
from grasp_core.support import Plane
from grasp_core.transform import Transform
from grasp_detection.antipodal.config import AntipodalConfig
from grasp_detection.antipodal.detector import AntipodalDetector
from grasp_executor.config import PickConfig
from grasp_executor.grasp_pose import target_from
from grasp_executor.interfaces import Observation
from grasp_sim.synthesis.hold import Hold
from grasp_sim.synthesis.scene_builder import SyntheticView, TrueView
from grasp_sim.synthesis.trials import GraspTrials

TRIALS = 8  # most per scene
_DENSE = 300  # most candidates; where they are cut off, whole objects would go without
_DENSE_JACCARD, _DENSE_ANGLE = 0.45, np.radians(15.0)
_SPREAD_JACCARD, _SPREAD_ANGLE = 0.1, np.radians(30.0)
_NEAR_JACCARD, _NEAR_ANGLE = 0.2, np.radians(15.0)  # where a trial tells something
_PRIOR = 0.3  # weight of the estimate beside a trial of the very same grasp
_MISS_M, _MISS_RAD = 0.003, np.radians(4.0)  # standard deviations, each direction
_MIN_ESTIMATE = 0.1
_POSITIVE = 0.5  # quality from which a candidate becomes a label
_NEARBY_PX = 2


@dataclass(frozen=True)
class TriedGrasp:
    """A tried grasp: what geometry expected of it, and how it ended."""

    estimate: float
    hold: Hold


@dataclass(frozen=True, eq=False)
class SceneLabels:
    """Labels of a scene.

    Attributes:
        places: Shape (N, 6), x, y, z of the middle between the jaws at the object's local top,
            base frame, opening, jaw, all metres; and the closing direction from +x, radians.
        quality: Shape (N,), how likely each holds, in [0.5, 1].
        owners: Shape (N,), number of the object.
        candidates: How many were found before the unlikely ones were dropped.
        trials: What was tried.
    """

    places: NDArray[np.float64]
    quality: NDArray[np.float64]
    owners: NDArray[np.int64]
    candidates: int
    trials: tuple[TriedGrasp, ...]


@dataclass(frozen=True, eq=False)
class ViewLabels:
    """Those of a scene's labels that one picture shows.

    Attributes:
        rows: Shape (N, 5), rectangles as in :class:`grasp_core.rectangle.GraspRectangle`; the
            opening is the object's width, the jaw is the pad.
        places: Shape (N, 6), see :class:`SceneLabels`.
        quality: Shape (N,).
    """

    rows: NDArray[np.float64]
    places: NDArray[np.float64]
    quality: NDArray[np.float64]


class Labeller:
    """Labels scenes for a gripper."""

    def __init__(self, gripper: GripperProfile) -> None:
        self._gripper, self._pick = gripper, PickConfig()
        self._config = AntipodalConfig(
            gap_clearance_m=self._pick.min_opening_margin_m,  # exact widths need no reserve
            min_quality=_MIN_ESTIMATE,
            top_k=_DENSE,
            nms_jaccard=_DENSE_JACCARD,
            nms_angle=float(_DENSE_ANGLE),
            report_too_wide=False,
        )

    def label(self, view: TrueView, cell: Cell, trials: GraspTrials, seed: int) -> SceneLabels:
        """Find candidates, try some, and rate all.

        Args:
            view: The scene from above.
            cell: Its workspace, which ends at the walls.
            trials: The same scene.
            seed: Chooses which candidates are tried.
        """
        grasps, places, owners = self._candidates(view, cell)
        rows = places[:, [0, 1, 3, 4, 5]]  # on the support, where all have one scale
        quality = np.array([grasp.quality for grasp in grasps])
        seen = Observation([], view.depth_m, view.camera, view.T_base_camera, 0.0)
        rng = np.random.default_rng([abs(seed), 3])
        done, outcome = [], np.full(len(rows), np.nan)
        for index in self._choose(rows, quality, rng):
            try:
                target = target_from(grasps[index], seen, self._gripper, cell, self._pick)
            except (CandidateFailure, BadCalibration):
                outcome[index] = 0.0  # the executor would not do it
                continue
            pose = target.T_base_grasp @ _miss(rng)
            hold = trials.try_grasp(view.names[owners[index]], pose, target.opening_m)
            outcome[index] = float(hold is Hold.HELD)
            done.append(TriedGrasp(float(quality[index]), hold))
        quality = _informed(rows, quality, outcome)
        good = quality >= _POSITIVE
        numbers = np.array(owners, np.int64)[good]
        return SceneLabels(places[good], quality[good], numbers, len(rows), tuple(done))

    def shown(self, labels: SceneLabels, view: SyntheticView) -> ViewLabels:
        """The labels whose object a picture shows at their place."""
        T_camera_base = view.T_base_camera.inverse()
        rows, _ = planes_to_rectangles(labels.places, T_camera_base, view.camera)
        seen = [
            index
            for index, (row, owner) in enumerate(zip(rows, labels.owners, strict=True))
            if _shows(view.instances, row[0], row[1], int(owner))
        ]
        return ViewLabels(rows[seen], labels.places[seen], labels.quality[seen])

    def _candidates(
        self, view: TrueView, cell: Cell
    ) -> tuple[list[Grasp], NDArray[np.float64], list[int]]:
        """Candidates on objects, between the walls; their places, and whose they are."""
        frame = RgbdFrame(
            np.zeros((*view.depth_m.shape, 3), np.uint8),
            view.depth_m,
            view.camera,
            T_base_camera=view.T_base_camera,
            support=Plane(np.array([0.0, 0.0, 1.0]), 0.0).seen_from(view.T_base_camera),
        )
        kept: list[Grasp] = []
        owners: list[int] = []
        places: list[tuple[float, ...]] = []
        for grasp in AntipodalDetector(self._gripper, self._config, cell).detect(frame):
            rectangle = grasp.rectangle
            owner = _owner(view.instances, rectangle.u, rectangle.v)
            if not owner:
                continue
            # The camera looks straight down: the grasp plane lies across its axis.
            middle = view.camera.deproject((rectangle.u, rectangle.v), grasp.depth_m)
            closing = (math.cos(rectangle.angle), math.sin(rectangle.angle), 0.0)
            along = view.T_base_camera.rotate(closing)
            kept.append(grasp)
            owners.append(owner)
            places.append(
                (
                    *view.T_base_camera.apply(middle),
                    grasp.width_m,
                    self._gripper.pad_width_m,
                    math.atan2(along[1], along[0]),
                )
            )
        return kept, np.array(places, np.float64).reshape(-1, 6), owners

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


def _around(instances: NDArray[np.uint8], u: float, v: float) -> NDArray[np.uint8]:
    row, column, reach = round(v), round(u), _NEARBY_PX
    return instances[
        max(row - reach, 0) : max(row + reach + 1, 0),
        max(column - reach, 0) : max(column + reach + 1, 0),
    ]


def _owner(instances: NDArray[np.uint8], u: float, v: float) -> int:
    """Number of the object under a pixel, or next to it; 0 for none."""
    around = _around(instances, u, v)
    numbers = around[around > 0]
    return int(np.bincount(numbers).argmax()) if numbers.size else 0


def _shows(instances: NDArray[np.uint8], u: float, v: float, owner: int) -> bool:
    """Whether an object is seen at a pixel of the picture, or next to it."""
    height, width = instances.shape
    inside = 0.0 <= u <= width - 1.0 and 0.0 <= v <= height - 1.0
    return bool(inside and (_around(instances, u, v) == owner).any())


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
