"""Convex solids with a density, of which household objects are put together."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grasp_sim.convex_mass import Points
from grasp_sim.object_file import spread_evenly

_RIM_POINTS = 24  # of a round solid
_STAVES = 16  # of a round wall
_BALL_POINTS = 160


@dataclass(frozen=True, eq=False)
class Solid:
    """A convex part of an object.

    Attributes:
        corners: Shape (N, 3), metres, in the object's frame.
        density: kg/m^3.
        paint: Parts of one paint have one colour.
    """

    corners: Points
    density: float
    paint: str = "body"


def block(
    sides_m: Sequence[float],
    center_m: Sequence[float],
    density: float,
    paint: str = "body",
) -> Solid:
    """A cuboid."""
    signs = np.array(list(itertools.product((-0.5, 0.5), repeat=3)))
    corners = signs * np.array(sides_m) + np.array(center_m)
    return Solid(corners, density, paint)


def drum(
    radii_m: tuple[float, float],
    heights_m: tuple[float, float],
    density: float,
    paint: str = "body",
    oval: float = 1.0,
) -> Solid:
    """A round solid along z between two radii at two heights; its y is ``oval`` times its x."""
    rims = [
        _ring(radius, height, _RIM_POINTS, oval)
        for radius, height in zip(radii_m, heights_m, strict=True)
    ]
    return Solid(np.concatenate(rims), density, paint)


def ball(radii_m: Sequence[float], density: float) -> Solid:
    """An ellipsoid."""
    return Solid(spread_evenly(_BALL_POINTS) * np.array(radii_m), density)


def wall(
    profile_m: Sequence[tuple[float, float]], thick_m: float, density: float, paint: str = "body"
) -> list[Solid]:
    """A round wall along z, open above and below, of staves.

    Args:
        profile_m: Outer radius and height from the foot to the rim.
        thick_m: How thick it is.
        density: kg/m^3.
        paint: Of all staves.
    """
    staves = []
    for (low_r, low_z), (high_r, high_z) in itertools.pairwise(profile_m):
        rings = [
            _ring(radius, height, _STAVES)
            for radius, height in (
                (low_r, low_z),
                (low_r - thick_m, low_z),
                (high_r, high_z),
                (high_r - thick_m, high_z),
            )
        ]
        for index in range(_STAVES):
            edge = [index, (index + 1) % _STAVES]
            staves.append(Solid(np.concatenate([ring[edge] for ring in rings]), density, paint))
    return staves


def bow(
    points_m: Sequence[Sequence[float]],
    radii_m: Sequence[float],
    density: float,
    paint: str = "body",
) -> list[Solid]:
    """A bar that bends in the plane of x and z, as a banana or a handle does.

    Args:
        points_m: Middles along the bar, shape (3,) each, two or more.
        radii_m: Half its thickness there.
        density: kg/m^3.
        paint: Of the whole bar.
    """
    points = np.array(points_m, np.float64)
    along = np.asarray(np.gradient(points, axis=0))
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = np.array([0.0, 1.0, 0.0])
    turns = np.linspace(0.0, 2.0 * math.pi, 8, endpoint=False)
    rings = [
        point
        + radius
        * (np.outer(np.cos(turns), across) + np.outer(np.sin(turns), np.cross(direction, across)))
        for point, radius, direction in zip(points, radii_m, along, strict=True)
    ]
    return [Solid(np.concatenate(pair), density, paint) for pair in itertools.pairwise(rings)]


def _ring(radius_m: float, height_m: float, count: int, oval: float = 1.0) -> Points:
    turns = np.linspace(0.0, 2.0 * math.pi, count, endpoint=False)
    return np.column_stack(
        [radius_m * np.cos(turns), oval * radius_m * np.sin(turns), np.full(count, height_m)]
    )
