"""A learned detector that looks at a square of the camera's picture, as it is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from grasp_core.cell import Cell
from grasp_core.errors import BadImage
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp
from grasp_core.rectangle import GraspRectangle
from grasp_core.robot import GripperProfile
from grasp_detection.learned.centring import centre
from grasp_detection.learned.config import LearnedConfig
from grasp_detection.learned.inputs import MAX_INPUT_PX
from grasp_detection.learned.model import LearnedModel
from grasp_detection.learned.relief import relief
from grasp_detection.learned.window import FloatArray, Window
from grasp_detection.learned.workspace_view import workspace_view
from grasp_detection.stage_timer import StageTimer

_SPARSE = 8


class PictureDetection:
    """Cuts a window, asks the network, and centres rectangles on what depth shows.

    ``depth_m`` and ``width_m`` are left open: what the network says of width is in pixels.
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
        """Rank the grasps of a frame.

        Raises:
            BadCalibration: The camera does not see the workspace.
            BadImage: The configured window lies outside the picture.
        """
        config = self._config
        heights_m = relief(frame.depth_m)
        timer.end("relief")
        window = self.window(frame)
        channels = self._model.inputs(frame.color, frame.depth_m, window, heights_m)
        timer.end("input")
        outputs = self._model.predict(channels)
        timer.end("network")
        ranking = self._model.read(
            outputs, config.top_k, window.to_picture, min_quality=config.min_quality
        )
        timer.end("reading")
        rows = self._centred(ranking.rows, frame, heights_m)
        timer.end("centring")
        self.remark = "" if len(rows) else "the network sees nothing to grasp in the picture"
        return [
            Grasp(
                GraspRectangle(*map(float, row)),
                quality=float(quality),
                raw_score=float(raw),
                level=ranking.level,
                label=ranking.label(index),
                model=self._name,
            )
            for index, (row, quality, raw) in enumerate(
                zip(rows, ranking.quality, ranking.raw_score, strict=True)
            )
            if quality >= config.min_quality and raw >= config.min_raw_score
        ]

    def _centred(
        self, rows: FloatArray, frame: RgbdFrame, heights_m: NDArray[np.float32]
    ) -> FloatArray:
        """Rectangles on what the depth image shows between their jaws."""
        config, depth_m = self._config, frame.depth_m
        if not config.centre or not len(rows):
            return rows
        column = np.clip(rows[:, 0].round(), 0, depth_m.shape[1] - 1).astype(int)
        row = np.clip(rows[:, 1].round(), 0, depth_m.shape[0] - 1).astype(int)
        there_m = depth_m[row, column].astype(np.float64)
        unknown = ~np.isfinite(there_m)
        if unknown.any():
            there_m[unknown] = _median(depth_m)
        if np.isnan(there_m).any():
            return rows
        return centre(
            rows,
            heights_m,
            _focal_px(frame) / there_m,
            self._gripper,
            finger_depth_m=config.finger_depth_m,
            support_clearance_m=config.support_clearance_m,
        )

    def input_px(self, frame: RgbdFrame) -> int:
        """Side of the network's input for a frame, pixels."""
        return self.window(frame).size

    def window(self, frame: RgbdFrame) -> Window:
        """The part of a picture that the network sees, and in which size.

        Raises:
            BadCalibration: The camera does not see the workspace.
            BadImage: The configured window lies outside the picture.
        """
        height, width = frame.depth_m.shape
        if self._config.window_px:
            u0, v0, side = self._config.window_px
            if u0 + side > width or v0 + side > height:
                raise BadImage(
                    f"window_px {list(self._config.window_px)} leaves the picture of "
                    f"{width}x{height} px: set left column, top row and side inside it"
                )
            window = Window(u0, v0, side, self._model.size)
        elif self._cell is not None and frame.T_base_camera is not None:
            square = workspace_view(self._cell, frame.camera, frame.T_base_camera)
            window = Window(*square, self._model.size)
        else:
            window = Window.centred(height, width, self._model.size)
        return replace(window, size=self._config.input_px or self._known_size(frame, window))

    def _known_size(self, frame: RgbdFrame, window: Window) -> int:
        """Side of the input in which the scene is as large as in training, pixels."""
        known_m, size = self._model.metadata.get("view_m"), self._model.size
        if known_m is None:
            return size
        top, left, side = round(window.v0), round(window.u0), round(window.side)
        # Most of what is seen is the support.
        depth_m = _median(frame.depth_m[top : top + side, left : left + side])
        if math.isnan(depth_m):
            return size
        shown_m = window.side * depth_m / _focal_px(frame)
        stride = self._model.family.stride
        strides = round(size * shown_m / known_m / stride)
        return int(np.clip(strides, 1, MAX_INPUT_PX // stride)) * stride


def _median(depth_m: NDArray[np.float32]) -> float:
    """Median of what was measured, of every eighth row and column; NaN where that is nothing."""
    some = depth_m[::_SPARSE, ::_SPARSE]
    measured = some[np.isfinite(some)]
    return float(np.median(measured)) if len(measured) else math.nan


def _focal_px(frame: RgbdFrame) -> float:
    return 0.5 * (frame.camera.fx + frame.camera.fy)
