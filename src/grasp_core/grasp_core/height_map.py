"""The scene seen along the support's normal: heights on a square grid, and what was not seen.

Points come in the support frame: its origin on the support, +Z up. Two reductions turn the points
of a cell into its height: the highest of them, for detectors that look for edges of small things,
and nearly the highest, for obstacles, which flying pixels must not raise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from grasp_core.camera import PinholeCamera, ray_map
from grasp_core.errors import ConfigError
from grasp_core.transform import Transform

FloatArray = NDArray[np.floating[Any]]

_RESOLUTION_M = 1e-5


@dataclass(frozen=True)
class Grid:
    """Square cells on the support.

    Cell (row, column) is centred at x = x0 + (column + 0.5) cell, y = y0 + (row + 0.5) cell of the
    support frame.

    Attributes:
        x0_m: Left border, metres.
        y0_m: Lower border, metres.
        cell_m: Side of a cell, metres.
        rows: Number of cells along y.
        columns: Number of cells along x.
    """

    x0_m: float
    y0_m: float
    cell_m: float
    rows: int
    columns: int

    @classmethod
    def over(cls, bounds_m: tuple[float, float, float, float], cell_m: float) -> Grid:
        """The cells that cover x0, x1, y0, y1.

        Raises:
            ConfigError: The bounds or the cell are empty.
        """
        x0, x1, y0, y1 = bounds_m
        if not (x1 > x0 and y1 > y0 and cell_m > 0.0):
            raise ConfigError(
                f"bounds {bounds_m} m with cells of {cell_m} m hold no cell; give x0 < x1, "
                "y0 < y1 and cells above 0"
            )
        columns = math.ceil((x1 - x0) / cell_m - 1e-9)
        return cls(x0, y0, cell_m, math.ceil((y1 - y0) / cell_m - 1e-9), columns)

    def cropped(self, row: int, column: int, rows: int, columns: int) -> Grid:
        """The part of so many rows and columns that begins with a cell."""
        return Grid(
            self.x0_m + column * self.cell_m,
            self.y0_m + row * self.cell_m,
            self.cell_m,
            rows,
            columns,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    def metric(self, column: FloatArray, row: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Cell indices, fractions allowed, to x, y in metres."""
        return (
            self.x0_m + (column + 0.5) * self.cell_m,
            self.y0_m + (row + 0.5) * self.cell_m,
        )

    def centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centres of the columns (x, shape (columns,)) and of the rows (y, shape (rows,))."""
        row, column = (np.arange(size, dtype=np.float64) + 0.5 for size in self.shape)
        return self.x0_m + column * self.cell_m, self.y0_m + row * self.cell_m

    def cells_of(self, points: FloatArray) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Where points of the support frame, shape (N, 3), fall.

        Returns:
            row * columns + column of each point, and which points fall on the grid; the index of
            the others means nothing.
        """
        column = np.floor((points[:, 0] - self.x0_m) / self.cell_m).astype(np.int32)
        row = np.floor((points[:, 1] - self.y0_m) / self.cell_m).astype(np.int32)
        inside = (column >= 0) & (column < self.columns) & (row >= 0) & (row < self.rows)
        return row * self.columns + column, inside


@dataclass(frozen=True, eq=False)
class HeightMap:
    """Heights above the support.

    Attributes:
        height_m: Shape (R, C), metres, 0 where nothing was seen.
        seen: Shape (R, C), bool; cells hidden behind an object are not seen.
        grid: Where the cells lie in the support frame.
        T_frame_support: The support frame in the frame that the map's user works in: the camera's
            optical frame for a detector, the base frame for the executor.
    """

    height_m: FloatArray
    seen: NDArray[np.bool_]
    grid: Grid
    T_frame_support: Transform


def support_points(
    depth_m: NDArray[np.float32], camera: PinholeCamera, T_support_camera: Transform
) -> NDArray[np.float32]:
    """Valid pixels of a depth image as points of the support frame, shape (N, 3), metres."""
    valid = np.isfinite(depth_m) & (depth_m > 0.0)
    points = ray_map(camera)[valid] * depth_m[valid][:, None]
    points = points @ T_support_camera.rotation.T.astype(np.float32)
    points += T_support_camera.translation.astype(np.float32)
    return np.asarray(points, np.float32)


def highest_points(
    points: NDArray[np.float32], grid: Grid, T_frame_support: Transform
) -> HeightMap:
    """Map in which each cell keeps its highest point, and nothing lies below the support.

    Walls that face the camera count at the height of their upper edge and undercuts are not seen,
    exactly as for fingers that come from above. Cells that fell between pixels are filled from
    their neighbours and count as seen; lone spikes are dropped.

    Args:
        points: Shape (N, 3), metres, support frame.
        grid: Cells of the map.
        T_frame_support: See :class:`HeightMap`.
    """
    cell, inside = grid.cells_of(points)
    highest = np.full(grid.rows * grid.columns, -np.inf, dtype=np.float32)
    np.maximum.at(highest, cell[inside], points[inside, 2])
    return filled_map(highest.reshape(grid.shape), grid, T_frame_support)


