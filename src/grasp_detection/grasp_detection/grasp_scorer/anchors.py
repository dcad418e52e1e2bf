"""Oriented anchors: reference grasps at every cell of a feature map, and labels matched to them.

A grasp is a deformation of its anchor (equation 2): the shift of its centre along u and v in
anchor widths and heights, the logarithms of its relative sizes, and its turn in units of the angle
between two anchors. The paper leaves open which six orientations: here they are spread evenly,
half a step from the axes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_core.rectangle import wrap_angle
from grasp_detection.learned.window import FloatArray

VALUES = 5  # of a deformation: u, v, width, height, angle
_LARGEST_LOG = 4.0  # of a relative size: e^4 is larger than any input


@dataclass(frozen=True)
class Anchors:
    """Reference grasps of one size in some orientations.

    Attributes:
        width: Jaw opening, pixels of the input.
        height: Jaw size, pixels of the input.
        orientations: How many, spread evenly over half a turn.
        stride: Side of a cell, pixels of the input.
    """

    width: float
    height: float
    orientations: int
    stride: int

    @property
    def step_rad(self) -> float:
        """Angle between two orientations, radians."""
        return float(np.pi / self.orientations)

    @property
    def angles(self) -> FloatArray:
        """Shape (k,), radians in (-pi/2, pi/2)."""
        return np.asarray(-np.pi / 2 + self.step_rad * (np.arange(self.orientations) + 0.5))

    def centres(self, index: NDArray[np.intp]) -> FloatArray:
        """Middle of cells, pixels of the input, for rows or columns."""
        return np.asarray((index + 0.5) * self.stride - 0.5)

    def decode(
        self, deltas: FloatArray, orientation: NDArray[np.intp], row: NDArray[np.intp],
        column: NDArray[np.intp],
    ) -> FloatArray:  # fmt: skip
        """Grasps from deformations of the anchors at some cells.

        Args:
            deltas: Shape (N, 5).
            orientation: Shape (N,), which anchor.
            row: Shape (N,), of the cell.
            column: Shape (N,), of the cell.

        Returns:
            Shape (N, 5), rectangles in pixels of the input and radians.
        """
        sizes = np.exp(np.clip(deltas[:, 2:4], -_LARGEST_LOG, _LARGEST_LOG))
        return np.stack(
            [
                deltas[:, 0] * self.width + self.centres(column),
                deltas[:, 1] * self.height + self.centres(row),
                sizes[:, 0] * self.width,
                sizes[:, 1] * self.height,
                wrap_angle(deltas[:, 4] * self.step_rad + self.angles[orientation]),
            ],
            axis=1,
        )

    def encode(
        self, rows: FloatArray, orientation: NDArray[np.intp], row: NDArray[np.intp],
        column: NDArray[np.intp],
    ) -> FloatArray:  # fmt: skip
        """Deformations that make anchors into labels; inverse of :meth:`decode`.

        Args:
            rows: Shape (N, 5), labels in pixels of the input and radians.
            orientation: Shape (N,), which anchor.
            row: Shape (N,), of the cell.
            column: Shape (N,), of the cell.
        """
        return np.stack(
            [
                (rows[:, 0] - self.centres(column)) / self.width,
                (rows[:, 1] - self.centres(row)) / self.height,
                np.log(rows[:, 2] / self.width),
                np.log(rows[:, 3] / self.height),
                wrap_angle(rows[:, 4] - self.angles[orientation]) / self.step_rad,
            ],
            axis=1,
        )

    def match(
        self, rows: FloatArray, size: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Angle matching: which anchors are good, and how they must be deformed.

        An anchor is good where a label's centre lies in its cell and their axes differ by no more
        than half a step. Of several labels the one nearest to the cell's middle counts.

        Args:
            rows: Shape (N, 5), labels in pixels of the input and radians.
            size: Side of the input, pixels.

        Returns:
            Whether each anchor is good, shape (k, S, S), 0 or 1, and deformations, shape
            (k, 5, S, S), 0 where it is not; S = size / stride.
        """
        cells = size // self.stride
        good = np.zeros((self.orientations, cells, cells), np.float32)
        deltas = np.zeros((self.orientations, VALUES, cells, cells), np.float32)
        if not len(rows):
            return good, deltas
        column, row = (
            np.clip(np.floor((rows[:, axis] + 0.5) / self.stride), 0, cells - 1).astype(np.intp)
            for axis in (0, 1)
        )
        off = np.hypot(rows[:, 0] - self.centres(column), rows[:, 1] - self.centres(row))
        turn = np.abs(wrap_angle(rows[:, None, 4] - self.angles))
        label, orientation = np.nonzero(turn <= 0.5 * self.step_rad + 1e-9)
        # The nearest last: it is the one that stays.
        order = np.argsort(-off[label], kind="stable")
        label, orientation = label[order], orientation[order]
        at = (orientation, row[label], column[label])
        good[at] = 1.0
        found = self.encode(rows[label], *at)
        deltas[orientation, :, row[label], column[label]] = found
        return good, deltas
