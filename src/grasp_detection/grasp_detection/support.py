"""The plane that objects stand on, found in one depth image."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, eq=False)
class Plane:
    """Where normal . p + offset is 0.

    Attributes:
        normal: Unit vector, shape (3,).
        offset_m: Distance of the origin from the plane, along the normal.
    """

    normal: NDArray[np.float64]
    offset_m: float

    def distance(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far points, shape (N, 3), lie on the normal's side, metres."""
        return np.asarray(points @ self.normal + self.offset_m)

    def faces_camera(self, max_tilt: float) -> bool:
        """Whether the normal is at most so many radians from the negative z axis."""
        return bool(-self.normal[2] >= np.cos(max_tilt))

    def seen_from(self, T_frame_other: Transform) -> Plane:
        """The same plane in another frame."""
        offset_m = float(self.normal @ T_frame_other.translation) + self.offset_m
        return Plane(T_frame_other.rotation.T @ self.normal, offset_m)


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
    points = thinned_points(depth_m, camera, _STRIDE_PX)
    plane = fit_plane(points, tolerance_m=tolerance_m, max_tilt=max_tilt, min_share=min_share)
    return None if plane is None else support_frame(plane)


def thinned_points(
    depth_m: NDArray[np.float32], camera: PinholeCamera, step: int
) -> NDArray[np.float64]:
    """The valid ones of every so many pixels as points of the optical frame, shape (N, 3)."""
    depth = depth_m[::step, ::step]
    valid = np.isfinite(depth) & (depth > 0.0)
    points = ray_map(camera)[::step, ::step][valid] * depth[valid][:, None]
    return np.asarray(points, np.float64)


def fit_plane(
    points: NDArray[np.float64], *, tolerance_m: float, max_tilt: float, min_share: float
) -> Plane | None:
    """The plane of most points that faces the negative z axis.

    Args:
        points: Shape (N, 3), metres.
        tolerance_m: Distance within which a point belongs to the plane.
        max_tilt: Largest angle between the z axis and the plane's normal, radians.
        min_share: Share of the points that the plane must hold.

    Returns:
        None where there is no such plane, or few points at all.
    """
    if len(points) < _MIN_POINTS:
        return None
    plane = _consensus_plane(points, tolerance_m, max_tilt)
    if plane is None:
        return None
    tolerance = tolerance_m
    for _ in range(_REFINEMENTS):
        inliers = points[np.abs(plane.distance(points)) < tolerance]
        if len(inliers) < max(_MIN_POINTS, min_share * len(points)):
            return None
        plane = _least_squares_plane(inliers)
        tolerance = 0.5 * tolerance_m
    return plane if plane.faces_camera(max_tilt) else None


def _consensus_plane(
    points: NDArray[np.float64], tolerance_m: float, max_tilt: float
) -> Plane | None:
    """The hypothesis with most inliers."""
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
    return Plane(normals[best], float(offsets[best]))


def _least_squares_plane(points: NDArray[np.float64]) -> Plane:
    centre = points.mean(axis=0)
    centred = points - centre
    _, vectors = np.linalg.eigh(centred.T @ centred)
    normal = vectors[:, 0]
    normal = -normal if normal[2] > 0.0 else normal
    return Plane(normal, -float(normal @ centre))


def support_frame(plane: Plane) -> Transform:
    """T_camera_support of a plane, see :func:`find_support`."""
    normal = plane.normal
    x_axis = np.array([1.0, 0.0, 0.0]) - normal[0] * normal
    x_axis /= np.linalg.norm(x_axis)
    y_axis = np.cross(normal, x_axis)
    origin = np.array([0.0, 0.0, -plane.offset_m / normal[2]])
    return Transform.from_rotation(np.stack([x_axis, y_axis, normal], axis=1), origin)