def filled_map(
    highest: NDArray[np.float32], grid: Grid, T_frame_support: Transform, *, gap_cells: int = 1
) -> HeightMap:
    """Fill cells that fell between pixels from their neighbours, and drop lone spikes.

    Args:
        highest: Shape (R, C), height of each cell, metres; minus infinity where no point fell.
        grid: Cells of the map.
        T_frame_support: See :class:`HeightMap`.
        gap_cells: How far apart neighbouring pixels fall, cells.
    """
    side = 2 * gap_cells + 1
    kernel = np.ones((side, side), np.uint8)
    seen = np.isfinite(highest)
    known = np.where(seen, np.maximum(highest, 0.0), np.float32(0.0))
    count = cv2.boxFilter(seen.astype(np.float32), -1, (side, side), normalize=False)
    total = cv2.boxFilter(known, -1, (side, side), normalize=False)
    closed = cv2.morphologyEx(seen.view(np.uint8), cv2.MORPH_CLOSE, kernel)
    hole = (closed > 0) & ~seen & (count > 0)
    known[hole] = total[hole] / count[hole]
    height_m = np.asarray(cv2.medianBlur(known, 3), np.float32)
    return HeightMap(height_m, seen | hole, grid, T_frame_support)


def nearly_highest_points(
    points: NDArray[np.float64],
    grid: Grid,
    T_frame_support: Transform,
    *,
    fewest_points: int = 3,
    stray_share: float = 0.05,
) -> HeightMap:
    """Map in which each cell keeps its highest point but for a share of strays.

    A hole that three cells by three do not fit in is closed: its cells take the largest height of
    their eight neighbours and count as seen. What is larger stays unseen to its border.

    Args:
        points: Shape (N, 3), metres, support frame.
        grid: Cells of the map.
        T_frame_support: See :class:`HeightMap`.
        fewest_points: A cell with fewer is not seen.
        stray_share: Of a cell's points may lie above its height: flying pixels.
    """
    cell, inside = grid.cells_of(points)
    z = points[inside, 2]
    # One integer sort by cell and height: far faster than sorting by two keys.
    lowest = float(z.min()) if len(z) else 0.0
    above = np.round((z - lowest) / _RESOLUTION_M).astype(np.int64)
    keys = np.sort((cell[inside].astype(np.int64) << 32) + above)
    z = lowest + (keys & 0xFFFFFFFF) * _RESOLUTION_M
    found, first, counts = np.unique(keys >> 32, return_index=True, return_counts=True)
    top = first + counts - 1 - np.floor(stray_share * counts).astype(int)
    highest = np.full(grid.rows * grid.columns, -np.inf)
    enough = counts >= fewest_points
    highest[found[enough]] = z[top[enough]]
    return _closed(highest.reshape(grid.shape), grid, T_frame_support)


def cells_in_view(
    height_map: HeightMap, camera: PinholeCamera, T_camera_support: Transform
) -> NDArray[np.bool_]:
    """Which cells the camera sees both on the support and at the map's greatest height.

    Args:
        height_map: The scene.
        camera: Intrinsics of the image; lens distortion is left out.
        T_camera_support: The map's support frame in the optical frame.

    Returns:
        Shape (R, C), bool.
    """
    in_view = np.ones(height_map.grid.shape, dtype=np.bool_)
    for level_m in (0.0, float(height_map.height_m.max())):
        in_view &= _level_in_view(height_map.grid, level_m, camera, T_camera_support)
    return in_view


def _closed(height: NDArray[np.float64], grid: Grid, T_frame_support: Transform) -> HeightMap:
    """Close small holes of unseen cells, at minus infinity, from their neighbours."""
    unseen = ~np.isfinite(height)
    large = ndimage.binary_opening(np.pad(unseen, 1, constant_values=True), np.ones((3, 3)))
    around = ndimage.maximum_filter(height, size=3, mode="constant", cval=-np.inf)
    height = np.where(unseen & ~large[1:-1, 1:-1], around, height)
    seen = np.isfinite(height)
    return HeightMap(np.where(seen, height, 0.0), seen, grid, T_frame_support)


def _level_in_view(
    grid: Grid, level_m: float, camera: PinholeCamera, T_camera_support: Transform
) -> NDArray[np.bool_]:
    """Which cells at a height lie inside the image."""
    x = grid.x0_m + (np.arange(grid.columns, dtype=np.float32) + 0.5) * grid.cell_m
    y = grid.y0_m + (np.arange(grid.rows, dtype=np.float32) + 0.5) * grid.cell_m
    rotation = T_camera_support.rotation.astype(np.float32)
    origin = T_camera_support.translation.astype(np.float32)
    origin = origin + np.float32(level_m) * rotation[:, 2]
    axes = [
        origin[i] + x[None, :] * rotation[i, 0] + y[:, None] * rotation[i, 1] for i in range(3)
    ]
    depth = np.maximum(axes[2], 1e-6)
    u = axes[0] / depth * camera.fx + camera.cx
    v = axes[1] / depth * camera.fy + camera.cy
    return (axes[2] > 0.0) & (u >= 0.0) & (v >= 0.0) & (u < camera.width) & (v < camera.height)
