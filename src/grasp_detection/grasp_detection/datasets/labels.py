"""Reading label files of grasp rectangles, with errors that name path and reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasp_core.rectangle import GraspRectangle, rectangles_to_array
from grasp_detection.datasets.dataset import DatasetError

_LARGEST_GAP = 0.1  # of a rectangle that does not quite close, in sums of its diagonals
_ROUNDING_PX = 2.0  # gap that rounded corners alone can make
MIN_FILL = 0.1  # of width x height; corners that enclose less lie on a line


def read_corners(path: Path) -> NDArray[np.float64]:
    """Read a file of four lines "u v" per rectangle.

    Returns:
        Shape (N, 4, 2), pixels (u, v) in the order of the file; NaN where the file says so.

    Raises:
        DatasetError: Missing, not numbers, not four corners per rectangle, or a line is missing,
            so that the corners after it belong together otherwise.
    """
    numbered = list(_lines(path))
    corners = np.array(
        [_numbers(path, number, line.split(), "u v") for number, line in numbered], np.float64
    ).reshape(-1, 2)
    shifted = _shifted_from(corners)
    if shifted is not None:
        raise DatasetError(
            f"{path}: the four corners from line {numbered[shifted][0]} are no rectangle, those "
            "after them are, some lines on: a line was lost there; put it back, or delete what is "
            "left of its rectangle"
        )
    if len(corners) % 4:
        raise DatasetError(
            f"{path} holds {len(corners)} corners, must be four for each rectangle: truncated?"
        )
    return corners.reshape(-1, 4, 2)


def _shifted_from(corners: NDArray[np.float64]) -> int | None:
    """Which corner begins the first four that a lost line has mixed up; None where none has.

    A single odd rectangle shifts nothing: what follows must fit, and only when read some lines on.

    Args:
        corners: Shape (N, 2), all corners of a file.
    """
    odd = np.flatnonzero(_is_odd(corners))
    if not len(odd):
        return None
    start = 4 * int(odd[0])
    after = corners[start + 4 :]
    if len(after) >= 4 and not _is_odd(after).any():
        return None
    for lines_on in (1, 2, 3):
        rest = corners[start + lines_on :]
        if len(rest) >= 4 and not _is_odd(rest).any():
            return start
    return None


def _is_odd(corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each four corners, shape (N, 2), are no parallelogram; what is NaN may be one."""
    four = corners[: len(corners) // 4 * 4].reshape(-1, 4, 2)
    gap = np.linalg.norm(four[:, 0] + four[:, 2] - four[:, 1] - four[:, 3], axis=1)
    diagonals = np.linalg.norm(four[:, 0] - four[:, 2], axis=1)
    diagonals = diagonals + np.linalg.norm(four[:, 1] - four[:, 3], axis=1)
    return np.asarray(gap > np.maximum(_LARGEST_GAP * diagonals, _ROUNDING_PX))


def rows_of_corners(
    corners: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Turn corners into rectangle rows.

    Args:
        corners: Shape (N, 4, 2), pixels (u, v), the first edge along the opening.

    Returns:
        Rows (u, v, width, height, angle) of shape (K, 5), and which of the N rectangles they are,
        shape (N,). The others have a corner that is not finite, or enclose no area.
    """
    rectangles: list[GraspRectangle] = []
    usable = np.zeros(len(corners), np.bool_)
    for index, four in enumerate(corners):
        try:
            rectangle = GraspRectangle.from_corners(four)
        except ValueError:
            continue
        if _area(four) >= MIN_FILL * rectangle.width * rectangle.height:
            rectangles.append(rectangle)
            usable[index] = True
    return rectangles_to_array(rectangles), usable


def read_center_rows(path: Path) -> tuple[NDArray[np.float64], int]:
    """Read a file of lines "u;v;angle in degrees;opening;jaw", pixels, angle from +u towards +v.

    Returns:
        Rows (u, v, width, height, angle) of shape (N, 5), and how many lines were skipped because
        a value is not finite or a side is not above 0.

    Raises:
        DatasetError: Missing, or a line is not five numbers.
    """
    rectangles: list[GraspRectangle] = []
    skipped = 0
    for number, line in _lines(path):
        u, v, angle_deg, opening, jaw = _numbers(
            path, number, line.rstrip(";").split(";"), "u;v;angle;opening;jaw"
        )
        try:
            rectangles.append(GraspRectangle(u, v, opening, jaw, float(np.deg2rad(angle_deg))))
        except ValueError:
            skipped += 1
    return rectangles_to_array(rectangles), skipped


def read_shares(path: Path) -> NDArray[np.float64]:
    """Read a file of one number in [0, 1] per line.

    Returns:
        Shape (N,).

    Raises:
        DatasetError: Missing, or a line is something else.
    """
    values = [_numbers(path, number, [line], "quality")[0] for number, line in _lines(path)]
    for value in values:
        if not 0.0 <= value <= 1.0:
            raise DatasetError(f"{path} holds {value}, must be in [0, 1]")
    return np.array(values, np.float64)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines that are not blank."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin with a mark
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is no text file: copy it again") from error
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, line.strip()


def _numbers(path: Path, number: int, parts: list[str], layout: str) -> list[float]:
    wanted = len(layout.replace(";", " ").split())
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if len(values) != wanted:
        raise DatasetError(
            f"{path}:{number} must hold {wanted} numbers, {layout}: truncated, or another dataset?"
        )
    return values


def _area(corners: NDArray[np.float64]) -> float:
    """Area of a polygon, shape (4, 2), whichever way round it runs (shoelace formula)."""
    u, v = (corners - corners.mean(axis=0)).T
    return 0.5 * abs(float(u @ np.roll(v, -1) - v @ np.roll(u, -1)))
