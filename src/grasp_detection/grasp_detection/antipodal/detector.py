"""The antipodal detector: height map, cross-sections, rating, ranking."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from grasp_core.cell import Cell
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp, Level
from grasp_core.height_map import HeightMap, cells_in_view
from grasp_core.overhead import OverheadView, look_down
from grasp_core.projection import planes_to_rectangles
from grasp_core.rectangle import GraspRectangle, suppress
from grasp_core.robot import GripperProfile
from grasp_core.support import NoSupport
from grasp_detection.antipodal.config import AntipodalConfig
from grasp_detection.antipodal.quality import (
    FloatArray,
    Objects,
    can_hold,
    find_objects,
    log_odds,
    measure,
    probability,
)
from grasp_detection.antipodal.search import Sections, TurnedMap, find_sections, turned_maps

_TOO_WIDE_SLACK = 2.0  # log-odds below the best at which a too wide grasp may still be reported
_MARGIN_M = 0.05  # round what stands there: fingers need room
_BUCKET_M = 0.006  # of grasps with the same axis and nearly the same place, only the best is kept


@dataclass(frozen=True, eq=False)
class _Rated:
    """Rated grasps in the support frame, arrays of shape (N,)."""

    x_m: FloatArray
    y_m: FloatArray
    angle: FloatArray
    width_m: FloatArray
    top_m: FloatArray
    fits: NDArray[np.bool_]
    log_odds: FloatArray

    def __len__(self) -> int:
        return len(self.x_m)


class AntipodalDetector:
    """Model-free grasps for a parallel gripper that approaches along the support's normal.

    ``quality`` estimates the probability that the grasp holds, fitted on simulated grasps of
    single objects, and ``raw_score`` is its log-odds. Where every grasp is wider than the gripper
    opens, the narrowest is returned with quality 0 and says so in ``width_m``.

    Attributes:
        remark: What is to be known of the last answer, such as why it is empty.
    """

    name = "antipodal"

    def __init__(
        self,
        gripper: GripperProfile,
        config: AntipodalConfig | None = None,
        cell: Cell | None = None,
    ) -> None:
        """Put together.

        Args:
            gripper: Its dimensions limit the grasps.
            config: Settings; None for their defaults.
            cell: Whose table is the support, and whose workspace is searched, where a frame tells
                the camera's pose; None if unknown.
        """
        self._gripper = gripper
        self._config = config or AntipodalConfig()
        self._cell = cell
        self.remark = ""

    def detect(self, frame: RgbdFrame) -> list[Grasp]:
        """Rank the grasps of one frame; see :class:`grasp_detection.detector.Detector`."""
        config = self._config
        try:
            view = look_down(
                frame,
                self._cell,
                cell_m=config.cell_m,
                max_tilt=config.max_tilt,
                margin_m=_MARGIN_M,
            )
        except NoSupport as error:
            self.remark = str(error)
            return []
        self.remark = view.remark
        view = view.occupied(config.min_object_height_m, _MARGIN_M)
        scene = view.height_map
        rated = self._rate(scene, cells_in_view(scene, frame.camera, scene.T_frame_support))
        grasps = [] if rated is None else self._ranked(frame, view, rated)
        if not grasps:
            self.remark = "nothing on the support offers two opposite sides with room beside them"
        return grasps

    def _rate(self, scene: HeightMap, in_view: NDArray[np.bool_]) -> _Rated | None:
        objects = find_objects(scene, self._config)
        if objects is None:
            return None
        found: list[_Rated] = []
        for turned in turned_maps(scene, in_view, self._gripper, self._config):
            sections = find_sections(turned, self._gripper, self._config)
            if len(sections):
                found.append(self._rate_sections(turned, sections, objects))
        if not found:
            return None
        return _Rated(
            *(np.concatenate([getattr(part, f.name) for part in found]) for f in fields(_Rated))
        )

    def _rate_sections(self, turned: TurnedMap, sections: Sections, objects: Objects) -> _Rated:
        friction = self._config.friction
        features = measure(turned, sections, objects, self._gripper, self._config)
        odds = log_odds(features, friction)
        possible = can_hold(features, friction)
        possible &= ~sections.fits | (probability(odds) >= self._config.min_quality)
        sections, odds = sections.keep(possible), odds[possible]
        x_m, y_m = turned.metric(0.5 * (sections.start + sections.stop - 1.0), sections.row * 1.0)
        return _Rated(
            x_m=x_m,
            y_m=y_m,
            angle=np.full(len(sections), turned.angle),
            width_m=(sections.stop - sections.start) * turned.source.grid.cell_m,
            top_m=sections.top_m,
            fits=sections.fits,
            log_odds=odds,
        )

    def _ranked(self, frame: RgbdFrame, view: OverheadView, rated: _Rated) -> list[Grasp]:
        config, scene = self._config, view.height_map
        allowed = view.contains(np.stack([rated.x_m, rated.y_m], axis=1))
        fitting = allowed & rated.fits
        if fitting.any():
            chosen = np.nonzero(fitting)[0]
            order = _best_of_buckets(rated, chosen)
            order = order[np.argsort(-rated.log_odds[order], kind="stable")][: 12 * config.top_k]
        elif config.report_too_wide and allowed.any():
            chosen = np.nonzero(allowed)[0]
            good = rated.log_odds[chosen] >= rated.log_odds[chosen].max() - _TOO_WIDE_SLACK
            facing = chosen[good]
            order = facing[np.argsort(rated.width_m[facing], kind="stable")][:1]
        else:
            return []
        # Suppression on the support plane, where all grasps have the same scale.
        rows = np.stack(
            [
                rated.x_m[order],
                rated.y_m[order],
                rated.width_m[order],
                np.full(len(order), self._gripper.pad_width_m),
                rated.angle[order],
            ],
            axis=1,
        )
        kept = suppress(
            rows,
            rated.log_odds[order],
            jaccard=config.nms_jaccard,
            angle=config.nms_angle,
            limit=config.top_k,
        )
        return self._grasps(frame, scene, rated, order[kept])

    def _grasps(
        self, frame: RgbdFrame, scene: HeightMap, rated: _Rated, which: NDArray[np.intp]
    ) -> list[Grasp]:
        places = np.stack(
            [
                rated.x_m[which],
                rated.y_m[which],
                rated.top_m[which],
                rated.width_m[which],
                np.full(len(which), self._gripper.pad_width_m),
                rated.angle[which],
            ],
            axis=1,
        )
        rows, depth_m = planes_to_rectangles(places, scene.T_frame_support, frame.camera)
        quality = np.where(rated.fits[which], probability(rated.log_odds[which]), 0.0)
        return [
            Grasp(
                rectangle=GraspRectangle(*map(float, row)),
                quality=float(quality[index]),
                raw_score=float(rated.log_odds[which[index]]),
                depth_m=float(depth_m[index]),
                level=Level.GEOMETRY,
                model=self.name,
                width_m=float(places[index, 3]),
            )
            for index, row in enumerate(rows)
        ]


def _best_of_buckets(rated: _Rated, chosen: NDArray[np.intp]) -> NDArray[np.intp]:
    """The best grasp of each small place and axis, which keeps suppression cheap."""
    key = np.stack(
        [
            np.round(rated.x_m[chosen] / _BUCKET_M),
            np.round(rated.y_m[chosen] / _BUCKET_M),
            np.round(np.degrees(rated.angle[chosen])),
        ],
        axis=1,
    ).astype(np.int64)
    order = np.argsort(-rated.log_odds[chosen], kind="stable")
    _, first = np.unique(key[order], axis=0, return_index=True)
    return chosen[order[np.sort(first)]]
