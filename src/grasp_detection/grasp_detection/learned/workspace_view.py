"""The part of a camera's picture that shows the workspace: what a learned detector looks at."""

from __future__ import annotations

import itertools

import numpy as np

from grasp_core.camera import PinholeCamera
from grasp_core.cell import Cell
from grasp_core.errors import BadCalibration
from grasp_core.transform import Transform

_OBJECT_HEIGHT_M = 0.1  # what stands on the support at the edge of the workspace is seen, too
_DIGITS = 6  # of pixels that count: a pose that has been on the wire must not move the window

Square = tuple[float, float, float]
"""Left column, top row and side of a part of the picture, pixels."""


def workspace_view(cell: Cell, camera: PinholeCamera, T_base_camera: Transform) -> Square:
    """Smallest square round the workspace's picture, moved and shrunk into the frame.

    Args:
        cell: Whose workspace box and support height count.
        camera: Intrinsics of the picture.
        T_base_camera: Pose of the camera's optical frame.

    Raises:
        BadCalibration: The camera does not see the workspace.
    """
    (x0, y0, _), (x1, y1, _) = cell.workspace_min, cell.workspace_max
    heights = (cell.support_z_m, cell.support_z_m + _OBJECT_HEIGHT_M)
    corners = np.array(list(itertools.product((x0, x1), (y0, y1), heights)))
    points = T_base_camera.inverse().apply(corners)
    if (points[:, 2] <= 0.0).any():
        raise BadCalibration("the workspace lies behind the camera: check the camera's pose")
    pixels = np.asarray(camera.project(points)).round(_DIGITS)
    limit = np.array([camera.width, camera.height], float)
    low, high = np.clip(pixels.min(axis=0), 0, limit), np.clip(pixels.max(axis=0), 0, limit)
    side = float(np.ceil(min(max(high - low), *limit)))
    if (high - low).min() < 1.0:
        raise BadCalibration("the camera does not see the workspace: check the camera's pose")
    corner = np.clip(np.floor((low + high - side) / 2.0), 0.0, limit - side)
    return float(corner[0]), float(corner[1]), side
