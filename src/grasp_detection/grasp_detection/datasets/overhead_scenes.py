"""Synthetic scenes as networks of the overhead view see them: heights, from straight above.

The folder is one by ``grasp data synthesize``, see
:mod:`grasp_benchmark.synthesis.files`. Each picture's measured depth goes the way of the node's
frames, to a height map on the support; half of the pictures with the workspace and the camera's
pose known, half without. Labels are the scene's grasps in metres.
"""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.cell import Cell
from grasp_core.errors import ConfigError
from grasp_core.frame import RgbdFrame
from grasp_core.overhead import CELL_M, OverheadView, look_down
from grasp_core.support import NoSupport
from grasp_core.transform import Transform
from grasp_detection.datasets.dataset import DatasetError, Record, Sample
from grasp_detection.datasets.files import read_depth_m, require_folder
from grasp_detection.datasets.labels import read_shares
from grasp_detection.learned.overhead_input import OverheadInput
from grasp_detection.learned.window import move_rectangles

_SIDE_PX = 292  # of the pictures, one pixel a cell
_ABOVE_M = 1.0  # the depth images are those of a camera so high, without perspective
_SUNK_M = 0.012  # a label whose surface was measured lower than that was not seen
_NEARBY_CELLS = 5
_SUPPORT_M, _SUPPORT_RAD = 0.01, math.radians(3.0)  # a support found further off is a wrong one


