"""The scene of a depth image seen straight down onto its support, from any camera pose.

Tilt, distance and size of the picture no longer matter: a height map in metres, with a mask of
what was not seen, cut to the workspace where that is known and else to what stands on the support.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera, ray_map
from grasp_core.cell import Cell
from grasp_core.frame import RgbdFrame
from grasp_core.height_map import Grid, HeightMap, filled_map
from grasp_core.known_support import prior_support
from grasp_core.support import NoSupport, find_support, support_frame, thinned_points
from grasp_core.transform import Transform

CELL_M = 0.002
TALLEST_M = 0.35  # what is taller does not stand there to be grasped
_STANDS_M = 0.008  # lower things belong to the support
_MOST_CELLS = 400_000
_MOST_GAP = 4  # cells between neighbouring pixels that are closed
_MARGIN_M = 0.05  # seen round what is looked at: fingers need room
_STRIDE_PX = 4  # of the pixels that tell where things stand
_BLOCK_M = 0.02  # they are looked for in blocks so large
_SHADOW = 13  # blocks: parts of the support nearer than that to one another may belong together
_LEAST_BLOCKS = 8
_BLOCKS = 160  # along either side of what is looked at, round the optical axis
_WALL_M = 0.022  # walls of bins reach so far between the borders of what is seen of their floor
_BORDER_PX = 4.0  # from the border of the picture
_NEAREST_M = 0.05  # nearer corners of the scene cannot be projected
_LEAST_POINTS = 12  # in a patch of blocks: less is noise


@dataclass(frozen=True, eq=False)
class OverheadView:
    """A scene as a height map.

    Attributes:
        height_map: Heights above the support; ``T_frame_support`` is T_camera_support.
        inside: Shape (R, C), bool; the cells where grasps are looked for: the workspace, or what
            lies between the borders of the support that was seen.
        cut: Shape (R, C), bool; what is connected to the picture's border or to something taller
            than objects are: part of a robot, of a wall, or of an object of which more is unseen.
        border_m: Grasps keep so far from the border of ``inside``: walls of bins stand there, but
            not round a workspace.
        remark: What the user should know of it, such as coarser cells; empty for nothing.
    """

    height_map: HeightMap
    inside: NDArray[np.bool_]
    cut: NDArray[np.bool_]
    border_m: float = 0.0
    remark: str = ""

    def contains(self, places: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which places, shape (N, 2), metres, are inside, away from walls."""
        cells, on_map = self.height_map.grid.cells_of(places)
        side = 2 * round(self.border_m / self.height_map.grid.cell_m) + 1
        inner = cv2.erode(self.inside.view(np.uint8), np.ones((side, side), np.uint8))
        return np.asarray(on_map & (inner.ravel()[np.where(on_map, cells, 0)] > 0))

    def occupied(self, least_m: float, margin_m: float) -> OverheadView:
        """The part of the view that holds all that stands in it, and a margin."""
        scene = self.height_map
        rows, columns = np.nonzero(self.inside & (scene.height_m > least_m))
        if not len(rows):
            return self
        margin = math.ceil(margin_m / scene.grid.cell_m)
        (top, bottom), (left, right) = (
            (max(0, int(at.min()) - margin), min(size, int(at.max()) + margin + 1))
            for at, size in zip((rows, columns), scene.grid.shape, strict=True)
        )
        grid = scene.grid.cropped(top, left, bottom - top, right - left)
        part = (slice(top, bottom), slice(left, right))
        cropped = HeightMap(
            np.ascontiguousarray(scene.height_m[part]),
            np.ascontiguousarray(scene.seen[part]),
            grid,
            scene.T_frame_support,
        )
        inside, cut = (np.ascontiguousarray(one[part]) for one in (self.inside, self.cut))
        return replace(self, height_map=cropped, inside=inside, cut=cut)


