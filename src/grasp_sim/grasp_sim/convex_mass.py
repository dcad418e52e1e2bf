"""Mass, middle of mass and inertia of bodies made of convex parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MassProperties:
    """How a body resists.

    Attributes:
        mass_kg: Kilograms.
        center_m: Middle of mass, shape (3,), metres, in the frame of the corners.
        inertia: About the middle of mass, in the same axes, shape (3, 3), kg m^2.
    """

    mass_kg: float
    center_m: NDArray[np.float64]
    inertia: NDArray[np.float64]


def mass_properties(parts: Sequence[Points], densities: Sequence[float]) -> MassProperties:
    """Of convex parts that do not overlap; flat ones weigh nothing.

    Args:
        parts: Corners of each part, shape (N, 3), metres.
        densities: Of each part, kg/m^3.
    """
    mass, first, second = 0.0, np.zeros(3), np.zeros((3, 3))
    for points, density in zip(parts, densities, strict=True):
        try:
            hull = ConvexHull(points)
        except (QhullError, ValueError):
            continue
        middle = points.mean(axis=0)
        # Tetrahedra from the middle to each face; their moments in closed form.
        sides = points[hull.simplices] - middle
        masses = density * np.abs(np.linalg.det(sides)) / 6.0
        sums = sides.sum(axis=1)
        away = masses @ sums / 4.0
        about = np.einsum("t,tij,tik->jk", masses, sides, sides)
        about += np.einsum("t,tj,tk->jk", masses, sums, sums)
        part = masses.sum()
        mass += part
        first += part * middle + away
        second += about / 20.0 + np.outer(middle, away) + np.outer(away, middle)
        second += part * np.outer(middle, middle)
    if mass == 0.0:
        return MassProperties(0.0, first, second)
    center = first / mass
    second -= mass * np.outer(center, center)
    return MassProperties(float(mass), center, np.trace(second) * np.eye(3) - second)
