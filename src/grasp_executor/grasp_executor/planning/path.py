"""Joint-space paths: rounding corners and sampling densely."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SPACING_RAD = 0.05  # of points on straight pieces; a cubic spline through them is straight too
_POINTS_PER_CORNER = 9
_SHORTEST_RAD = 1e-6


def blended(waypoints: NDArray[np.float64], radius_rad: float) -> NDArray[np.float64]:
    """Round the corners of a piecewise linear path and sample it.

    Each corner is replaced by a quadratic Bezier curve that begins and ends at most
    ``radius_rad`` away from it and at most half-way to its neighbours, so that the path turns
    without stopping and a spline through the points does not overshoot.

    Args:
        waypoints: Shape (N, J), N >= 2, rad.
        radius_rad: Euclidean distance in joint space; 0 keeps (all but) the corners.

    Returns:
        Shape (M, J), M >= 4, first and last waypoint unchanged, all neighbours distinct.
    """
    corners = _distinct(np.asarray(waypoints, dtype=np.float64))
    steps = np.diff(corners, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    pieces = [corners[:1]]
    here = corners[0]
    for index in range(1, len(corners) - 1):
        corner = corners[index]
        reach = min(max(radius_rad, 1e-3), 0.5 * lengths[index - 1], 0.5 * lengths[index])
        entry = corner - steps[index - 1] * (reach / lengths[index - 1])
        leave = corner + steps[index] * (reach / lengths[index])
        pieces.append(_straight(here, entry))
        t = np.linspace(0.0, 1.0, _POINTS_PER_CORNER)[1:, None]
        pieces.append((1 - t) ** 2 * entry + 2 * t * (1 - t) * corner + t**2 * leave)
        here = leave
    pieces.append(_straight(here, corners[-1]))
    return _distinct(np.concatenate(pieces))


def densified(path: NDArray[np.float64], step_rad: float) -> NDArray[np.float64]:
    """Insert points so that no joint moves more than ``step_rad`` between neighbours."""
    counts = np.ceil(np.abs(np.diff(path, axis=0)).max(axis=1) / step_rad).astype(int)
    if np.all(counts <= 1):
        return path
    pieces = [path[:1]]
    for a, b, count in zip(path[:-1], path[1:], counts, strict=True):
        fractions = np.arange(1, max(count, 1) + 1)[:, None] / max(count, 1)
        pieces.append(a + fractions * (b - a))
    return np.concatenate(pieces)


def _straight(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points after ``a`` up to and with ``b``."""
    count = max(3, int(np.ceil(np.linalg.norm(b - a) / _SPACING_RAD)))
    return np.linspace(a, b, count + 1)[1:]


def _distinct(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Drop points that repeat their predecessor; the first and the last stay."""
    kept = [points[0]]
    for point in points[1:-1]:
        if np.linalg.norm(point - kept[-1]) > _SHORTEST_RAD:
            kept.append(point)
    if len(kept) > 1 and np.linalg.norm(points[-1] - kept[-1]) <= _SHORTEST_RAD:
        kept.pop()
    kept.append(points[-1])
    return np.array(kept)
