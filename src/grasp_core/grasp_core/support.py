"""The plane that objects stand on, found in one depth image.

Depth images show many planes: floors, walls of bins, tops of boxes. The support is the one that
things of a graspable height stand on, with nothing below it; how much of the image it fills says
little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera, ray_map
from grasp_core.errors import NoGrasp
from grasp_core.transform import Transform

_STRIDE_PX = 4
_HYPOTHESES = 96
_SCORED_POINTS = 2500
_REFINEMENTS = 3
_MIN_POINTS = 200
_SEED = 0
_MAX_PLANES = 5  # that are looked at
_TOLERANCE_SHARE = 0.006  # of the distance: noise of depth cameras, above that of near ones
_UPRIGHT = math.radians(20.0)  # from gravity: a support may be tilted so far
_TALLEST_M = 0.35  # what is taller does not stand there to be grasped
_STANDING, _UNDER, _TALL = (
    3.0,
    3.0,
    1.0,
)  # weights of shares of the image against that of the plane
_CENTRAL = 0.4  # of the image's sides: what lies further from its middle counts less
_HULL_CELL_M = 0.02
_HULL_MARGIN_M = 0.06
_HULL_CELLS = 256  # along either side
_SEARCHED_PIXELS = 6000


class NoSupport(NoGrasp):
    """No plane that things could stand on is seen; says why."""


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
    up: NDArray[np.float64] | None = None,
    tolerance_m: float = 0.006,
    max_tilt: float = 1.22,
    min_share: float = 0.05,
) -> Transform:
    """Find the plane that things stand on.

    The largest planes are fitted one after the other. Each is rated by the share of the image that
    lies on it and, more, by what stands on it; points below it, which a table would hide, and
    things too tall to be objects count against it.

    Args:
        depth_m: Shape (H, W), metres, NaN invalid.
        camera: Intrinsics of the image.
        up: Direction against gravity where that is known, optical frame, shape (3,).
        tolerance_m: Distance within which a point belongs to the plane; from a metre on, at least
            6 mm a metre.
        max_tilt: Largest angle between the optical axis and the plane's normal, radians.
        min_share: Share of the valid points that the plane must hold.

    Returns:
        T_camera_support; see :func:`support_frame`. The same for the same image.

    Raises:
        NoSupport: The image shows no such plane.
    """
    points, weight = _weighted_points(depth_m, camera)
    if len(points) < _MIN_POINTS:
        raise NoSupport("hardly any depth was measured: no plane to stand on can be found")
    tolerance_m = max(tolerance_m, _TOLERANCE_SHARE * float(np.median(points[:, 2])))
    planes = _planes(points, tolerance_m, max_tilt, min_share)
    if up is not None:
        planes = [plane for plane in planes if plane.normal @ up >= math.cos(_UPRIGHT)]
    if not planes:
        raise NoSupport(
            f"no plane holds {100 * min_share:.0f} % of what was measured"
            f"{' and is level' * (up is not None)}: give the plane that things stand on"
        )
    rated = [_rating(plane, points, weight, tolerance_m) for plane in planes]
    return support_frame(planes[int(np.argmax(rated))])


def _weighted_points(
    depth_m: NDArray[np.float32], camera: PinholeCamera
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Thinned points, shape (N, 3), and weights that fall off from the image's middle."""
    step = max(_STRIDE_PX, round(math.sqrt(depth_m.size / _SEARCHED_PIXELS)))
    height, width = depth_m.shape
    thinned = depth_m[::step, ::step]
    valid = np.isfinite(thinned) & (thinned > 0.0)
    rows, columns = np.nonzero(valid)
    away = ((columns * step / width - 0.5) ** 2 + (rows * step / height - 0.5) ** 2) / _CENTRAL**2
    weight = np.exp(-0.5 * away)
    return thinned_points(depth_m, camera, step), weight / max(weight.sum(), 1e-9)


def _planes(
    points: NDArray[np.float64], tolerance_m: float, max_tilt: float, min_share: float
) -> list[Plane]:
    """The largest planes, each fitted to what the ones before left over."""
    found: list[Plane] = []
    rest = points
    while len(found) < _MAX_PLANES and len(rest) >= min_share * len(points):
        plane = fit_plane(
            rest,
            tolerance_m=tolerance_m,
            max_tilt=max_tilt,
            min_share=min_share * len(points) / len(rest),
        )
        if plane is None:
            break
        found.append(plane)
        rest = rest[np.abs(plane.distance(rest)) > 2.0 * tolerance_m]
    return found


def _rating(
    plane: Plane, points: NDArray[np.float64], weight: NDArray[np.float64], tolerance_m: float
) -> float:
    """How likely things stand on a plane: what lies on, above and below the part seen of it."""
    height_m = plane.distance(points)
    on = np.abs(height_m) < tolerance_m
    above_it = _over_hull(plane, points, on)
    off = 2.0 * tolerance_m
    standing = above_it & (height_m > off) & (height_m < _TALLEST_M)
    under = above_it & (height_m < -2.0 * off)
    tall = above_it & (height_m >= _TALLEST_M)
    shares = [float(weight[which].sum()) for which in (on, standing, under, tall)]
    return shares[0] + _STANDING * shares[1] - _UNDER * shares[2] - _TALL * shares[3]


def _over_hull(
    plane: Plane, points: NDArray[np.float64], on: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which points lie above or below the convex hull of those on the plane."""
    flat = support_frame(plane).inverse().apply(points)[:, :2]
    low = flat.min(axis=0) - _HULL_MARGIN_M
    pixels = np.clip((flat - low) / _HULL_CELL_M, 0, _HULL_CELLS - 1).astype(np.int32)
    mask = np.zeros((_HULL_CELLS, _HULL_CELLS), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(pixels[on]), 1)
    side = 2 * round(_HULL_MARGIN_M / _HULL_CELL_M) + 1
    mask = np.asarray(cv2.dilate(mask, np.ones((side, side), np.uint8)), np.uint8)
    return np.asarray(mask[pixels[:, 1], pixels[:, 0]] > 0)


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
    # Sums instead of a matrix product: waking a linear algebra library's threads takes longer.
    along = normals.T.astype(np.float32)[..., None]
    off = offsets.astype(np.float32)[:, None] + along[0] * sample[:, 0].astype(np.float32)
    off += along[1] * sample[:, 1].astype(np.float32)
    off += along[2] * sample[:, 2].astype(np.float32)
    votes = np.count_nonzero(np.abs(off, out=off) < tolerance_m, axis=1)
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
