"""A learned detector that looks at the scene from straight above, whatever the camera's pose."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from grasp_core.cell import Cell
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp, Level
from grasp_core.overhead import OverheadView, look_down
from grasp_core.projection import PlanarGrasp, plane_to_rectangle
from grasp_core.rectangle import suppress
from grasp_core.robot import GripperProfile
from grasp_core.support import NoSupport
from grasp_core.transform import Transform
from grasp_core.unseen import Sight
from grasp_detection.learned.closing import (
    REASONS,
    WIDE,
    Closings,
    close_on,
    too_wide_sections,
)
from grasp_detection.learned.config import LearnedConfig
from grasp_detection.learned.inputs import MAX_INPUT_PX
from grasp_detection.learned.model import LearnedModel
from grasp_detection.learned.overhead_input import OverheadInput
from grasp_detection.learned.window import FloatArray
from grasp_detection.ranking import Ranking
from grasp_detection.stage_timer import StageTimer

_OUTSIDE = 0.02  # of the quality is left outside what is looked at
_CUT = 0.3  # of what reaches the picture's border, or the height of no object
_PROPOSED = 0.2  # of the least quality: what closes well may make up for the network's doubts
_LEAST_WIDTH_M = 0.004


class OverheadDetection:
    """Looks down, asks the network, and tries on the height map what it proposes.

    Attributes:
        remark: What is to be known of the last answer, such as why it is empty.
    """

    def __init__(
        self,
        name: str,
        model: LearnedModel,
        gripper: GripperProfile,
        config: LearnedConfig,
        cell: Cell | None,
    ) -> None:
        self._name, self._model = name, model
        self._gripper, self._config, self._cell = gripper, config, cell
        self.remark = ""

    def detect(self, frame: RgbdFrame, timer: StageTimer) -> list[Grasp]:
        """Rank the grasps of a frame."""
        try:
            view = look_down(frame, self._cell)
        except NoSupport as error:
            self.remark = str(error)
            return []
        self.remark = view.remark
        timer.end("view")
        shown = self._input(view)
        channels = self._model.overhead_inputs(shown.relief(view))
        timer.end("input")
        outputs = self._model.predict(channels)
        timer.end("network")
        config = self._config
        ranking = self._model.read(
            outputs, config.top_k, shown.to_metres, min_quality=_PROPOSED * config.min_quality
        )
        timer.end("reading")
        closings = self._closings(ranking.rows, frame, view)
        quality = ranking.quality * closings.factor * _place_factor(closings.rows, view)
        grasps = self._grasps(closings, quality, ranking, frame, view)
        timer.end("closing")
        if not grasps:
            self.remark = _why_none(closings, ranking.quality, quality)
            grasps = self._too_wide(closings, ranking, frame, view)
        return grasps

    def input_px(self, frame: RgbdFrame) -> int:
        """Longer side of the network's input for a frame, pixels.

        Raises:
            NoSupport: No support is seen.
        """
        shown = self._input(look_down(frame, self._cell))
        return max(shown.width, shown.height)

    def _input(self, view: OverheadView) -> OverheadInput:
        stride, asked = self._model.family.stride, self._config.input_px
        if asked:
            return OverheadInput.of(view, math.inf, stride, asked)
        px_per_m = self._model.size / self._model.view_m
        return OverheadInput.of(view, px_per_m, stride, MAX_INPUT_PX)

    def _closings(self, rows: FloatArray, frame: RgbdFrame, view: OverheadView) -> Closings:
        T_support_camera = view.height_map.T_frame_support.inverse()
        return close_on(
            rows,
            view.height_map,
            self._gripper,
            finger_depth_m=self._config.finger_depth_m,
            support_clearance_m=self._config.support_clearance_m,
            sight=Sight(frame.depth_m, frame.camera, T_support_camera),
        )

    def _grasps(
        self,
        closings: Closings,
        quality: NDArray[np.float64],
        ranking: Ranking,
        frame: RgbdFrame,
        view: OverheadView,
    ) -> list[Grasp]:
        config, raw_score = self._config, ranking.raw_score
        kept = np.flatnonzero(
            (quality >= config.min_quality) & (raw_score >= config.min_raw_score)
        )
        kept = kept[np.argsort(-quality[kept], kind="stable")]
        # Several proposals may have been moved onto the same place.
        kept = kept[
            suppress(
                closings.rows[kept],
                quality[kept],
                jaccard=config.nms_jaccard,
                angle=config.nms_angle,
                limit=config.top_k,
            )
        ]
        return [
            self._grasp(
                closings.rows[index],
                float(closings.top_m[index]),
                float(quality[index]),
                float(raw_score[index]),
                ranking.level,
                ranking.label(int(index)),
                frame,
                view.height_map.T_frame_support,
            )
            for index in kept
        ]

    def _too_wide(
        self, closings: Closings, ranking: Ranking, frame: RgbdFrame, view: OverheadView
    ) -> list[Grasp]:
        """The narrowest of the proposals that the jaws do not open wide enough for.

        Its quality is 0 and its width what was seen: the executor tells that it is too wide.
        """
        if not self._config.report_too_wide:
            return []
        those = np.flatnonzero((closings.reason == WIDE) & view.contains(closings.rows[:, :2]))
        if not len(those):
            return []
        rows = too_wide_sections(
            closings.rows[those],
            view.height_map,
            self._gripper,
            finger_depth_m=self._config.finger_depth_m,
            support_clearance_m=self._config.support_clearance_m,
        )
        narrowest = int(rows[:, 2].argmin())
        index = those[narrowest]
        return [
            self._grasp(
                rows[narrowest],
                float(closings.top_m[index]),
                0.0,
                float(ranking.raw_score[index]),
                ranking.level,
                ranking.label(int(index)),
                frame,
                view.height_map.T_frame_support,
            )
        ]

    def _grasp(
        self,
        row: NDArray[np.float64],
        top_m: float,
        quality: float,
        raw_score: float,
        level: Level,
        label: str,
        frame: RgbdFrame,
        T_camera_support: Transform,
    ) -> Grasp:
        x, y, width_m, _, angle = map(float, row)
        planar = PlanarGrasp(
            centre=T_camera_support.apply((x, y, top_m)),
            closing=T_camera_support.rotate((math.cos(angle), math.sin(angle), 0.0)),
            approach=T_camera_support.rotate((0.0, 0.0, -1.0)),
            width_m=max(width_m, _LEAST_WIDTH_M),
        )
        rectangle, depth_m = plane_to_rectangle(planar, frame.camera, self._gripper.pad_width_m)
        return Grasp(
            rectangle,
            quality=quality,
            raw_score=raw_score,
            depth_m=depth_m,
            level=level,
            label=label,
            model=self._name,
            width_m=planar.width_m,
        )


def _place_factor(rows: FloatArray, view: OverheadView) -> NDArray[np.float64]:
    """What is left of the quality by where in the view a grasp is, shape (N,)."""
    inside = view.contains(rows[:, :2])
    cells, on_map = view.height_map.grid.cells_of(rows[:, :2])
    cut = on_map & view.cut.ravel()[np.where(on_map, cells, 0)]
    return np.where(inside, np.where(cut, _CUT, 1.0), _OUTSIDE)


def _why_none(
    closings: Closings, proposed: NDArray[np.float64], quality: NDArray[np.float64]
) -> str:
    """Why nothing is left of what was proposed."""
    if not len(proposed):
        return "the network sees nothing to grasp on the support"
    counts = Counter(REASONS[reason] for reason in closings.reason)
    told = [f"{text} ({count})" for text, count in counts.most_common() if text]
    if closes := counts[""]:
        told.append(f"unseen, cut off, or sides that slant ({closes})")
    return (
        f"of {len(proposed)} places that the network proposes none can be grasped well (best "
        f"quality {quality.max():.2f}): {', '.join(told)}"
    )
