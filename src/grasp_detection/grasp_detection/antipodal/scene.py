"""The part of the support that matters for grasping, as a height map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.errors import ConfigError
from grasp_core.height_map import Grid, HeightMap, highest_points, support_points
from grasp_core.transform import Transform

_MAX_CELLS = 1_500_000


def map_objects(
    depth_m: NDArray[np.float32],
    camera: PinholeCamera,
    T_camera_support: Transform,
    *,
    cell_m: float,
    margin_m: float,
    object_height_m: tuple[float, float],
) -> HeightMap | None:
    """Height map round everything that stands on the support.

    Args:
        depth_m: Shape (H, W), metres, NaN invalid.
        camera: Intrinsics of the image.
        T_camera_support: From :func:`grasp_core.support.find_support`.
        cell_m: Side of a cell.
        margin_m: Border kept free around everything of an object's height.
        object_height_m: Lowest and highest height of objects.

    Returns:
        The map, or None where nothing stands on the support.

    Raises:
        ConfigError: The cells are too small for so large a scene.
    """
    points = support_points(depth_m, camera, T_camera_support.inverse())
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
    grid = Grid(float(x_min), float(y_min), cell_m, rows, columns)
    return highest_points(points, grid, T_camera_support)
