"""How narrow an object is at its narrowest: whether jaws could hold it in any pose.

What counts are the convex parts of its collision shapes, for that is what the simulated jaws
touch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from grasp_sim.convex_mass import Points
from grasp_sim.object_file import spread_evenly

_DIRECTIONS = 2000


def narrowest_m(parts: Sequence[Points]) -> float:
    """Least distance of two parallel planes with some part of the object between them, metres.

    Jaws that open less hold it in no pose. Measured along the normals of a part's faces and 2000
    directions spread evenly: exact where a face bounds it, slightly too much where only edges do.
    NaN where no parts are known.

    Args:
        parts: Corners of the object's convex parts, shape (N, 3) each, metres.
    """
    try:
        return min(map(_width_m, parts))
    except (ValueError, QhullError):
        return math.nan


def narrowest_lying_m(parts: Sequence[Points], rotation: NDArray[np.float64]) -> float:
    """The same between upright planes, for jaws from above, as the object lies.

    Args:
        parts: Corners of the object's convex parts, shape (N, 3) each, metres.
        rotation: Of their frame in one with z up, shape (3, 3).
    """
    try:
        return min(_flat_width_m((part @ rotation.T)[:, :2]) for part in parts)
    except (ValueError, QhullError):
        return math.nan


def _width_m(points: Points) -> float:
    hull = ConvexHull(points)
    directions = np.concatenate([hull.equations[:, :3], spread_evenly(_DIRECTIONS)])
    return _least_extent(points[hull.vertices], directions)


def _flat_width_m(points: Points) -> float:
    """Of a polygon, an edge bounds the narrowest strip that holds it."""
    # Corners above one another coincide but for rounding: edges between these point anywhere.
    points = np.unique(np.round(points, 6), axis=0)
    hull = ConvexHull(points)
    return _least_extent(points[hull.vertices], hull.equations[:, :2])


def _least_extent(points: Points, directions: Points) -> float:
    along = points @ directions.T
    return float((along.max(axis=0) - along.min(axis=0)).min())
