"""Pinhole camera with lens distortion: pixels <-> rays <-> points.

Pixel coordinates are those of the published image, distortion included; the optical frame is
+X right, +Y down, +Z forward (REP 103).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasp_core.errors import BadCalibration, InvalidDepth

_DISTORTION_LENGTHS = (0, 4, 5, 8)  # none, plumb_bob without and with k3, rational_polynomial


MAX_FOCAL_RATIO = 1.25
"""Largest ratio of fx and fy of one another: pixels are nearly square."""
MAX_CENTRE_OFFSET = 0.25
"""Largest distance of the principal point from the middle, as a share of the image's side."""
MIN_FOCAL_SHARE, MAX_FOCAL_SHARE = 0.2, 20.0
"""Focal length as a share of the image's width: views of 136 down to 3 degrees."""


_EXACTLY = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 40, 1e-9)


@dataclass(frozen=True)
class PinholeCamera:
    """Intrinsics of one image stream.

    Attributes:
        width: Image width, pixels.
        height: Image height, pixels.
        fx: Focal length along u, pixels.
        fy: Focal length along v, pixels.
        cx: Principal point u, pixels.
        cy: Principal point v, pixels.
        distortion: OpenCV's k1, k2, p1, p2[, k3[, k4, k5, k6]]; empty or zeros for none.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            BadCalibration: A value cannot belong to a camera.
        """
        values = (self.fx, self.fy, self.cx, self.cy, *self.distortion)
        if not np.all(np.isfinite(values)) or self.fx <= 0.0 or self.fy <= 0.0:
            raise BadCalibration(
                f"camera_info has fx={self.fx}, fy={self.fy}, cx={self.cx}, cy={self.cy}, "
                f"d={list(self.distortion)}; focal lengths must be above 0: calibrate the camera"
            )
        if self.width <= 0 or self.height <= 0:
            raise BadCalibration(f"camera_info says the image is {self.width}x{self.height} px")
        if len(self.distortion) not in _DISTORTION_LENGTHS:
            raise BadCalibration(
                f"{len(self.distortion)} distortion coefficients; plumb_bob has 4 or 5, "
                "rational_polynomial 8"
            )

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Camera matrix K, shape (3, 3)."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    @property
    def is_distorted(self) -> bool:
        """Whether any distortion coefficient differs from 0."""
        return any(value != 0.0 for value in self.distortion)

    def rays(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """Directions through pixels, shape (..., 2) -> (..., 3), scaled to z = 1."""
        pixels = np.asarray(pixels, dtype=np.float64)
        if self.is_distorted:
            flat = _undistorted(
                pixels.reshape(-1, 1, 2), self.matrix, np.array(self.distortion), _EXACTLY
            )
            plane = flat.reshape(pixels.shape)
        else:
            plane = (pixels - (self.cx, self.cy)) / (self.fx, self.fy)
        return np.concatenate([plane, np.ones((*plane.shape[:-1], 1))], axis=-1)

    def deproject(self, pixels: ArrayLike, depth_m: ArrayLike) -> NDArray[np.float64]:
        """Back-project pixels to points.

        Args:
            pixels: (u, v), shape (..., 2), pixels.
            depth_m: Distance along the optical axis, shape (...), metres, finite and > 0.

        Returns:
            Shape (..., 3), metres, camera optical frame.

        Raises:
            InvalidDepth: A depth is zero, negative or not finite.

        Source: Hartley & Zisserman, Multiple View Geometry, 2nd ed., section 6.1.
        """
        depth = np.asarray(depth_m, dtype=np.float64)
        bad = ~(np.isfinite(depth) & (depth > 0.0))
        if bad.any():
            raise InvalidDepth(
                f"depth {float(depth[bad].flat[0])} m at {int(bad.sum())} of {depth.size} pixels; "
                "a surface needs a finite depth above 0"
            )
        return self.rays(pixels) * depth[..., None]

    def project(self, points: ArrayLike) -> NDArray[np.float64]:
        """Project points of the optical frame, shape (..., 3), metres, to pixels (..., 2).

        Raises:
            InvalidDepth: A point does not lie in front of the camera.
        """
        points = np.asarray(points, dtype=np.float64)
        if not np.all(points[..., 2] > 0.0):
            raise InvalidDepth("a point behind the camera has no pixel")
        if self.is_distorted:
            flat, _ = cv2.projectPoints(
                points.reshape(-1, 1, 3),
                np.zeros(3),
                np.zeros(3),
                self.matrix,
                np.array(self.distortion),
            )
            return np.asarray(flat, np.float64).reshape(*points.shape[:-1], 2)
        plane = points[..., :2] / points[..., 2:]
        return plane * (self.fx, self.fy) + (self.cx, self.cy)

    def point_map(self, depth_m: NDArray[np.floating]) -> NDArray[np.float64]:
        """Back-project a whole depth image, shape (H, W), to points (H, W, 3); NaN stays NaN.

        Raises:
            BadCalibration: The image's size is not the calibrated one.
        """
        if depth_m.shape != (self.height, self.width):
            raise BadCalibration(
                f"the depth image is {depth_m.shape[1]}x{depth_m.shape[0]} px, camera_info says "
                f"{self.width}x{self.height}: use the aligned depth topic"
            )
        v, u = np.mgrid[0 : self.height, 0 : self.width]
        return self.rays(np.stack([u, v], axis=-1)) * np.asarray(depth_m, np.float64)[..., None]

    def check_plausible(self) -> None:
        """Check that this is a whole sensor's calibration, before binning and region of interest.

        Raises:
            BadCalibration: Values that no lens and sensor have together; names field and bound.
        """
        ratio = max(self.fx / self.fy, self.fy / self.fx)
        if ratio > MAX_FOCAL_RATIO:
            raise BadCalibration(
                f"camera_info.k has fx={self.fx:.1f} and fy={self.fy:.1f}, a ratio of "
                f"{ratio:.2f}, allowed is {MAX_FOCAL_RATIO}: calibrate the camera again"
            )
        share = self.fx / self.width
        if not MIN_FOCAL_SHARE <= share <= MAX_FOCAL_SHARE:
            raise BadCalibration(
                f"camera_info.k has fx={self.fx:.1f}, {share:.2f} times camera_info.width "
                f"{self.width}, must lie in [{MIN_FOCAL_SHARE}, {MAX_FOCAL_SHARE}]: is k that of "
                "another resolution?"
            )
        for name, centre, side in (("cx", self.cx, self.width), ("cy", self.cy, self.height)):
            offset = abs(centre - side / 2.0) / side
            if offset > MAX_CENTRE_OFFSET:
                raise BadCalibration(
                    f"camera_info.k has {name}={centre:.1f} in an image of {side} px, "
                    f"{offset:.2f} of it from the middle, allowed is {MAX_CENTRE_OFFSET}: is k "
                    "that of another resolution?"
                )

    def binned(self, x: int, y: int) -> PinholeCamera:
        """Intrinsics of the image whose pixels are blocks of x by y pixels of this one.

        The principal point is divided as the focal lengths are, as camera_info means it.
        """
        return PinholeCamera(
            self.width // x,
            self.height // y,
            self.fx / x,
            self.fy / y,
            self.cx / x,
            self.cy / y,
            self.distortion,
        )

    def cropped(self, u0: int, v0: int, width: int, height: int) -> PinholeCamera:
        """Intrinsics of the window whose top-left pixel is (u0, v0)."""
        return PinholeCamera(
            width, height, self.fx, self.fy, self.cx - u0, self.cy - v0, self.distortion
        )


def _undistorted(
    pixels: NDArray[np.float64],
    matrix: NDArray[np.float64],
    distortion: NDArray[np.float64],
    criteria: tuple[int, int, float],
) -> NDArray[np.float64]:
    """``undistortPoints`` up to a criterion, which has a name of its own in OpenCV 4."""
    if hasattr(cv2, "undistortPointsIter"):
        return np.asarray(
            cv2.undistortPointsIter(pixels, matrix, distortion, None, None, criteria)
        )
    return np.asarray(cv2.undistortPoints(pixels, matrix, distortion, criteria=criteria))


@lru_cache(maxsize=4)
def ray_map(camera: PinholeCamera) -> NDArray[np.float32]:
    """Directions through all pixels, shape (H, W, 3), scaled to z = 1; cached per camera."""
    v, u = np.mgrid[0 : camera.height, 0 : camera.width]
    rays = camera.rays(np.stack([u, v], axis=-1)).astype(np.float32)
    rays.flags.writeable = False
    return rays
