"""The plane that objects stand on, found in one depth image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera, ray_map
from grasp_core.transform import Transform

_STRIDE_PX = 4
_HYPOTHESES = 96
_SCORED_POINTS = 2500
_REFINEMENTS = 3
_MIN_POINTS = 200
_SEED = 0


def find_support(
    depth_m: NDArray[np.float32],
    camera: PinholeCamera,
    *,
    tolerance_m: float = 0.006,
    max_tilt: float = 1.05,
    min_share: float = 0.15,
) -> Transform | None:
    """Fit the dominant plane that faces the camera.

    RANSAC on a thinned point cloud with a fixed seed, then least squares on the inliers, so the
    result is the same for the same image.

    Args:
        depth_m: Shape (H, W), metres, NaN invalid.
        camera: Intrinsics of the image.
        tolerance_m: Distance within which a point belongs to the plane.
        max_tilt: Largest angle between the optical axis and the plane's normal, radians.
        min_share: Share of the valid points that the plane must hold.

    Returns:
        T_camera_support: origin where the optical axis meets the plane, +Z up towards the camera,
        +X along image u. None where the image shows no such plane.
    """
    rays = ray_map(camera)[::_STRIDE_PX, ::_STRIDE_PX]
    depth = depth_m[::_STRIDE_PX, ::_STRIDE_PX]
    valid = np.isfinite(depth) & (depth > 0.0)
    points = (rays[valid] * depth[valid][:, None]).astype(np.float64)
    if len(points) < _MIN_POINTS:
        return None
    plane = _consensus_plane(points, tolerance_m, max_tilt)
    if plane is None:
        return None
    normal, offset = plane
    tolerance = tolerance_m
    for _ in range(_REFINEMENTS):
        inliers = points[np.abs(points @ normal + offset) < tolerance]
        if len(inliers) < max(_MIN_POINTS, min_share * len(points)):
            return None
        normal, offset = _least_squares_plane(inliers)
        tolerance = 0.5 * tolerance_m
    if -normal[2] < np.cos(max_tilt):
        return None
    return _support_frame(normal, offset)


def _consensus_plane(
    points: NDArray[np.float64], tolerance_m: float, max_tilt: float
) -> tuple[NDArray[np.float64], float] | None:
    """The hypothesis (normal, offset) with most inliers; normal . p + offset = 0."""
    rng = np.random.default_rng(_SEED)
    corners = points[rng.integers(0, len(points), size=(_HYPOTHESES, 3))]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    usable = lengths > 1e-5
    normals = normals[usable] / lengths[usable][:, None]
    normals *= -np.sign(np.where(normals[:, 2:] == 0.0, 1.0, normals[:, 2:]))
    facing = -normals[:, 2] >= np.cos(max_tilt)
    normals, origins = normals[facing], corners[usable][facing, 0]
    if not len(normals):
        return None
    offsets = -np.sum(normals * origins, axis=1)
    sample = points[rng.integers(0, len(points), size=min(_SCORED_POINTS, len(points)))]
    votes = (np.abs(sample @ normals.T + offsets) < tolerance_m).sum(axis=0)
    best = int(np.argmax(votes))
    return normals[best], float(offsets[best])


def _least_squares_plane(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    centre = points.mean(axis=0)
    centred = points - centre
    _, vectors = np.linalg.eigh(centred.T @ centred)
    normal = vectors[:, 0]
    normal = -normal if normal[2] > 0.0 else normal
    return normal, -float(normal @ centre)


def _support_frame(normal: NDArray[np.float64], offset: float) -> Transform:
    x_axis = np.array([1.0, 0.0, 0.0]) - normal[0] * normal
    x_axis /= np.linalg.norm(x_axis)
    y_axis = np.cross(normal, x_axis)
    origin = np.array([0.0, 0.0, -offset / normal[2]])
    return Transform.from_rotation(np.stack([x_axis, y_axis, normal], axis=1), origin)
