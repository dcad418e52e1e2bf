"""Depth as seen by a network: how far each pixel stands out from the support.

A plane's inverse depth is an affine function of the pixel, whatever the intrinsics, so that the
support can be found in a bare depth image. What is left is the same for any distance and tilt of
the camera, and for any part of the picture.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasp_core.depth import fill_invalid

_GRID = 5000  # pixels, evenly spread, of which some are drawn
_SAMPLES = 2000  # pixels looked at
_SCORED = 4  # of so many of them one tells how good a try is
_DRAWS = 150  # planes tried
_TOLERANCE = 0.01  # share of the depth within which a pixel belongs to the plane
_REFITS = 3
_MIN_PIXELS = 50


def relief(depth_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distance of each pixel from the largest plane, along the optical axis.

    Args:
        depth_m: Shape (H, W), float32, metres, NaN invalid.

    Returns:
        Shape (H, W), float32, metres: positive towards the camera; invalid pixels are filled from
        their surroundings; 0 everywhere where hardly anything was measured.
    """
    plane = _support(depth_m)
    if plane is None:
        return np.zeros(depth_m.shape, np.float32)
    height, width = depth_m.shape
    columns = (plane[0] * np.arange(width)).astype(np.float32)
    rows = (plane[1] * np.arange(height) + plane[2]).astype(np.float32)
    filled_m = fill_invalid(depth_m)
    # Towards its horizon the plane is infinitely far: nothing there is of interest.
    least = np.float32(0.5 / filled_m.max())
    heights_m = columns + rows[:, None]
    np.maximum(heights_m, least, out=heights_m)
    np.reciprocal(heights_m, out=heights_m)
    heights_m -= filled_m
    return heights_m


def _support(depth_m: NDArray[np.float32]) -> NDArray[np.floating[Any]] | None:
    """Coefficients of the inverse depth of the largest plane: per column, per row, constant.

    Source: Fischler, Bolles, "Random sample consensus", CACM 1981; seeded, so that the same image
    gives the same plane.
    """
    step = max(1, int(np.sqrt(depth_m.size / _GRID)))
    v, u = _measured(depth_m, step)
    if len(v) < _MIN_PIXELS:
        v, u = _measured(depth_m, 1)
    if len(v) < _MIN_PIXELS:
        return None
    rng = np.random.default_rng(0)
    chosen = rng.integers(len(v), size=_SAMPLES)
    v, u = v[chosen], u[chosen]
    places = np.column_stack([u, v, np.ones(len(u))]).astype(np.float64)
    # Scaled to one, so that normal equations lose no digits.
    unit = np.array([*depth_m.shape[::-1], 1.0])
    inverse = 1.0 / depth_m[v, u].astype(np.float64)
    corners = rng.integers(len(u), size=(_DRAWS, 3))
    systems = places[corners]
    usable = np.abs(np.linalg.det(systems)) > 1.0  # three pixels that span an area
    if not usable.any():
        return None
    tried = np.linalg.solve(systems[usable], inverse[corners[usable]][..., None])[..., 0]
    # Sums instead of matrix products: waking a linear algebra library's threads takes longer.
    few, there = places[::_SCORED].astype(np.float32), inverse[::_SCORED].astype(np.float32)
    per_column, per_row, constant = tried.T.astype(np.float32)[..., None]
    off = per_column * few[:, 0]
    off += per_row * few[:, 1]
    off += constant - there
    near = np.count_nonzero(np.abs(off, out=off) < _TOLERANCE * there, axis=1)
    plane: NDArray[np.floating[Any]] = tried[near.argmax()]
    for _ in range(_REFITS):
        on_plane = np.abs(np.einsum("pc,c->p", places, plane) - inverse) < _TOLERANCE * inverse
        here, target = places[on_plane] / unit, inverse[on_plane]
        square = np.einsum("pi,pj->ij", here, here)
        plane = np.linalg.solve(square, np.einsum("pi,p->i", here, target)) / unit
    return plane


def _measured(
    depth_m: NDArray[np.float32], step: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the pixels of a grid that hold a depth."""
    seen = depth_m[::step, ::step]
    v, u = np.nonzero(np.isfinite(seen) & (seen > 0.0))
    return v * step, u * step
