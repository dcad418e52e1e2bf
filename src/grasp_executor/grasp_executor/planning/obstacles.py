"""Obstacles from one depth image: a height map, its boxes, and the region of one object."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from grasp_core.camera import PinholeCamera
from grasp_core.errors import ConfigError
from grasp_core.transform import Transform
from grasp_executor.scene import Box

_FEWEST_POINTS = 3  # a cell seen by fewer pixels is unknown
_STRAY_SHARE = 0.05  # of a cell's points may lie above its height: flying pixels
_RESOLUTION_M = 1e-5
_LEVEL_M = 0.01
_NEIGHBOURS = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, eq=False)
class HeightMap:
    """Highest surface over a horizontal grid.

    Attributes:
        origin: (x, y) of the outer corner of cell [0, 0], metres, base frame.
        cell_m: Side of a cell, metres.
        heights: Shape (ny, nx), z in the base frame, metres, rows along y; NaN unknown.
        support_z: Height of the table or bin floor, metres.
        min_height_m: Cells no higher than this above the support are free.
    """

    origin: tuple[float, float]
    cell_m: float
    heights: NDArray[np.float64]
    support_z: float
    min_height_m: float

    @property
    def occupied(self) -> NDArray[np.bool_]:
        """Cells with something on the support, shape (ny, nx); unknown cells are not."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.heights > self.support_z + self.min_height_m)

    def centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centres of the columns (x, shape (nx,)) and of the rows (y, shape (ny,)), metres."""
        rows, columns = (np.arange(size, dtype=np.float64) + 0.5 for size in self.heights.shape)
        x0, y0 = self.origin
        return x0 + columns * self.cell_m, y0 + rows * self.cell_m


def height_map_from_depth(
    depth_m: NDArray[np.floating],
    camera: PinholeCamera,
    T_base_camera: Transform,
    *,
    bounds: tuple[float, float, float, float],
    support_z: float,
    cell_m: float = 0.01,
    min_height_m: float = 0.008,
    max_height_m: float = 1.0,
) -> HeightMap:
    """Height map of the part of a depth image inside horizontal bounds.

    A cell's height is nearly its highest point, few strays apart; a cell without points takes
    the largest height of its eight neighbours, so that shadows one cell wide are closed.

    Args:
        depth_m: Shape (H, W), metres, NaN invalid; without the arm in view.
        camera: Intrinsics of the image.
        T_base_camera: Pose of the optical frame.
        bounds: (x0, x1, y0, y1), metres, base frame.
        support_z: Height of the table or bin floor, metres.
        cell_m: Side of a cell.
        min_height_m: What is free, see :class:`HeightMap`; above the depth noise.
        max_height_m: Points further above the support are left out.

    Raises:
        ConfigError: The bounds or the cell are empty.
    """
    x0, x1, y0, y1 = bounds
    if not (x1 > x0 and y1 > y0 and cell_m > 0.0):
        raise ConfigError(f"bounds {bounds} m with cells of {cell_m} m hold no cell")
    columns, rows = math.ceil((x1 - x0) / cell_m - 1e-9), math.ceil((y1 - y0) / cell_m - 1e-9)
    points = camera.point_map(depth_m).reshape(-1, 3)
    points = T_base_camera.apply(points[np.isfinite(points[:, 2])])
    column = np.floor((points[:, 0] - x0) / cell_m).astype(int)
    row = np.floor((points[:, 1] - y0) / cell_m).astype(int)
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    inside &= points[:, 2] < support_z + max_height_m
    # One integer sort by cell and height: far faster than sorting by two keys.
    lowest = float(points[inside, 2].min()) if inside.any() else 0.0
    above = np.round((points[inside, 2] - lowest) / _RESOLUTION_M).astype(np.int64)
    keys = np.sort(((row * columns + column)[inside].astype(np.int64) << 32) + above)
    z = lowest + (keys & 0xFFFFFFFF) * _RESOLUTION_M
    seen, first, counts = np.unique(keys >> 32, return_index=True, return_counts=True)
    top = first + counts - 1 - np.floor(_STRAY_SHARE * counts).astype(int)
    heights = np.full(rows * columns, np.nan)
    enough = counts >= _FEWEST_POINTS
    heights[seen[enough]] = z[top[enough]]
    return HeightMap(
        (x0, y0), cell_m, _closed(heights.reshape(rows, columns)), support_z, min_height_m
    )


def region_of(
    height_map: HeightMap,
    x: float,
    y: float,
    *,
    max_jump_m: float = 0.015,
    search_m: float = 0.03,
) -> NDArray[np.bool_]:
    """Cells of the object at a point: connected, without a step between neighbours.

    A fringe one cell wide that is lower than the object and touches nothing else belongs to it.

    Args:
        height_map: The scene.
        x: Grasp point, metres, base frame.
        y: Grasp point, metres, base frame.
        max_jump_m: Largest height difference of neighbouring cells of one object.
        search_m: How far from the point the object's nearest cell may lie.

    Returns:
        Shape (ny, nx), bool; all False where nothing stands there.
    """
    occupied = height_map.occupied
    region = np.zeros_like(occupied)
    across, down = height_map.centres()
    distance = np.hypot(across[None, :] - x, down[:, None] - y)
    distance[~occupied] = np.inf
    start = np.unravel_index(int(distance.argmin()), distance.shape)
    if not distance[start] <= search_m + 0.5 * height_map.cell_m:
        return region
    heights = height_map.heights
    queue = deque([(int(start[0]), int(start[1]))])
    region[start] = True
    while queue:
        row, column = queue.popleft()
        for r in range(max(0, row - 1), min(heights.shape[0], row + 2)):
            for c in range(max(0, column - 1), min(heights.shape[1], column + 2)):
                step = abs(heights[r, c] - heights[row, column])
                if occupied[r, c] and not region[r, c] and step <= max_jump_m:
                    region[r, c] = True
                    queue.append((r, c))
    around = ndimage.maximum_filter(np.where(region, heights, -np.inf), size=3)
    fringe = occupied & ~region & (heights < around)
    foreign = occupied & ~region & ~fringe
    return region | (fringe & ~ndimage.binary_dilation(foreign, _NEIGHBOURS))


def boxes_from_heights(
    height_map: HeightMap,
    *,
    exclude: NDArray[np.bool_] | None = None,
    prefix: str = "obstacle",
    max_boxes: int = 150,
) -> tuple[Box, ...]:
    """Cover the occupied cells with few boxes that stand on the support.

    Heights are rounded up to 10 mm and equal neighbours merged into rectangles; where that gives
    more than ``max_boxes``, heights are rounded more coarsely, then cells are joined. A box is
    never lower or smaller than what it covers.

    Args:
        height_map: The scene.
        exclude: Cells to leave out, shape (ny, nx): the target's region. NaN cells are left out.
        prefix: Names are ``prefix_0``, ``prefix_1``, ...
        max_boxes: At most this many boxes.
    """
    occupied = height_map.occupied if exclude is None else height_map.occupied & ~exclude
    if not occupied.any():
        return ()
    above = np.where(occupied, height_map.heights - height_map.support_z, 0.0)
    cell_m, level_m = height_map.cell_m, _LEVEL_M
    levels = np.ceil(above / level_m - 1e-9).astype(int)
    rectangles = _rectangles(levels)
    while len(rectangles) > max(1, max_boxes):
        if level_m < above.max():
            level_m *= 2.0
        else:
            cell_m *= 2.0
            above = _joined(above)
        levels = np.ceil(above / level_m - 1e-9).astype(int)
        rectangles = _rectangles(levels)
    boxes = []
    for index, (row0, row1, column0, column1) in enumerate(rectangles):
        height = float(above[row0:row1, column0:column1].max())
        height = min(level_m, _LEVEL_M) * math.ceil(height / min(level_m, _LEVEL_M) - 1e-9)
        size = ((column1 - column0) * cell_m, (row1 - row0) * cell_m, height)
        centre = (
            height_map.origin[0] + 0.5 * (column0 + column1) * cell_m,
            height_map.origin[1] + 0.5 * (row0 + row1) * cell_m,
            height_map.support_z + 0.5 * height,
        )
        boxes.append(Box(f"{prefix}_{index}", size, Transform.from_translation(*centre)))
    return tuple(boxes)


def _closed(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.where(np.isnan(heights), -np.inf, heights)
    around = ndimage.maximum_filter(known, size=3, mode="constant", cval=-np.inf)
    return np.where(np.isnan(heights) & np.isfinite(around), around, heights)


def _joined(above: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest of each 2x2 block."""
    rows, columns = (-(-size // 2) for size in above.shape)
    padded = np.zeros((2 * rows, 2 * columns))
    padded[: above.shape[0], : above.shape[1]] = above
    return np.asarray(padded.reshape(rows, 2, columns, 2).max(axis=(1, 3)))


def _rectangles(levels: NDArray[np.int_]) -> list[tuple[int, int, int, int]]:
    """Greedy cover of cells above 0 by rectangles of one level: (row0, row1, column0, column1)."""
    open_cells = levels > 0
    found = []
    for row, column in np.argwhere(open_cells):
        if not open_cells[row, column]:
            continue
        same = open_cells & (levels == levels[row, column])
        column1 = int(column) + 1
        while column1 < levels.shape[1] and same[row, column1]:
            column1 += 1
        row1 = int(row) + 1
        while row1 < levels.shape[0] and same[row1, column:column1].all():
            row1 += 1
        open_cells[row:row1, column:column1] = False
        found.append((int(row), row1, int(column), column1))
    return found