def look_down(
    frame: RgbdFrame,
    cell: Cell | None = None,
    *,
    cell_m: float = CELL_M,
    max_tilt: float = 1.22,
    margin_m: float = _MARGIN_M,
) -> OverheadView:
    """Turn a frame into a view from straight above.

    The support is, in this order: the one that the frame gives; the cell's, seen near the place
    where it is expected or else taken to be just there; one that is found. With a cell, the view
    is cut to its workspace, else to what stands between the borders of the support.

    Args:
        frame: With depth, and with the camera's pose where that is known.
        cell: Whose table and workspace count; None for none.
        cell_m: Side of a cell, metres; coarser where a scene is too large.
        max_tilt: Largest angle between the optical axis and the support's normal, radians.
        margin_m: Border round what is looked at.

    Raises:
        NoSupport: No support is seen, or nothing stands on it.
    """
    support = _support(frame, cell, max_tilt)
    if cell is not None and frame.T_base_camera is not None:
        T_camera_support, area = _workspace(support, frame.T_base_camera, cell)
        border, border_m = np.array(list(itertools.product(area[:2], area[2:]))), 0.0
    else:
        T_camera_support = support
        (border, area), border_m = _occupied(frame, support.inverse()), _WALL_M
    bounds = (area[0] - margin_m, area[1] + margin_m, area[2] - margin_m, area[3] + margin_m)
    cells = (bounds[1] - bounds[0]) * (bounds[3] - bounds[2]) / cell_m**2
    remark = ""
    if cells > _MOST_CELLS:
        cell_m *= math.sqrt(cells / _MOST_CELLS)
        remark = (
            f"a scene of {bounds[1] - bounds[0]:.1f} x {bounds[3] - bounds[2]:.1f} m is looked at "
            f"in cells of {1000 * cell_m:.1f} mm: give a region, or a cell with a workspace"
        )
    grid = Grid.over(bounds, cell_m)
    heights = _heights(frame.depth_m, frame.camera, T_camera_support.inverse(), grid)
    gap_cells = _gap_cells(frame.camera, T_camera_support, grid)
    height_map = filled_map(heights, grid, T_camera_support, gap_cells=gap_cells)
    cut = _cut_off(height_map, frame.camera)
    return OverheadView(height_map, _within(border, grid), cut, border_m, remark)


def _support(frame: RgbdFrame, cell: Cell | None, max_tilt: float) -> Transform:
    """T_camera_support, see :func:`look_down`."""
    if frame.support is not None:
        return support_frame(frame.support)
    if cell is None or frame.T_base_camera is None:
        up = None if frame.T_base_camera is None else frame.T_base_camera.rotation[2]
        return find_support(frame.depth_m, frame.camera, up=up, max_tilt=max_tilt)
    known = prior_support(frame, cell, max_tilt)
    if known is None:
        raise NoSupport(
            f"the camera looks at the table at more than {math.degrees(max_tilt):.0f} degrees "
            "from straight down: check its pose, and the cell's support_z_m"
        )
    return known


def _workspace(
    T_camera_support: Transform, T_base_camera: Transform, cell: Cell
) -> tuple[Transform, tuple[float, float, float, float]]:
    """The support with x along the base's, origin below the workspace's middle; the workspace."""
    low, high = np.array(cell.workspace_min), np.array(cell.workspace_max)
    middle, half = 0.5 * (low + high)[:2], 0.5 * (high - low)[:2]
    T_base_support = T_base_camera @ T_camera_support
    normal = T_base_support.rotation[:, 2]
    height = -((middle - T_base_support.translation[:2]) @ normal[:2]) / normal[2]
    origin = np.append(middle, T_base_support.translation[2] + height)
    x_axis = np.array([1.0, 0.0, 0.0]) - normal[0] * normal
    x_axis /= np.linalg.norm(x_axis)
    rotation = np.stack([x_axis, np.cross(normal, x_axis), normal], axis=1)
    T_base_level = Transform.from_rotation(rotation, origin)
    area = (-half[0], half[0], -half[1], half[1])
    return T_base_camera.inverse() @ T_base_level, area


