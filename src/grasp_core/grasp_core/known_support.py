"""The support as the cell and the camera's pose say it is, against what the depth image shows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.cell import Cell
from grasp_core.frame import RgbdFrame
from grasp_core.support import Plane, fit_plane, support_frame, thinned_points
from grasp_core.transform import Transform

_SURROUNDINGS_M = 0.1  # of the workspace that are looked at, too
_REACH_M = 0.15  # above and below the expected support within which it is looked for
_MAX_ANGLE = math.radians(20.0)
_TOLERANCE_M = 0.01  # twice the depth noise at about 1 m
_MIN_SHARE = 0.2  # of what is seen there must be of the plane
_SAMPLES = 8_000  # pixels looked at, about


@dataclass(frozen=True)
class SeenSupport:
    """The support in a depth image, relative to where it is expected.

    Attributes:
        offset_m: How far above the expected height it lies at the workspace's middle.
        angle: Between the two planes, radians.
        plane: The seen one, in the camera's optical frame.
    """

    offset_m: float
    angle: float
    plane: Plane


def expected_plane(cell: Cell, T_base_camera: Transform) -> Plane:
    """The plane of the cell's table in the camera's optical frame."""
    normal = T_base_camera.rotation[2]
    return Plane(normal, float(T_base_camera.translation[2]) - cell.support_z_m)


def see_support(
    depth_m: NDArray[np.float32], camera: PinholeCamera, T_base_camera: Transform, cell: Cell
) -> SeenSupport | None:
    """Find the support where it is expected, in and about the workspace.

    Args:
        depth_m: Shape (H, W), metres, NaN invalid.
        camera: Intrinsics of the image.
        T_base_camera: Pose of the optical frame, which may be wrong by 20 degrees, or by 0.15 m
            of height.
        cell: Whose workspace and support height count.

    Returns:
        None where hardly any of it is seen: it is covered, out of view, or too far from there.
    """
    T_level_camera = _level_frame(cell).inverse() @ T_base_camera
    step = max(1, round(math.sqrt(depth_m.size / _SAMPLES)))
    points = T_level_camera.apply(thinned_points(depth_m, camera, step))
    half = 0.5 * (np.array(cell.workspace_max) - cell.workspace_min)[:2] + _SURROUNDINGS_M
    points = points[(np.abs(points[:, :2]) <= half).all(axis=1)]
    near = points[np.abs(points[:, 2]) <= _REACH_M]
    plane = fit_plane(near, tolerance_m=_TOLERANCE_M, max_tilt=_MAX_ANGLE, min_share=0.0)
    if plane is None:
        return None
    if np.mean(np.abs(plane.distance(points)) < _TOLERANCE_M) < _MIN_SHARE:
        return None
    return SeenSupport(
        offset_m=float(plane.offset_m / plane.normal[2]),
        angle=math.acos(min(1.0, -plane.normal[2])),
        plane=plane.seen_from(T_level_camera),
    )


def prior_support(frame: RgbdFrame, cell: Cell, max_tilt: float) -> Transform | None:
    """The support of a frame whose camera's pose is known.

    Returns:
        T_camera_support as :func:`grasp_core.support.find_support` gives it: as seen near
        the place where it is expected, as expected where it is hidden. None where the pose is
        not known, or the camera looks along the table or up.
    """
    if frame.T_base_camera is None:
        return None
    seen = see_support(frame.depth_m, frame.camera, frame.T_base_camera, cell)
    plane = expected_plane(cell, frame.T_base_camera) if seen is None else seen.plane
    return support_frame(plane) if plane.faces_camera(max_tilt) else None


def _level_frame(cell: Cell) -> Transform:
    """T_base_level: on the support, below the workspace's middle; +X as the base's, +Z down.

    Seen from a camera above, planes near the support face the negative z axis, as
    :func:`fit_plane` wants them.
    """
    middle = 0.5 * (np.array(cell.workspace_min) + cell.workspace_max)
    return Transform.from_rotation(
        np.diag([1.0, -1.0, -1.0]), (middle[0], middle[1], cell.support_z_m)
    )
