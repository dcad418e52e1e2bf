"""The square part of a picture that a network sees, and the way back to the picture's pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.rectangle import wrap_angle

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """A square of a picture, scaled to the network's input.

    Pixel centres have integer coordinates in both, so column u of the picture is column
    (u - u0 + 0.5) * scale - 0.5 of the input.

    Attributes:
        u0: Left column of the square, pixels of the picture.
        v0: Top row of the square.
        side: Side of the square, pixels of the picture.
        size: Side of the network's input, pixels.
    """

    u0: float
    v0: float
    side: float
    size: int

    @classmethod
    def centred(cls, height: int, width: int, size: int) -> Window:
        """The largest square in the middle of a picture."""
        side = min(height, width)
        return cls((width - side) / 2.0, (height - side) / 2.0, side, size)

    @property
    def scale(self) -> float:
        """Input pixels per picture pixel."""
        return self.size / self.side

    @property
    def matrix(self) -> FloatArray:
        """Picture (u, v, 1) to input (u, v), shape (2, 3)."""
        s = self.scale
        offset = [(0.5 - start) * s - 0.5 for start in (self.u0, self.v0)]
        return np.array([[s, 0.0, offset[0]], [0.0, s, offset[1]]])

    def to_input(self, rows: FloatArray) -> FloatArray:
        """Rectangles of the picture, shape (N, 5), in pixels of the input."""
        return move_rectangles(rows, self.matrix)

    def to_picture(self, rows: FloatArray) -> FloatArray:
        """Rectangles of the input, shape (N, 5), in pixels of the picture."""
        return move_rectangles(
            rows, np.asarray(cv2.invertAffineTransform(self.matrix), np.float64)
        )

    def cut(self, image: NDArray, fill: float | None = None) -> NDArray:
        """Scale the square's part of an image, shape (H, W[, C]) -> (size, size[, C]).

        Args:
            image: uint8 or float32.
            fill: What stands outside the picture; None repeats the edge.
        """
        height, width = image.shape[:2]
        left, top, side = int(self.u0), int(self.v0), int(self.side)
        whole = (left, top, side) == (self.u0, self.v0, self.side)
        if not whole or left < 0 or top < 0 or left + side > width or top + side > height:
            return warp(image, self.matrix, self.size, fill)
        # Nothing is turned and no pixel divided: the same as a warp, and quicker.
        inside = image[top : top + side, left : left + side]
        finer = self.size * _finer(self.scale)
        drawn = cv2.resize(inside, (finer, finer), interpolation=cv2.INTER_LINEAR)
        return _averaged(np.asarray(drawn), self.size)


def warp(image: NDArray, matrix: FloatArray, size: int, fill: float | None = None) -> NDArray:
    """Resample an image into a square, averaging where it shrinks.

    Args:
        image: Shape (H, W[, C]), uint8 or float32.
        matrix: Shape (2, 3), a similarity from image to square, pixel centres at integers.
        size: Side of the square, pixels.
        fill: What stands outside the image; None repeats the edge.

    Returns:
        Shape (size, size[, C]).
    """
    # Linear interpolation alone would skip pixels: draw finer, at no less than the image's own
    # resolution, then average.
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    finer = _finer(scale)
    moved = finer * matrix
    moved[:, 2] += (finer - 1) / 2.0
    border = cv2.BORDER_REPLICATE if fill is None else cv2.BORDER_CONSTANT
    drawn = cv2.warpAffine(
        image,
        moved,
        (finer * size, finer * size),
        flags=cv2.INTER_LINEAR,
        borderMode=border,
        borderValue=(fill or 0.0,) * 4,
    )
    return _averaged(np.asarray(drawn), size)


def _finer(scale: float) -> int:
    """How many times finer than the result an image is drawn, so that no pixel is skipped."""
    return max(1, int(np.ceil(1.0 / scale - 1e-6)))


def _averaged(drawn: NDArray, size: int) -> NDArray:
    if len(drawn) == size:
        return drawn
    return np.asarray(cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA))


def move_rectangles(rows: FloatArray, matrix: FloatArray) -> FloatArray:
    """Apply a similarity, with or without a reflection, to rectangles.

    Args:
        rows: Shape (N, 5), (u, v, width, height, angle).
        matrix: Shape (2, 3); its left part is a rotation or reflection times one scale.

    Returns:
        Shape (N, 5); angles in (-pi/2, pi/2].
    """
    rows = np.asarray(rows, np.float64).reshape(-1, 5)
    linear = matrix[:, :2]
    scale = np.sqrt(abs(np.linalg.det(linear)))
    axis = np.stack([np.cos(rows[:, 4]), np.sin(rows[:, 4])], axis=1) @ linear.T
    angle = wrap_angle(np.arctan2(axis[:, 1], axis[:, 0]))
    centre = rows[:, :2] @ linear.T + matrix[:, 2]
    return np.concatenate([centre, rows[:, 2:4] * scale, angle[:, None]], axis=1)
