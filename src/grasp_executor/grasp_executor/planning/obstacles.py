"""Obstacles from one depth image: what stands on the support, as boxes, and one object of it."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from grasp_core.camera import PinholeCamera
from grasp_core.height_map import Grid, HeightMap, nearly_highest_points
from grasp_core.transform import Transform
from grasp_executor.scene import Box

_MIN_HEIGHT_M = 0.008  # cells no higher than this above the support are free: depth noise
_LEVEL_M = 0.01
_NEIGHBOURS = np.ones((3, 3), dtype=bool)


def obstacle_map(
    depth_m: NDArray[np.floating],
    camera: PinholeCamera,
    T_base_camera: Transform,
    *,
    bounds: tuple[float, float, float, float],
    support_z: float,
    cell_m: float = 0.01,
    max_height_m: float = 1.0,
) -> HeightMap:
    """Height map of the part of a depth image inside horizontal bounds.

    Args:
        depth_m: Shape (H, W), metres, NaN invalid; without the arm in view.
        camera: Intrinsics of the image.
        T_base_camera: Pose of the optical frame.
        bounds: (x0, x1, y0, y1), metres, base frame.
        support_z: Height of the table or bin floor, metres.
        cell_m: Side of a cell.
        max_height_m: Points further above the support are left out.

    Returns:
        Heights over x and y of the base frame, from the support on.

    Raises:
        ConfigError: The bounds or the cell are empty.
    """
    grid = Grid.over(bounds, cell_m)
    T_base_support = Transform.from_translation(0.0, 0.0, support_z)
    points = camera.point_map(depth_m).reshape(-1, 3)
    points = points[np.isfinite(points[:, 2])]
    points = (T_base_support.inverse() @ T_base_camera).apply(points)
    return nearly_highest_points(points[points[:, 2] < max_height_m], grid, T_base_support)


def occupied(height_map: HeightMap) -> NDArray[np.bool_]:
    """Cells with something on the support, shape (R, C); cells that were not seen are not."""
    return np.asarray(height_map.height_m > _MIN_HEIGHT_M)


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
        Shape (R, C), bool; all False where nothing stands there.
    """
    stands = occupied(height_map)
    region = np.zeros_like(stands)
    across, down = height_map.grid.centres()
    distance = np.hypot(across[None, :] - x, down[:, None] - y)
    distance[~stands] = np.inf
    start = np.unravel_index(int(distance.argmin()), distance.shape)
    if not distance[start] <= search_m + 0.5 * height_map.grid.cell_m:
        return region
    heights = height_map.height_m
    queue = deque([(int(start[0]), int(start[1]))])
    region[start] = True
    while queue:
        row, column = queue.popleft()
        for r in range(max(0, row - 1), min(heights.shape[0], row + 2)):
            for c in range(max(0, column - 1), min(heights.shape[1], column + 2)):
                step = abs(heights[r, c] - heights[row, column])
                if stands[r, c] and not region[r, c] and step <= max_jump_m:
                    region[r, c] = True
                    queue.append((r, c))
    around = ndimage.maximum_filter(np.where(region, heights, -np.inf), size=3)
    fringe = stands & ~region & (heights < around)
    foreign = stands & ~region & ~fringe
    return region | (fringe & ~ndimage.binary_dilation(foreign, _NEIGHBOURS))


def boxes_from_heights(
    height_map: HeightMap,
    *,
    exclude: NDArray[np.bool_] | None = None,
    max_boxes: int = 150,
) -> tuple[Box, ...]:
    """Cover the occupied cells with few boxes that stand on the support.

    Heights are rounded up to 10 mm and equal neighbours merged into rectangles; where that gives
    more than ``max_boxes``, heights are rounded more coarsely, then cells are joined. A box is
    never lower or smaller than what it covers.

    Args:
        height_map: The scene.
        exclude: Cells to leave out, shape (R, C): the target's region.
        max_boxes: At most this many boxes.

    Returns:
        Boxes ``obstacle_0``, ``obstacle_1``, ...
    """
    stands = occupied(height_map) if exclude is None else occupied(height_map) & ~exclude
    if not stands.any():
        return ()
    above = np.where(stands, height_map.height_m, 0.0)
    grid, cell_m, level_m = height_map.grid, height_map.grid.cell_m, _LEVEL_M
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
        T_support_box = Transform.from_translation(
            grid.x0_m + 0.5 * (column0 + column1) * cell_m,
            grid.y0_m + 0.5 * (row0 + row1) * cell_m,
            0.5 * height,
        )
        pose = height_map.T_frame_support @ T_support_box
        boxes.append(Box(f"obstacle_{index}", size, pose))
    return tuple(boxes)


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