class OverheadScenes:
    """Views of a folder of synthetic scenes; see the module's description.

    Attributes:
        view_m: What the side of a picture shows, metres.
    """

    name = "overhead"
    view_m = _SIDE_PX * CELL_M

    def __init__(self, root: Path) -> None:
        """List the views of finished scenes.

        Raises:
            DatasetError: No folder, or no finished scene in it.
        """
        self.root = require_folder(root)
        self._views: list[tuple[Path, int]] = []
        self.records: list[Record] = []
        for path in sorted(self.root.glob("*/scene*.json")):
            for number in range(len(_read(path)["views"])):
                name = f"{path.parent.name}/{number}_{path.stem}"
                self._views.append((path, number))
                self.records.append(Record(name, name, path.stem))
        if not self.records:
            raise DatasetError(
                f"{self.root} holds no finished synthetic scene: give a folder by `grasp data "
                "synthesize`"
            )

    def load(self, index: int) -> Sample:
        """Read one view; see :class:`grasp_detection.datasets.dataset.Dataset`.

        Its depth has no perspective, and no hole: what was not seen is as high as the support.
        """
        path, number = self._views[index]
        about = _read(path)
        stem = path.with_name(f"{number}_{path.stem}")
        depth_m = read_depth_m(stem.with_name(f"{stem.name}_stereo_depth.tiff"))
        places = _read_places(stem.with_name(f"{stem.name}_places.txt"))
        quality = read_shares(stem.with_name(f"{stem.name}_quality.txt"))
        if len(places) != len(quality):
            raise DatasetError(
                f"{stem}_places.txt has {len(places)} lines for {len(quality)} of quality: copy "
                "both again"
            )
        try:
            frame, T_base_camera = _frame(about, number, depth_m)
            view = _look(frame, T_base_camera, _cell(about), known=index % 2 == 0)
        except (KeyError, TypeError, ConfigError, NoSupport) as error:
            raise DatasetError(f"{path}: {error}: make the scene again") from error
        relief_m, rows, seen = _drawn(view, T_base_camera, places)
        return Sample(
            self.records[index],
            None,
            np.float32(_ABOVE_M) - relief_m,
            rows[seen],
            np.empty((0, 5)),
            grasp_quality=quality[seen],
            relief_m=relief_m,
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        about = dict(json.loads(path.read_text(encoding="utf-8")))
        about["views"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DatasetError(f"{path} is broken: delete it, and make the scene again") from error
    return about


def _read_places(path: Path) -> NDArray[np.float64]:
    """Shape (N, 6): x, y, z, opening, jaw, angle."""
    try:
        lines = path.read_text(encoding="utf-8").split()
        return np.array([line.split(";") for line in lines], np.float64).reshape(-1, 6)
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {path}: {error}") from error


def _frame(
    about: dict[str, Any], number: int, depth_m: NDArray[np.float32]
) -> tuple[RgbdFrame, Transform]:
    """The measured frame, which does not know its pose, and T_base_camera."""
    view = about["views"][number]
    pose = np.array(view["T_base_camera"], np.float64)
    color, camera = np.zeros((*depth_m.shape, 3), np.uint8), PinholeCamera(**view["camera"])
    T_base_camera = Transform.from_rotation(pose[:3, :3], pose[:3, 3])
    return RgbdFrame(color, depth_m, camera), T_base_camera


def _cell(about: dict[str, Any]) -> Cell:
    return Cell(
        workspace_min=tuple(about["workspace_min"]), workspace_max=tuple(about["workspace_max"])
    )


def _look(frame: RgbdFrame, T_base_camera: Transform, cell: Cell, *, known: bool) -> OverheadView:
    """The scene from above; with the workspace where that is known, or the support not found."""
    if not known:
        with contextlib.suppress(NoSupport):
            view = look_down(frame)
            if _is_right(T_base_camera @ view.height_map.T_frame_support, cell):
                return view
    return look_down(replace(frame, T_base_camera=T_base_camera), cell)


def _is_right(T_base_support: Transform, cell: Cell) -> bool:
    """Whether the support that was found is the one that the objects stand on."""
    low, high = np.array(cell.workspace_min), np.array(cell.workspace_max)
    middle = T_base_support.inverse().apply((*(0.5 * (low + high)[:2]), cell.support_z_m))
    turn = math.acos(float(np.clip(T_base_support.rotation[2, 2], -1.0, 1.0)))
    return bool(abs(middle[2]) < _SUPPORT_M and turn < _SUPPORT_RAD)


def _drawn(
    view: OverheadView, T_base_camera: Transform, places: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_]]:
    """Heights on a square in the middle of what is looked at, labels on it, and which are seen."""
    shown = OverheadInput.of(view, 1.0 / CELL_M, 1, 10 * _SIDE_PX)
    whole = shown.relief(view)
    T_base_support = T_base_camera @ view.height_map.T_frame_support
    rows, top_m = _on_map(T_base_support.inverse(), places, shown)
    left, above = ((_SIDE_PX - size) // 2 for size in (shown.width, shown.height))
    shift = np.array([[1.0, 0.0, left], [0.0, 1.0, above]])
    relief_m = cv2.warpAffine(whole, shift, (_SIDE_PX, _SIDE_PX), flags=cv2.INTER_NEAREST)
    rows = move_rectangles(rows, shift)
    nearby = np.ones((_NEARBY_CELLS, _NEARBY_CELLS), np.uint8)
    highest = np.asarray(cv2.dilate(relief_m, nearby))
    u, v = np.rint(rows[:, :2]).astype(int).T
    inside = (u >= 0) & (v >= 0) & (u < _SIDE_PX) & (v < _SIDE_PX)
    measured = highest[np.where(inside, v, 0), np.where(inside, u, 0)]
    return np.asarray(relief_m, np.float32), rows, inside & (measured > top_m - _SUNK_M)


def _on_map(
    T_support_base: Transform, places: NDArray[np.float64], shown: OverheadInput
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places as rectangles of the input, shape (N, 5), and their heights above the support."""
    points = T_support_base.apply(places[:, :3])
    closing = np.column_stack([np.cos(places[:, 5]), np.sin(places[:, 5]), np.zeros(len(places))])
    along = closing @ T_support_base.rotation.T
    cell_m, grid = shown.grid.cell_m, shown.grid
    cells = np.column_stack(
        [
            (points[:, 0] - grid.x0_m) / cell_m - 0.5,
            (points[:, 1] - grid.y0_m) / cell_m - 0.5,
            places[:, 3] / cell_m,
            places[:, 4] / cell_m,
            np.arctan2(along[:, 1], along[:, 0]),
        ]
    )
    return move_rectangles(cells, shown.matrix), points[:, 2]
