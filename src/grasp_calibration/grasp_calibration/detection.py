"""Finding the board in an image, and refusing what would measure badly."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_calibration.errors import BoardNotSeen
from grasp_core import aruco
from grasp_core.camera import PinholeCamera
from grasp_core.charuco_board import CharucoBoard
from grasp_core.transform import Transform

MIN_CORNERS = 8
_MIN_SPREAD = 0.15
"""Least spread of the corners across the narrow direction, share of the board's diagonal."""
MAX_EDGE_PX = 4.0
"""Width of a black and white edge above which the image is blurred, pixels."""
_MAX_ERROR_PX = 2.0
_MIN_CONTRAST = 40
_AROUND_PX = 6


@dataclass(frozen=True, eq=False)
class BoardImage:
    """The board as one image shows it.

    Attributes:
        pixels: Inner corners that were found, shape (N, 2), pixels.
        points: The same corners, shape (N, 3), metres, board frame.
        T_camera_board: Pose that explains them best.
        error_px: Root mean square of what that pose leaves over.
    """

    pixels: NDArray[np.float64]
    points: NDArray[np.float64]
    T_camera_board: Transform
    error_px: float


class BoardDetector:
    """Finds one board."""

    def __init__(self, board: CharucoBoard) -> None:
        self.board = board
        self._find = aruco.corner_finder(
            board.columns, board.rows, board.square_m, board.marker_m, board.dictionary
        )

    def detect(self, color: NDArray[np.uint8], camera: PinholeCamera) -> BoardImage:
        """Find the board.

        Args:
            color: Shape (H, W, 3), RGB.
            camera: Its intrinsics.

        Raises:
            BoardNotSeen: It is not there, too little of it is, or the image is blurred.
        """
        grey = np.asarray(cv2.cvtColor(color, cv2.COLOR_RGB2GRAY), np.uint8)
        pixels, ids = self._find(grey)
        if len(ids) < MIN_CORNERS:
            raise BoardNotSeen(
                f"{len(ids)} corners of the board are seen, {MIN_CORNERS} are needed: bring the "
                "whole board into the view, light it evenly, and name its size and dictionary"
            )
        points = self.board.corners[ids]
        self._require_spread(points)
        edge_px = edge_width_px(grey, pixels)
        if edge_px > MAX_EDGE_PX:
            raise BoardNotSeen(
                f"the image is blurred: edges are {edge_px:.1f} px wide, at most {MAX_EDGE_PX} "
                "are of use: let the arm come to rest, focus, light the board"
            )
        T_camera_board, error_px = board_pose(pixels, points, camera)
        if error_px > _MAX_ERROR_PX:
            raise BoardNotSeen(
                f"the corners miss a flat board by {error_px:.1f} px, at most {_MAX_ERROR_PX} are "
                "of use: glue the page to something flat, and calibrate the camera's lens"
            )
        return BoardImage(pixels, points, T_camera_board, error_px)

    def _require_spread(self, points: NDArray[np.float64]) -> None:
        flat = points[:, :2] - points[:, :2].mean(axis=0)
        spread = 2.0 * np.linalg.svd(flat, compute_uv=False)[-1] / np.sqrt(len(flat))
        share = spread / float(np.hypot(*self.board.size_m))
        if share < _MIN_SPREAD:
            raise BoardNotSeen(
                f"the {len(points)} corners that are seen lie nearly on a line (spread "
                f"{share:.2f} of the board, at least {_MIN_SPREAD} is needed): bring the whole "
                "board into the view"
            )


def edge_width_px(grey: NDArray[np.uint8], pixels: NDArray[np.float64]) -> float:
    """How wide the edges at a board's corners are, in the direction where they are wider.

    Motion blurs one direction alone. The median over the corners is told.

    Args:
        grey: Image, shape (H, W).
        pixels: Corners of the board, shape (N, 2).

    Raises:
        BoardNotSeen: Black and white hardly differ.
    """
    smooth = grey.astype(np.float32)
    slopes = [np.abs(cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx, ksize=3)) / 8.0 for dx in (0, 1)]
    contrasts, widths = [], []
    for u, v in np.round(pixels).astype(int):
        around = np.s_[
            max(v - _AROUND_PX, 0) : v + _AROUND_PX + 1,
            max(u - _AROUND_PX, 0) : u + _AROUND_PX + 1,
        ]
        contrasts.append(float(np.ptp(smooth[around])))
        steepest = min(float(slope[around].max()) for slope in slopes)
        widths.append(contrasts[-1] / max(steepest, 1e-3))
    contrast = float(np.median(contrasts))
    if contrast < _MIN_CONTRAST:
        raise BoardNotSeen(
            f"black and white of the board differ by {contrast:.0f} of 255, at least "
            f"{_MIN_CONTRAST} are needed: light it, or change the exposure"
        )
    return float(np.median(widths))


def board_pose(
    pixels: NDArray[np.float64], points: NDArray[np.float64], camera: PinholeCamera
) -> tuple[Transform, float]:
    """Pose of a flat board that explains its corners best.

    Args:
        pixels: Shape (N, 2).
        points: Shape (N, 3), metres, board frame.
        camera: Intrinsics.

    Returns:
        ``T_camera_board``, and the root mean square of the error, pixels.

    Raises:
        BoardNotSeen: No pose in front of the camera explains them.
    """
    distortion = np.array(camera.distortion) if camera.is_distorted else None
    _, rotations, translations, _ = cv2.solvePnPGeneric(
        points, pixels, camera.matrix, distortion, flags=cv2.SOLVEPNP_IPPE
    )
    best: tuple[float, Transform] | None = None
    for rotation, translation in zip(rotations, translations, strict=True):
        refined = cv2.solvePnPRefineLM(
            points, pixels, camera.matrix, distortion, rotation, translation
        )
        vector, offset = (np.asarray(part, np.float64).ravel() for part in refined)
        if not (np.all(np.isfinite(vector)) and np.all(np.isfinite(offset)) and offset[2] > 0.0):
            continue
        pose = Transform.from_rotation(cv2.Rodrigues(vector)[0], offset)
        seen = pose.apply(points)
        if np.any(seen[:, 2] <= 0.0):
            continue
        off = camera.project(seen) - pixels
        error = float(np.sqrt(np.mean(np.sum(off**2, axis=1))))
        if best is None or error < best[0]:
            best = error, pose
    if best is None:
        raise BoardNotSeen("no pose in front of the camera explains the corners that are seen")
    return best[1], best[0]