def _occupied(
    frame: RgbdFrame, T_support_camera: Transform
) -> tuple[NDArray[np.float64], tuple[float, float, float, float]]:
    """Where things stand between the borders of the support.

    Returns:
        Corners of the convex hull of the part of the support that was seen, shape (N, 2), metres;
        and bounds x0, x1, y0, y1 of what stands in it.

    Raises:
        NoSupport: Nothing does.
    """
    step = _stride(frame)
    points = T_support_camera.apply(thinned_points(frame.depth_m, frame.camera, step))
    height_m, blocks = points[:, 2], np.floor(points[:, :2] / _BLOCK_M).astype(int)
    near = (np.abs(blocks) < _BLOCKS // 2).all(axis=1)
    blocks += _BLOCKS // 2
    standing = near & (height_m > _STANDS_M) & (height_m < TALLEST_M)
    flat = near & (np.abs(height_m) <= _STANDS_M)
    try:
        floor = _seen_floor(blocks[flat], blocks[standing])
    except NoSupport:
        if frame.support is None:
            raise
        floor = _seen_floor(blocks[standing], blocks[standing])  # things hide all of it
    border = np.zeros_like(floor)
    hull = cv2.convexHull(cv2.findNonZero(floor))
    cv2.fillConvexPoly(border, hull, 1)
    counts = np.zeros(border.shape, np.int32)
    np.add.at(counts, (blocks[standing, 1], blocks[standing, 0]), 1)
    counts *= border
    _, label = cv2.connectedComponents((counts > 0).view(np.uint8), connectivity=8)
    sizes = np.bincount(label.ravel(), counts.ravel())
    rows, columns = np.nonzero((sizes >= _LEAST_POINTS)[label] & (label > 0))
    if not len(rows):
        raise NoSupport("nothing stands on the support")
    (x0, y0), (x1, y1) = (
        (_BLOCK_M * (np.array(corner) - _BLOCKS // 2)).tolist()
        for corner in ((columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1))
    )
    corners = np.asarray(_BLOCK_M * (hull[:, 0] + 0.5 - _BLOCKS // 2), np.float64)
    return corners, (x0, x1, y0, y1)


def _stride(frame: RgbdFrame) -> int:
    """Of how many pixels one is looked at, so that several fall into each block."""
    some = frame.depth_m[::_STRIDE_PX, ::_STRIDE_PX]
    seen = some[np.isfinite(some)]
    distance_m = float(np.median(seen)) if seen.size else 1.0
    apart_m = distance_m / min(frame.camera.fx, frame.camera.fy)
    return int(np.clip(0.5 * _BLOCK_M / max(apart_m, 1e-6), 1, _STRIDE_PX))


def _seen_floor(floor: NDArray[np.intp], standing: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Mask of the blocks of the largest part of the support that nothing standing cuts through.

    Parts between which nothing was seen, such as shadows of objects, belong together; what lies
    beyond the wall of a bin does not.

    Raises:
        NoSupport: Hardly anything of it is seen.
    """
    mask, walls = (np.zeros((_BLOCKS, _BLOCKS), np.uint8) for _ in range(2))
    mask[floor[:, 1], floor[:, 0]] = 1
    walls[standing[:, 1], standing[:, 0]] = 1
    joined = cv2.dilate(mask, np.ones((_SHADOW, _SHADOW), np.uint8))
    joined = np.where((walls > 0) & (mask == 0), 0, joined).astype(np.uint8)
    _, label = cv2.connectedComponents(joined, connectivity=4)
    sizes = np.bincount(label.ravel(), mask.ravel())
    if sizes.max() < _LEAST_BLOCKS:
        raise NoSupport("hardly anything of the support is seen")
    return np.asarray((label == sizes.argmax()) & (mask > 0)).view(np.uint8)


def _within(border: NDArray[np.float64], grid: Grid) -> NDArray[np.bool_]:
    """Which cells lie within a convex border, corners of shape (N, 2), metres."""
    pixels = (border - (grid.x0_m, grid.y0_m)) / grid.cell_m
    mask = np.zeros(grid.shape, np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(pixels).astype(np.int32)), 1)
    return np.asarray(mask > 0)


def _cut_off(scene: HeightMap, camera: PinholeCamera) -> NDArray[np.bool_]:
    """Patches that stand out and reach the picture's border or the height of no object."""
    grid, height_m = scene.grid, scene.height_m
    solid = (height_m > _STANDS_M).view(np.uint8)
    _, label = cv2.connectedComponents(solid, connectivity=8)
    rows, columns = np.nonzero(solid)
    x, y = grid.metric(1.0 * columns, 1.0 * rows)
    points = scene.T_frame_support.apply(np.stack([x, y, height_m[rows, columns]], axis=1))
    pixels = camera.project(points)
    away = np.minimum(pixels, (camera.width - 1, camera.height - 1) - pixels).min(axis=1)
    marked = (away < _BORDER_PX) | (height_m[rows, columns] >= TALLEST_M)
    touched = np.zeros(int(label.max()) + 1, bool)
    touched[label[rows[marked], columns[marked]]] = True
    return np.asarray(touched[label])


def _heights(
    depth_m: NDArray[np.float32], camera: PinholeCamera, T_support_camera: Transform, grid: Grid
) -> NDArray[np.float32]:
    """Highest point of each cell, metres; minus infinity where there is none."""
    part = _part_of(camera, T_support_camera.inverse(), grid)
    depth = depth_m[part]
    x, y, z = (
        depth * along + np.float32(offset)
        for along, offset in _axes(camera, part, T_support_camera, grid)
    )
    # NaN, where nothing was measured, is inside nothing.
    inside = (x >= 0.0) & (x < grid.columns) & (y >= 0.0) & (y < grid.rows)
    those = np.flatnonzero(inside)
    row, column = (at.ravel().take(those).astype(np.int32) for at in (y, x))
    height_m = np.minimum(z.ravel().take(those), np.float32(TALLEST_M))
    highest = np.full(grid.rows * grid.columns, -np.inf, np.float32)
    np.maximum.at(highest, row * grid.columns + column, height_m)
    return highest.reshape(grid.shape)


def _axes(
    camera: PinholeCamera, part: tuple[slice, slice], T_support_camera: Transform, grid: Grid
) -> Iterator[tuple[NDArray[np.float32], float]]:
    """What each pixel's depth is multiplied by, and what is added, for column, row and height."""
    rotation, origin = T_support_camera.rotation, T_support_camera.translation
    units, starts = (grid.cell_m, grid.cell_m, 1.0), (grid.x0_m, grid.y0_m, 0.0)
    rows, columns = (np.arange(one.start, one.stop) for one in part)
    for axis, shift, unit, start in zip(rotation, origin, units, starts, strict=True):
        if camera.is_distorted:
            along = ray_map(camera)[part] @ (axis / unit).astype(np.float32)
        else:
            # Without lens distortion, what a column adds is the same in every row.
            across = (axis[0] * (columns - camera.cx) / camera.fx + axis[2]) / unit
            down = axis[1] * (rows - camera.cy) / camera.fy / unit
            along = across.astype(np.float32) + down.astype(np.float32)[:, None]
        yield along, float((shift - start) / unit)


def _part_of(
    camera: PinholeCamera, T_camera_support: Transform, grid: Grid
) -> tuple[slice, slice]:
    """Rows and columns of the image that can show the grid, or anything above it."""
    whole = slice(0, camera.height), slice(0, camera.width)
    x = (grid.x0_m, grid.x0_m + grid.columns * grid.cell_m)
    y = (grid.y0_m, grid.y0_m + grid.rows * grid.cell_m)
    corners = T_camera_support.apply(list(itertools.product(x, y, (0.0, TALLEST_M))))
    if corners[:, 2].min() < _NEAREST_M or camera.is_distorted:
        return whole
    pixels = camera.project(corners)
    low = np.clip(np.floor(pixels.min(axis=0)), 0, (camera.width, camera.height)).astype(int)
    high = np.clip(np.ceil(pixels.max(axis=0)) + 1, 0, (camera.width, camera.height)).astype(int)
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def _gap_cells(camera: PinholeCamera, T_camera_support: Transform, grid: Grid) -> int:
    """How far apart neighbouring pixels fall on the support in the middle of the grid, cells."""
    x, y = grid.metric(np.array(0.5 * grid.columns), np.array(0.5 * grid.rows))
    middle = T_camera_support.apply((float(x), float(y), 0.0))
    distance_m = float(np.linalg.norm(middle))
    slant = abs(float(middle @ T_camera_support.rotation[:, 2])) / distance_m
    apart_m = distance_m / min(camera.fx, camera.fy) / max(slant, 0.2)
    return int(np.clip(math.ceil(apart_m / grid.cell_m), 1, _MOST_GAP))
