"""The scene seen along the support's normal: an orthographic map of heights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.errors import ConfigError
from grasp_core.transform import Transform
from grasp_detection.support import ray_map

FloatArray = NDArray[np.floating[Any]]

_MAX_CELLS = 1_500_000


@dataclass(frozen=True, eq=False)
class HeightMap:
    """Heights above the support on a square grid.

    Cell (row, column) is centred at x = x0 + (column + 0.5) cell, y = y0 + (row + 0.5) cell of the
    support frame.

    Attributes:
        height_m: Shape (R, C), float32, metres, 0 where nothing was seen.
        seen: Shape (R, C), bool; cells hidden behind an object are not seen.
        in_view: Shape (R, C), bool; cells inside the image at every height up to the highest.
        x0_m: Left border, metres.
        y0_m: Lower border, metres.
        cell_m: Side of a cell, metres.
        T_camera_support: Frame of the map in the camera's optical frame.
    """

    height_m: NDArray[np.float32]
    seen: NDArray[np.bool_]
    in_view: NDArray[np.bool_]
    x0_m: float
    y0_m: float
    cell_m: float
    T_camera_support: Transform

    def metric(self, column: FloatArray, row: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Cell indices, fractions allowed, to x, y in metres."""
        return (
            self.x0_m + (column + 0.5) * self.cell_m,
            self.y0_m + (row + 0.5) * self.cell_m,
        )


def build_height_map(
    depth_m: NDArray[np.float32],
    camera: PinholeCamera,
    T_camera_support: Transform,
    *,
    cell_m: float,
    margin_m: float,
    object_height_m: tuple[float, float],
) -> HeightMap | None:
    """Rasterise a depth image along the support's normal.

    Each cell keeps its highest point, so walls that face the camera count at the height of their
    upper edge and undercuts are not seen, exactly as for fingers that come from above.

    Args:
        depth_m: Shape (H, W), metres, NaN invalid.
        camera: Intrinsics of the image.
        T_camera_support: From :func:`grasp_detection.support.find_support`.
        cell_m: Side of a cell.
        margin_m: Border kept free around everything of an object's height.
        object_height_m: Lowest and highest height of objects.

    Returns:
        The map, or None where nothing stands on the support.

    Raises:
        ConfigError: The cells are too small for so large a scene.
    """
    T_support_camera = T_camera_support.inverse()
    valid = np.isfinite(depth_m) & (depth_m > 0.0)
    points = ray_map(camera)[valid] * depth_m[valid][:, None]
    points = points @ T_support_camera.rotation.T.astype(np.float32)
    points += T_support_camera.translation.astype(np.float32)
    low, high = object_height_m
    standing = points[(points[:, 2] > low) & (points[:, 2] < high)]
    if not len(standing):
        return None
    # Percentiles, so that a few stray pixels do not blow the map up.
    x_min, y_min = np.percentile(standing[:, :2], 0.05, axis=0) - margin_m
    x_max, y_max = np.percentile(standing[:, :2], 99.95, axis=0) + margin_m
    columns, rows = int((x_max - x_min) / cell_m) + 1, int((y_max - y_min) / cell_m) + 1
    if columns * rows > _MAX_CELLS:
        raise ConfigError(
            f"what stands on the support spreads over {x_max - x_min:.1f} x {y_max - y_min:.1f} "
            f"m, which is {columns * rows} cells of cell_m = {cell_m}, and at most {_MAX_CELLS} "
            "are searched: raise cell_m, or show the camera less"
        )
    column = np.floor((points[:, 0] - x_min) / cell_m).astype(np.int32)
    row = np.floor((points[:, 1] - y_min) / cell_m).astype(np.int32)
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    height = np.full(rows * columns, -np.inf, dtype=np.float32)
    np.maximum.at(height, row[inside] * columns + column[inside], points[inside, 2])
    height_m, seen = _fill_pinholes(height.reshape(rows, columns))
    # A cell counts as in view where the camera sees both the support and the highest object.
    in_view = np.ones((rows, columns), dtype=np.bool_)
    for level in (0.0, float(height_m.max())):
        in_view &= _cells_in_view(
            rows, columns, (float(x_min), float(y_min), level), cell_m, camera, T_camera_support
        )
    return HeightMap(height_m, seen, in_view, float(x_min), float(y_min), cell_m, T_camera_support)


def _fill_pinholes(
    height: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Fill cells that fell between pixels from their neighbours, then drop lone spikes."""
    seen = np.isfinite(height)
    known = np.where(seen, np.maximum(height, 0.0), 0.0).astype(np.float32)
    count = cv2.boxFilter(seen.astype(np.float32), -1, (3, 3), normalize=False)
    total = cv2.boxFilter(known, -1, (3, 3), normalize=False)
    closed = cv2.morphologyEx(seen.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    hole = (closed > 0) & ~seen & (count > 0)
    known[hole] = total[hole] / count[hole]
    seen |= hole
    return np.asarray(cv2.medianBlur(known, 3), np.float32), seen


def _cells_in_view(
    rows: int,
    columns: int,
    corner_m: tuple[float, float, float],
    cell_m: float,
    camera: PinholeCamera,
    T_camera_support: Transform,
) -> NDArray[np.bool_]:
    """Which cells at a height lie inside the image; lens distortion is left out."""
    x = corner_m[0] + (np.arange(columns, dtype=np.float32) + 0.5) * cell_m
    y = corner_m[1] + (np.arange(rows, dtype=np.float32) + 0.5) * cell_m
    rotation = T_camera_support.rotation.astype(np.float32)
    origin = T_camera_support.translation.astype(np.float32)
    origin = origin + np.float32(corner_m[2]) * rotation[:, 2]
    axes = [
        origin[i] + x[None, :] * rotation[i, 0] + y[:, None] * rotation[i, 1] for i in range(3)
    ]
    depth = np.maximum(axes[2], 1e-6)
    u = axes[0] / depth * camera.fx + camera.cx
    v = axes[1] / depth * camera.fy + camera.cy
    return (axes[2] > 0.0) & (u >= 0.0) & (v >= 0.0) & (u < camera.width) & (v < camera.height)
