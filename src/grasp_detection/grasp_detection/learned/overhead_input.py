"""What a network sees of a view from straight above, and the way back to metres.

Training pictures and the node go the same way: a height map becomes the relief that a camera high
above the support would show, at the scale that the network knows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.height_map import Grid
from grasp_core.overhead import OverheadView
from grasp_detection.learned.window import FloatArray, move_rectangles


@dataclass(frozen=True)
class OverheadInput:
    """An input whose columns run along x of the support, and whose rows run against y.

    Attributes:
        grid: The part of the height map that is shown.
        px_per_m: Scale of the input.
        width: Of the input, pixels.
        height: Of the input, pixels.
    """

    grid: Grid
    px_per_m: float
    width: int
    height: int

    @classmethod
    def of(cls, view: OverheadView, px_per_m: float, stride: int, most_px: int) -> OverheadInput:
        """The input that shows all of what is looked at.

        Args:
            view: The scene.
            px_per_m: Scale that the network knows.
            stride: Both sides become multiples of it, pixels.
            most_px: Longest side; a larger scene is shown smaller.
        """
        whole = view.height_map.grid
        rows, columns = (np.flatnonzero(view.inside.any(axis=axis)) for axis in (1, 0))
        if not rows.size:
            rows, columns = (np.arange(size) for size in whole.shape)
        grid = whole.cropped(
            int(rows[0]), int(columns[0]), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
        )
        longest_m = max(grid.shape) * grid.cell_m
        px_per_m = min(px_per_m, most_px // stride * stride / longest_m)
        height, width = (
            math.ceil(cells * grid.cell_m * px_per_m / stride - 1e-6) * stride
            for cells in grid.shape
        )
        return cls(grid, px_per_m, width, height)

    @property
    def matrix(self) -> FloatArray:
        """Column and row of the part to u and v of the input, shape (2, 3)."""
        scale = self.grid.cell_m * self.px_per_m
        return np.array(
            [
                [scale, 0.0, 0.5 * scale - 0.5],
                [0.0, -scale, (self.grid.rows - 0.5) * scale - 0.5],
            ]
        )

    def relief(self, view: OverheadView) -> NDArray[np.float32]:
        """Heights above the support, shape (height, width), metres.

        0 where nothing was seen, and outside what is looked at: no wall of a bin is an object.
        """
        whole, cell_m = view.height_map.grid, self.grid.cell_m
        top = round((self.grid.y0_m - whole.y0_m) / cell_m)
        left = round((self.grid.x0_m - whole.x0_m) / cell_m)
        part = (slice(top, top + self.grid.rows), slice(left, left + self.grid.columns))
        drawn = cv2.warpAffine(
            np.where(view.inside[part], view.height_map.height_m[part], np.float32(0.0)),
            self.matrix,
            (self.width, self.height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=0.0,
        )
        return np.asarray(drawn, np.float32)

    def to_metres(self, rows: FloatArray) -> FloatArray:
        """Rectangles of the input, shape (N, 5), in metres of the support frame."""
        inverse = np.asarray(cv2.invertAffineTransform(self.matrix), np.float64)
        found = move_rectangles(rows, inverse)
        x, y = self.grid.metric(found[:, 0], found[:, 1])
        return np.column_stack([x, y, found[:, 2:4] * self.grid.cell_m, found[:, 4]])
