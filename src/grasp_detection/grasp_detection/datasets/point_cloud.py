"""Depth images from point clouds, as downloads of the Cornell dataset hold them instead of depth.

A file in the text form of PCD 0.7: after ``DATA ascii`` a line "x y z rgb index" for each measured
pixel, millimetres, index = row * columns + column. The points lie in a frame of the robot's, not
of the camera's, and where the camera is nobody says: it is found from the points themselves, for
each of them tells the pixel that saw it. The depth is what the third row of the projection matrix
makes of a point.
Source: Hartley, Zisserman, "Multiple view geometry", 2nd ed., section 7.1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasp_detection.datasets.dataset import DatasetError

_UNIT_M = 0.001
_COLUMNS = 5  # x, y, z, rgb, index
_DATA = "DATA ascii"
_FITTED = 4000  # points that the camera is found from
_LEAST_POINTS = 100
_OFF_PX = 1.0  # median distance of points from their pixels that is still a camera's
_FLAT = 1e-10  # relative size of the second smallest eigenvalue: all points in one plane


def read_cloud(path: Path, size: tuple[int, int]) -> NDArray[np.float32]:
    """Read a point cloud as the depth image that it was.

    Args:
        path: The file.
        size: Height and width of the picture that the points belong to, pixels.

    Returns:
        Shape (H, W), float32, metres along the optical axis, NaN where nothing was measured.

    Raises:
        DatasetError: It cannot be read, belongs to another picture, or was seen by no one camera.
    """
    points_m, index = _read(path)
    if len(index) < _LEAST_POINTS:
        raise DatasetError(
            f"{path} holds {len(index)} points: too few to tell where the camera is"
        )
    if index.min() < 0 or index.max() >= size[0] * size[1]:
        raise DatasetError(
            f"{path} has a point of pixel {index.max()}, but its picture has {size[0] * size[1]}"
        )
    pixels = np.stack([index % size[1], index // size[1]], axis=1).astype(np.float64)
    depth_m = np.full(size[0] * size[1], np.nan, np.float32)
    depth_m[index] = _depth_of(points_m, pixels, path)
    return depth_m.reshape(size)


def _read(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points in metres, shape (N, 3), and the number of each one's pixel, shape (N,)."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            if not any(line.strip() == _DATA for line in file):
                raise DatasetError(f"{path} has no line {_DATA!r}: it is no point cloud in text")
            rows = np.loadtxt(file, ndmin=2)
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise DatasetError(f"{path} holds no points: {error}") from error
    if rows.shape[1:] != (_COLUMNS,):
        raise DatasetError(f"{path} has lines of {rows.shape[1]} numbers, must be x y z rgb index")
    rows = rows[np.isfinite(rows[:, :3]).all(axis=1)]
    return rows[:, :3] * _UNIT_M, rows[:, 4].astype(np.int64)


def _depth_of(
    points_m: NDArray[np.float64], pixels: NDArray[np.float64], path: Path
) -> NDArray[np.float64]:
    """Depth of points along the axis of the camera that saw them in those pixels, shape (N,).

    The direct linear transformation, on coordinates that are scaled so that no digits are lost.
    """
    some = np.linspace(0, len(points_m) - 1, min(_FITTED, len(points_m))).astype(int)
    centre, spread = points_m[some].mean(axis=0), points_m[some].std()
    middle, extent = pixels[some].mean(axis=0), pixels[some].std()
    places = np.column_stack([(points_m - centre) / spread, np.ones(len(points_m))])
    seen = (pixels - middle) / extent
    x, (u, v) = places[some], seen[some].T
    zero = np.zeros_like(x)
    system = np.concatenate(
        [np.hstack([x, zero, -u[:, None] * x]), np.hstack([zero, x, -v[:, None] * x])]
    )
    values, vectors = np.linalg.eigh(system.T @ system)
    if values[1] < _FLAT * values[-1]:
        raise DatasetError(f"{path}: all points lie in one plane, which hides where the camera is")
    projection = vectors[:, 0].reshape(3, 4)
    u, v, depth = projection @ places.T
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.hypot(u / depth - seen[:, 0], v / depth - seen[:, 1]) * extent
    if not np.median(off) < _OFF_PX:
        raise DatasetError(
            f"{path}: no camera sees these points in their pixels, the nearest one is "
            f"{np.median(off):.1f} px off: does it belong to this picture?"
        )
    scale = spread / np.linalg.norm(projection[2, :3])
    return np.asarray(depth * scale * np.sign(np.median(depth)))
