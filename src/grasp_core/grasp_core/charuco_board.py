"""The ChArUco board: a chessboard with a marker in every white square."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_core import aruco
from grasp_core.config import Checked, setting
from grasp_core.errors import ConfigError


@dataclass(frozen=True)
class CharucoBoard(Checked):
    """A board; its frame has the origin at the top left corner, x right, y down, z into it.

    The rows must be odd in number: OpenCV changed the pattern of even ones between versions.
    """

    columns: int = setting(7, "squares along the board's x", minimum=3, maximum=40)
    rows: int = setting(5, "squares along the board's y, an odd number", minimum=3, maximum=40)
    square_m: float = setting(0.036, "side of a square, m", minimum=0.002, maximum=1.0)
    marker_m: float = setting(0.027, "side of a marker, m", minimum=0.001, maximum=1.0)
    dictionary: str = setting("4X4_50", "OpenCV's dictionary of markers, without DICT_")

    def __post_init__(self) -> None:
        """Check the fields, then their relations.

        Raises:
            ConfigError: A value is out of its bounds or contradicts another.
            MissingDependency: OpenCV has no aruco module.
        """
        super().__post_init__()
        if self.rows % 2 == 0:
            raise ConfigError(f"rows is {self.rows}, must be odd: take {self.rows + 1}")
        if not 0.4 * self.square_m <= self.marker_m <= 0.9 * self.square_m:
            raise ConfigError(
                f"marker_m is {self.marker_m}, must be 0.4 to 0.9 of square_m {self.square_m}"
            )
        known = aruco.dictionary_names()
        if self.dictionary not in known:
            raise ConfigError(
                f"dictionary is {self.dictionary!r}, must be one of {', '.join(known)}"
            )
        have = aruco.marker_count(self.dictionary)
        if self.markers > have:
            raise ConfigError(
                f"a board of {self.columns} x {self.rows} squares needs {self.markers} markers, "
                f"dictionary {self.dictionary} has {have}: take a larger dictionary"
            )

    @property
    def markers(self) -> int:
        """Number of markers."""
        return self.columns * self.rows // 2

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height of the pattern, metres."""
        return self.columns * self.square_m, self.rows * self.square_m

    @property
    def corners(self) -> NDArray[np.float64]:
        """Inner corners by id, row by row, shape (N, 3), metres, board frame."""
        x, y = np.meshgrid(np.arange(1, self.columns), np.arange(1, self.rows))
        flat = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1)
        return np.asarray(flat * self.square_m, np.float64)

    @property
    def center(self) -> NDArray[np.float64]:
        """Its middle, shape (3,), metres, board frame."""
        width, height = self.size_m
        return np.array([width / 2.0, height / 2.0, 0.0])

    @property
    def outline(self) -> NDArray[np.float64]:
        """Its four outer corners, shape (4, 3), metres, board frame."""
        width, height = self.size_m
        return np.array([[0, 0, 0], [width, 0, 0], [width, height, 0], [0, height, 0]], float)

    def black_rectangles(self) -> NDArray[np.float64]:
        """Everything that is printed black.

        Returns:
            Rows x, y, width, height, metres, board frame: squares, then the cells of markers.
        """
        side, found = self.square_m, []
        place = [(column, row) for row in range(self.rows) for column in range(self.columns)]
        found += [(c * side, r * side, side, side) for c, r in place if (c + r) % 2 == 0]
        white = [(column, row) for column, row in place if (column + row) % 2 == 1]
        for number, (column, row) in enumerate(white):
            cells = aruco.marker_cells(self.dictionary, number)
            cell, margin = self.marker_m / len(cells), (side - self.marker_m) / 2.0
            x0, y0 = column * side + margin, row * side + margin
            for y, line in enumerate(cells):
                for x0_cell, x1_cell in _runs(line):
                    found.append(
                        (x0 + x0_cell * cell, y0 + y * cell, (x1_cell - x0_cell) * cell, cell)
                    )
        return np.array(found)

    def picture(self, pixels_per_m: float, margin_m: float = 0.0) -> NDArray[np.uint8]:
        """The board as a grey image, white margin included, shape (H, W)."""
        width, height = (round((side + 2 * margin_m) * pixels_per_m) for side in self.size_m)
        image = np.full((height, width), 255, np.uint8)
        for x, y, w, h in self.black_rectangles():
            (u0, u1), (v0, v1) = (
                np.round((start + np.array([0.0, length]) + margin_m) * pixels_per_m).astype(int)
                for start, length in ((x, w), (y, h))
            )
            image[v0:v1, u0:u1] = 0
        return image


def _runs(black: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Starts and ends of runs of black cells in a line of a marker."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], black.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
