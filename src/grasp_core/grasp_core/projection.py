"""Between image rectangles and metric grasps on a plane across the approach direction.

The centre of a rectangle is the midpoint of its jaw ends in the image, and ``depth_m`` the depth,
at that pixel, of the grasp plane: the plane of the object's local top, perpendicular to the
approach. Both directions here are exact inverses of each other at any camera tilt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.errors import BadCalibration, InvalidDepth
from grasp_core.rectangle import GraspRectangle, wrap_angle
from grasp_core.transform import Transform

_MIN_INCIDENCE = 0.2
"""Smallest cosine between a viewing ray and the approach: below, the plane is seen edge-on."""


@dataclass(frozen=True, eq=False)
class PlanarGrasp:
    """A grasp on a plane across the approach.

    Attributes:
        centre: Point midway between the jaws on the plane, shape (3,), metres.
        closing: Unit closing axis in the plane, shape (3,).
        approach: Unit approach direction, shape (3,).
        width_m: Distance between the jaws, metres.
    """

    centre: NDArray[np.float64]
    closing: NDArray[np.float64]
    approach: NDArray[np.float64]
    width_m: float

    def pose(self, depth_below_m: float = 0.0) -> Transform:
        """Grasp frame ``depth_below_m`` metres beyond the plane along the approach.

        Origin midway between the fingertips, +Z approach, +Y closing.
        """
        x = np.cross(self.closing, self.approach)
        rotation = np.column_stack([x, self.closing, self.approach])
        return Transform.from_rotation(rotation, self.centre + depth_below_m * self.approach)


def rectangle_to_plane(
    rectangle: GraspRectangle, depth_m: float, camera: PinholeCamera, approach: ArrayLike
) -> PlanarGrasp:
    """Deproject a rectangle onto its grasp plane.

    Args:
        rectangle: Rectangle in the camera's image.
        depth_m: Depth of the plane at the rectangle's centre, metres.
        camera: Intrinsics of the image.
        approach: Approach direction in the optical frame, shape (3,).

    Returns:
        The grasp in the optical frame. The centre is midway between the metric jaw ends.

    Raises:
        InvalidDepth: No usable depth.
        BadCalibration: The camera looks along the plane.
    """
    normal = np.asarray(approach, dtype=np.float64)
    normal = normal / np.linalg.norm(normal)
    if not np.isfinite(depth_m) or depth_m <= 0.0:
        raise InvalidDepth(f"the grasp at ({rectangle.u:.0f}, {rectangle.v:.0f}) has no depth")
    anchor = camera.deproject((rectangle.u, rectangle.v), depth_m)
    rays = camera.rays(rectangle.jaw_ends)
    incidence = rays @ normal
    if np.any(incidence / np.linalg.norm(rays, axis=-1) < _MIN_INCIDENCE):
        raise BadCalibration(
            "the camera looks along the grasp plane; mount it so that it sees the object from "
            "the approach side, or use approach camera_axis"
        )
    ends = rays * (anchor @ normal / incidence)[:, None]
    span = ends[1] - ends[0]
    width = float(np.linalg.norm(span))
    return PlanarGrasp(ends.mean(axis=0), span / width, normal, width)


def plane_to_rectangle(
    grasp: PlanarGrasp, camera: PinholeCamera, jaw_m: float
) -> tuple[GraspRectangle, float]:
    """Project a grasp to its image rectangle; inverse of :func:`rectangle_to_plane`.

    Args:
        grasp: Grasp in the optical frame.
        camera: Intrinsics of the image.
        jaw_m: Jaw size across the closing axis, metres, for the rectangle's height.

    Returns:
        The rectangle, and the depth of its plane at the rectangle's centre, metres.
    """
    reach = 0.5 * grasp.width_m * grasp.closing
    ends = camera.project(np.stack([grasp.centre - reach, grasp.centre + reach]))
    side = np.cross(grasp.closing, grasp.approach)
    sides = camera.project(
        np.stack([grasp.centre - 0.5 * jaw_m * side, grasp.centre + 0.5 * jaw_m * side])
    )
    middle, span = ends.mean(axis=0), ends[1] - ends[0]
    rectangle = GraspRectangle(
        float(middle[0]),
        float(middle[1]),
        float(np.linalg.norm(span)),
        float(np.linalg.norm(sides[1] - sides[0])),
        float(np.arctan2(span[1], span[0])),
    )
    ray = camera.rays(middle)
    depth = float(grasp.centre @ grasp.approach / (ray @ grasp.approach))
    return rectangle, depth


def planes_to_rectangles(
    places: NDArray[np.float64],
    T_camera_support: Transform,
    camera: PinholeCamera,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """:func:`plane_to_rectangle` of many grasps along the normal of one support.

    Args:
        places: Shape (N, 6): x, y, z of the middle between the jaws, opening and jaw size, all
            metres, support frame; and the closing direction from +x, radians.
        T_camera_support: The frame, whose +Z points against the approach.
        camera: Intrinsics of the image.

    Returns:
        Rectangles (u, v, width, height, angle), shape (N, 5), pixels and radians; and the depths
        of their planes at their centres, shape (N,), metres.
    """
    middle, angle = places[:, :3], places[:, 5]
    zero = np.zeros(len(places))
    along = np.column_stack([np.cos(angle), np.sin(angle), zero])
    side = np.column_stack([-np.sin(angle), np.cos(angle), zero])
    reach, jaw = 0.5 * places[:, 3:4] * along, 0.5 * places[:, 4:5] * side
    corners = np.stack([middle - reach, middle + reach, middle - jaw, middle + jaw])
    pixels = camera.project(T_camera_support.apply(corners.reshape(-1, 3))).reshape(4, -1, 2)
    first, second, low, high = pixels
    span, centre = second - first, 0.5 * (first + second)
    approach = -T_camera_support.rotation[:, 2]
    depth_m = T_camera_support.apply(middle) @ approach / (camera.rays(centre) @ approach)
    rows = np.column_stack(
        [
            centre,
            np.linalg.norm(span, axis=1),
            np.linalg.norm(high - low, axis=1),
            wrap_angle(np.arctan2(span[:, 1], span[:, 0])),
        ]
    )
    return rows, np.asarray(depth_m)
