"""How tall what a camera has not seen may be, by the rays that passed over it.

A camera proves free what lies between it and the surface it measures. Above a cell that it does
not see, the lowest point on a ray that went on beyond is free, and what stands in the cell must
end below it, for things stand on the support. The same holds above a cell whose seen part may go
on: where the image ends just above it, its top is not known.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from grasp_core.camera import PinholeCamera
from grasp_core.height_map import HeightMap
from grasp_core.transform import Transform

_LEVEL_M = 0.02  # the heights that are looked at
_DEPTH_ERROR_M = 0.01  # a surface this far in front of a point does not hide it: noise
_STANDS_M = 0.008  # cells no higher than this are the support


@dataclass(frozen=True, eq=False)
class Unseen:
    """What may be where nothing was seen.

    Attributes:
        bound_m: Height above the support that each cell may be filled up to, shape (R, C), metres;
            0 where it is known to be no higher than what was seen.
        hidden_by: The cell, row * columns + column, of the surface in front of the foot of each
            cell, shape (R, C); -1 where there is none: a hole, or outside the image.
    """

    bound_m: NDArray[np.float64]
    hidden_by: NDArray[np.int64]

    def behind(self, region: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Cells that lie hidden behind those of a region, shape (R, C)."""
        seen_by = region.ravel()[np.maximum(self.hidden_by, 0)]
        return np.asarray(seen_by & (self.hidden_by >= 0) & (self.bound_m > 0.0))


def unseen_columns(
    height_map: HeightMap,
    depth_m: NDArray[np.floating],
    camera: PinholeCamera,
    T_support_camera: Transform,
    *,
    most_m: float,
    hole_m: float,
) -> Unseen:
    """Bound the height of what was not seen, cell by cell.

    Args:
        height_map: What was seen.
        depth_m: The image that it was made of, shape (H, W), metres, NaN invalid.
        camera: Its intrinsics.
        T_support_camera: Pose of the optical frame in the map's support frame.
        most_m: Nothing is taller than this, above the support.
        hole_m: Holes in the depth that are narrower are closed by the nearest surface around.
    """
    sight = Sight(_without_small_holes(depth_m, camera, hole_m), camera, T_support_camera)
    seen, heights = height_map.seen, height_map.height_m
    stands = seen & (heights > _STANDS_M)
    rows, columns = np.nonzero(~seen | stands)
    x, y = height_map.grid.centres()
    x, y = x[columns], y[rows]
    from_m = np.where(stands, heights + _LEVEL_M, 0.0)[rows, columns]
    bound = np.full(len(rows), most_m)
    open_cells = np.ones(len(rows), dtype=bool)
    for height_m in np.arange(0.0, most_m, _LEVEL_M):
        look = np.flatnonzero(open_cells & (from_m <= height_m))
        points = np.stack([x[look], y[look], np.full(len(look), height_m)], axis=-1)
        free = look[sight.passes(points)]
        bound[free] = height_m
        open_cells[free] = False
    known = np.where(stands[rows, columns], heights[rows, columns] + 2.0 * _LEVEL_M, _STANDS_M)
    bound[bound <= known + 1e-9] = 0.0
    bounds = np.zeros(seen.shape)
    bounds[rows, columns] = bound
    hidden_by = np.full(seen.shape, -1, dtype=np.int64)
    feet = np.stack([x, y, np.zeros_like(x)], axis=-1)
    surface, hit = sight.surface(feet)
    cells, inside = height_map.grid.cells_of(surface)
    hidden_by[rows, columns] = np.where(hit & inside, cells, -1)
    # A hole may begin within a cell whose rest was seen.
    holes = np.where(~seen & (hidden_by < 0), bounds, 0.0)
    return Unseen(np.maximum(bounds, ndimage.maximum_filter(holes, size=3)), hidden_by)


class Sight:
    """What one depth image says of points of the support frame."""

    def __init__(
        self, depth_m: NDArray[np.floating], camera: PinholeCamera, T_support_camera: Transform
    ) -> None:
        """Prepare.

        Args:
            depth_m: Shape (H, W), metres, NaN invalid.
            camera: Its intrinsics.
            T_support_camera: Pose of the optical frame in the support frame.
        """
        self._depth_m, self._camera = depth_m, camera
        self._T_support_camera = T_support_camera
        self._T_camera_support = T_support_camera.inverse()
        corners = [(u, v) for u in (0, camera.width - 1) for v in (0, camera.height - 1)]
        plane = camera.rays(np.array(corners, dtype=np.float64))[:, :2]
        # Far outside the image, a model of lens distortion may fold points back into it.
        self._widest = np.abs(plane).max(axis=0) * 1.05

    def passes(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the ray to each point, shape (N, 3), was seen to reach it, shape (N,)."""
        depth_m, distance_m = self._measured(points)[:2]
        return np.asarray(depth_m >= distance_m - _DEPTH_ERROR_M)  # NaN passes nothing

    def surface(
        self, points: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Where the ray to each point, shape (N, 3), ends, and whether that is known."""
        depth_m, distance_m, in_camera = self._measured(points)
        known = np.isfinite(depth_m)
        scale = np.where(known, depth_m, 1.0) / np.where(known, distance_m, 1.0)
        return self._T_support_camera.apply(in_camera * scale[:, None]), known

    def _measured(
        self, points: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Measured depth at each point, NaN where there is none; its own; it in the camera."""
        in_camera = self._T_camera_support.apply(points)
        distance_m = in_camera[:, 2]
        depth_m = np.full(len(points), np.nan)
        ahead = distance_m > 1e-3
        ratio = np.abs(in_camera[:, :2]) / np.where(ahead, distance_m, 1.0)[:, None]
        look = np.flatnonzero(ahead & np.all(ratio <= self._widest, axis=1))
        pixels = np.rint(self._camera.project(in_camera[look])).astype(int)
        inside = np.all((pixels >= 0) & (pixels < (self._camera.width, self._camera.height)), 1)
        u, v = pixels[inside].T
        depth_m[look[inside]] = self._depth_m[v, u]
        return depth_m, distance_m, in_camera


def _without_small_holes(
    depth_m: NDArray[np.floating], camera: PinholeCamera, hole_m: float
) -> NDArray[np.float64]:
    """Fill holes narrower than ``hole_m`` at the scene's distance with the nearest surface."""
    depth = np.asarray(depth_m, dtype=np.float32)
    valid = np.isfinite(depth) & (depth > 0.0)
    if not valid.any():
        return np.full(depth.shape, np.nan)
    across = hole_m * min(camera.fx, camera.fy) / float(np.median(depth[valid]))
    side = 2 * int(across / 2.0) + 1
    kernel = np.ones((side, side), dtype=np.uint8)
    closed = cv2.morphologyEx(valid.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0
    nearest = cv2.erode(np.where(valid, depth, np.float32(np.inf)), kernel)
    filled = np.where(valid, depth, np.where(closed & np.isfinite(nearest), nearest, np.nan))
    return np.asarray(filled, np.float64)
