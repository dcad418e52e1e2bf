"""Space that nobody has seen, as obstacles: what the camera missed, and all beyond its view."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.cell import Cell, Solid
from grasp_core.height_map import HeightMap
from grasp_core.transform import Transform
from grasp_core.unseen import Unseen
from grasp_executor.planning.obstacles import boxes_from_heights
from grasp_executor.scene import UNKNOWN, Box

_MAX_COLUMNS = 40
_SLIVER_M = 0.001  # what is left of a box is no thinner

Bounds = tuple[float, float, float, float]


def view_bounds(
    camera: PinholeCamera, T_base_camera: Transform, cell: Cell, margin_m: float
) -> Bounds:
    """The part of the support that a camera can see, and the workspace: x0, x1, y0, y1, metres.

    Args:
        camera: Intrinsics of the image.
        T_base_camera: Pose of the optical frame.
        cell: Its workspace with a margin is part of it, and what is too far away for the arm not.
        margin_m: Of the workspace.
    """
    corners = [(u, v) for u in (0, camera.width - 1) for v in (0, camera.height - 1)]
    rays = camera.rays(np.array(corners, dtype=np.float64)) @ T_base_camera.rotation.T
    drop = T_base_camera.translation[2] - cell.support_z_m
    reach = cell.unknown_reach_m
    # A ray that does not come down ends far away.
    length = drop / np.maximum(-rays[:, 2], drop / (10.0 * reach))
    ends = T_base_camera.translation[:2] + rays[:, :2] * length[:, None]
    low = np.minimum(ends.min(axis=0), np.array(cell.workspace_min[:2]) - margin_m)
    high = np.maximum(ends.max(axis=0), np.array(cell.workspace_max[:2]) + margin_m)
    (x0, y0), (x1, y1) = np.clip(low, -reach, reach), np.clip(high, -reach, reach)
    return float(x0), float(x1), float(y0), float(y1)


def unknown_boxes(
    height_map: HeightMap, unseen: Unseen, cell: Cell, *, known: NDArray[np.bool_] | None = None
) -> tuple[Box, ...]:
    """Everything that is not known to be free, but for what the cell declares so.

    Args:
        height_map: What was seen.
        unseen: How tall the rest may be.
        cell: Its free space.
        known: Cells of the map to leave out, shape (R, C).

    Returns:
        Boxes ``unknown_0``, ``unknown_1``, ...
    """
    bound_m = unseen.bound_m if known is None else np.where(known, 0.0, unseen.bound_m)
    columns = HeightMap(bound_m, height_map.seen, height_map.grid, height_map.T_frame_support)
    seen_boxes = boxes_from_heights(columns, max_boxes=_MAX_COLUMNS)
    grid = height_map.grid
    bounds = (
        grid.x0_m,
        grid.x0_m + grid.columns * grid.cell_m,
        grid.y0_m,
        grid.y0_m + grid.rows * grid.cell_m,
    )
    corners = [_corners(box) for box in seen_boxes] + _frame(bounds, cell)
    return _boxes(_without(corners, cell.free_boxes()))


def _frame(bounds: Bounds, cell: Cell) -> list[NDArray[np.float64]]:
    """All around the map, out to where the arm cannot reach."""
    x0, x1, y0, y1 = bounds
    reach, floor = cell.unknown_reach_m, cell.support_z_m
    top = floor + cell.unknown_height_m
    around = (
        ((-reach, x0, -reach, reach), (x1, reach, -reach, reach)),
        (
            (x0, x1, -reach, y0),
            (x0, x1, y1, reach),
        ),
    )
    return [
        np.array([[xa, ya, floor], [xb, yb, top]])
        for pair in around
        for xa, xb, ya, yb in pair
        if xb - xa > _SLIVER_M and yb - ya > _SLIVER_M
    ]


def _without(
    boxes: Iterable[NDArray[np.float64]], free: Iterable[Solid]
) -> list[NDArray[np.float64]]:
    """Boxes (low and high corner, shape (2, 3)) less the free ones, as smaller boxes."""
    left = list(boxes)
    for solid in free:
        center, half = np.array(solid.center), np.array(solid.size_m) / 2.0
        hole = np.stack([center - half, center + half])
        left = [piece for box in left for piece in _cut(box, hole)]
    return left


def _cut(box: NDArray[np.float64], hole: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """What is left of a box around a hole: up to two pieces on each axis, from x to z."""
    if np.any(np.minimum(box[1], hole[1]) - np.maximum(box[0], hole[0]) <= 0.0):
        return [box]
    pieces, rest = [], box.copy()
    for axis in range(3):
        for side, other in ((0, 1), (1, 0)):
            piece = rest.copy()
            piece[other, axis] = hole[side, axis]
            if piece[1, axis] - piece[0, axis] > _SLIVER_M:
                pieces.append(piece)
                rest[side, axis] = hole[side, axis]
    return pieces


def _corners(box: Box) -> NDArray[np.float64]:
    half = np.array(box.size_m) / 2.0
    return np.stack([box.pose.translation - half, box.pose.translation + half])


def _boxes(corners: list[NDArray[np.float64]]) -> tuple[Box, ...]:
    found = []
    for index, (low, high) in enumerate(corners):
        size, center = high - low, (low + high) / 2.0
        pose = Transform.from_translation(*center)
        found.append(Box(f"{UNKNOWN}_{index}", (size[0], size[1], size[2]), pose))
    return tuple(found)
