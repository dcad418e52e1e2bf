"""Depth images: units by encoding (REP 117, REP 118), invalid values, filling, robust reading."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.errors import BadImage
from grasp_core.rectangle import GraspRectangle

MILLIMETRE = 0.001
DEPTH_TYPES: dict[str, type] = {"16UC1": np.uint16, "mono16": np.uint16, "32FC1": np.float32}
DEPTH_ENCODINGS = tuple(DEPTH_TYPES)
_EDGES_LEAK = int(cv2.__version__.partition(".")[0]) < 5  # of images that OpenCV inpaints
_STRIDE = 4  # of the pixels that tell the unit
_OTHER_UNITS = {
    "millimetres published as metres": MILLIMETRE,
    "metres published as millimetres": 1.0 / MILLIMETRE,
    "tenths of a millimetre published as millimetres": 0.1,
    "centimetres published as metres": 0.01,
}
"""What drivers get wrong, and by what to multiply to get metres."""


def depth_to_metres(image: NDArray[np.generic], encoding: str) -> NDArray[np.float32]:
    """Convert a depth image to metres with NaN where nothing was measured.

    Args:
        image: Shape (H, W). ``16UC1`` (or its alias ``mono16``) holds millimetres with 0 invalid;
            ``32FC1`` holds metres with NaN, infinity and values <= 0 invalid.
        encoding: The encoding of the ROS image.

    Returns:
        Shape (H, W), float32, metres, NaN invalid.

    Raises:
        BadImage: Any other encoding, or an array that does not match it.
    """
    expected = DEPTH_TYPES.get(encoding)
    if expected is None:
        raise BadImage(
            f"depth encoding {encoding!r} has no known unit; publish 16UC1 (millimetres) or "
            "32FC1 (metres)"
        )
    if image.ndim != 2 or image.dtype != expected:
        raise BadImage(
            f"a {encoding} depth image needs shape (H, W) of {np.dtype(expected).name}, got "
            f"{image.shape} of {image.dtype}"
        )
    metres = np.asarray(image, dtype=np.float32)
    if expected is np.uint16:
        metres = metres * np.float32(MILLIMETRE)
    return np.where(np.isfinite(metres) & (metres > 0.0), metres, np.float32(np.nan))


def check_depth_range(
    depth_m: NDArray[np.float32],
    nearest_m: float,
    farthest_m: float,
    encoding: str = "",
    remedy: str = "publish 16UC1 in millimetres or 32FC1 in metres",
) -> None:
    """Check that a depth image was measured at all, and in the unit of its encoding.

    Args:
        depth_m: Shape (H, W), metres, NaN invalid.
        nearest_m: Nearest depth that the camera measures, metres.
        farthest_m: Farthest such depth, metres.
        encoding: How it was published, for the message.
        remedy: How to give another unit, for the message.

    Raises:
        BadImage: No pixel is valid, or the median lies outside the camera's range; says the
            distance and, where another unit explains it, that unit.
    """
    values = depth_m[::_STRIDE, ::_STRIDE]
    values = values[np.isfinite(values)]
    if not values.size:
        values = depth_m[np.isfinite(depth_m)]
    if not values.size:
        raise BadImage(
            f"the depth image of {depth_m.shape[1]}x{depth_m.shape[0]} px holds no valid depth: "
            "is the lens covered, the projector off, or everything nearer than "
            f"{nearest_m:.2f} m?"
        )
    median_m = float(np.median(values))
    if nearest_m <= median_m <= farthest_m:
        return
    units = [
        f"{name} ({median_m * factor:.2f} m)"
        for name, factor in _OTHER_UNITS.items()
        if nearest_m <= median_m * factor <= farthest_m
    ]
    raise BadImage(
        f"the median of the depth image is {median_m:.4g} m, outside the {nearest_m:.2f} to "
        f"{farthest_m:.2f} m that the camera measures: "
        + (f"its values are probably {' or '.join(units)}; " if units else "")
        + f"{remedy}{f', not so {encoding}' * bool(units and encoding)}"
    )


def fill_invalid(depth_m: NDArray[np.float32], radius_px: float = 3.0) -> NDArray[np.float32]:
    """Fill NaN pixels from their surroundings.

    Uses Navier-Stokes inpainting on the range actually present, as the grasp literature does.
    Measured pixels keep their exact value.

    Args:
        depth_m: Shape (H, W), metres, NaN invalid.
        radius_px: Neighbourhood of a filled pixel.

    Returns:
        Shape (H, W), float32; all NaN where nothing was measured at all.
    """
    invalid = ~np.isfinite(depth_m)
    if not invalid.any() or invalid.all():
        return depth_m.copy()
    whole = depth_m.copy()
    # Only where something is missing, and in place: a whole image costs milliseconds.
    for box in _boxes(invalid, math.ceil(radius_px) + 2):
        missing, part = np.ascontiguousarray(invalid[box]), whole[box]
        near, far, _, _ = cv2.minMaxLoc(part, (~missing).view(np.uint8))
        scale = max(far - near, 1e-6)
        normalised = (part - np.float32(near)) / np.float32(scale)
        normalised[missing] = 0.0
        filled = _inpainted(normalised, missing, radius_px)
        part[missing] = filled[missing] * scale + near
    return whole


def _inpainted(
    values: NDArray[np.float32], missing: NDArray[np.bool_], radius_px: float
) -> NDArray[np.float32]:
    """Values between 0 and 1 with the missing ones filled by Navier-Stokes inpainting.

    OpenCV 4 takes what lies outside the image for 0, and lets it run into holes at the edge: there
    the edge itself is interpolated first, and repeated outside.
    """
    if not _EDGES_LEAK:
        filled = cv2.inpaint(values, missing.view(np.uint8), radius_px, cv2.INPAINT_NS)
        return np.asarray(filled, np.float32)
    values, missing = values.copy(), missing.copy()
    around = _edge(values.shape)
    holed = missing[around]
    if holed.any() and not holed.all():
        place = np.arange(len(holed))
        whole = np.interp(place, place[~holed], values[around][~holed], period=len(place))
        values[around], missing[around] = whole, False
    padded = cv2.copyMakeBorder(values, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    mask = cv2.copyMakeBorder(missing.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    filled = cv2.inpaint(padded, mask, radius_px, cv2.INPAINT_NS)
    return np.asarray(filled[1:-1, 1:-1], np.float32)


def _edge(shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of an image's outermost pixels, once around."""
    height, width = shape
    rows, columns = np.arange(height), np.arange(width)
    top, bottom = np.zeros(width, np.intp), np.full(width, height - 1)
    right, left = np.full(height, width - 1), np.zeros(height, np.intp)
    return (
        np.concatenate([top, rows, bottom, rows[::-1]]),
        np.concatenate([columns, right, columns[::-1], left]),
    )


def _boxes(marked: NDArray[np.bool_], margin: int) -> Iterator[tuple[slice, slice]]:
    """Boxes (rows, columns) with a margin that hold all marked pixels and do not overlap."""
    for rows in _runs(np.asarray(marked.any(axis=1)), margin):
        for columns in _runs(np.asarray(marked[rows].any(axis=0)), margin):
            yield rows, columns


def _runs(flags: NDArray[np.bool_], margin: int) -> list[slice]:
    """Stretches with a margin that hold all flags and do not overlap."""
    index = np.flatnonzero(flags)
    gaps = np.flatnonzero(np.diff(index) > 2 * margin)
    first, last = index[np.r_[0, gaps + 1]], index[np.r_[gaps, len(index) - 1]]
    starts, stops = (first - margin).clip(0).tolist(), (last + margin + 1).tolist()
    return [slice(start, stop) for start, stop in zip(starts, stops, strict=True)]


def surface_depth(
    depth_m: NDArray[np.float32],
    u: float,
    v: float,
    *,
    axis: NDArray[np.float64],
    half_width_px: float,
    half_height_px: float,
    percentile: float = 10.0,
) -> float:
    """Robust depth of the nearest surface inside a rotated window.

    A low percentile of the valid pixels reads the top of the object between the jaws and ignores
    single outliers.

    Args:
        depth_m: Shape (H, W), metres, NaN invalid.
        u: Window centre column, pixels.
        v: Window centre row, pixels.
        axis: Unit vector (u, v) of the window's first side.
        half_width_px: Half the window along ``axis``.
        half_height_px: Half the window across it.
        percentile: In (0, 100); low means near.

    Returns:
        Metres; NaN where the window holds no valid pixel.
    """
    near, inside, _ = _window(depth_m, u, v, axis, half_width_px, half_height_px)
    values = near[inside]
    return _percentile(values, percentile) if values.size else math.nan


def plane_depth(
    depth_m: NDArray[np.float32],
    camera: PinholeCamera,
    rectangle: GraspRectangle,
    approach: NDArray[np.float64],
    percentile: float = 10.0,
) -> float:
    """Depth of the grasp plane at a rectangle's centre: the local top as the gripper meets it.

    Like :func:`surface_depth`, but near means early along the approach. On a tilted view the two
    differ by the slope of the window.

    Args:
        depth_m: Shape (H, W), metres, NaN invalid.
        camera: Intrinsics of the image.
        rectangle: Window between the jaws.
        approach: Unit approach direction in the optical frame, shape (3,).
        percentile: In (0, 100); low means early.

    Returns:
        Metres; NaN where the window holds no valid pixel.
    """
    near, inside, corner = _window(
        depth_m,
        rectangle.u,
        rectangle.v,
        rectangle.axis,
        rectangle.width / 2,
        rectangle.height / 2,
    )
    rows, columns = np.nonzero(inside)
    if not rows.size:
        return math.nan
    pixels, values = np.stack([columns, rows], axis=-1) + corner, near[rows, columns]
    level = _percentile(camera.deproject(pixels, values) @ approach, percentile)
    return float(level / (camera.rays((rectangle.u, rectangle.v)) @ approach))


def _percentile(values: NDArray[np.floating[Any]], percentile: float) -> float:
    """What numpy.percentile gives, for few values and quickly."""
    place = 0.01 * percentile * (len(values) - 1)
    below, above = math.floor(place), math.ceil(place)
    low, high = np.partition(values, (below, above))[[below, above]].tolist()
    return float(low + (place - below) * (high - low))


def _window(
    depth_m: NDArray[np.float32],
    u: float,
    v: float,
    axis: NDArray[np.float64],
    half_width_px: float,
    half_height_px: float,
) -> tuple[NDArray[np.float32], NDArray[np.bool_], tuple[int, int]]:
    """The part of an image about a rotated window.

    Returns:
        Depths of the part, which of its pixels are valid and inside the window, and where (u, v)
        the part begins.
    """
    reach = math.hypot(half_width_px, half_height_px) + 1.0
    height, width = depth_m.shape
    u0, u1 = max(0, math.floor(u - reach)), min(width, math.ceil(u + reach) + 1)
    v0, v1 = max(0, math.floor(v - reach)), min(height, math.ceil(v + reach) + 1)
    if u0 >= u1 or v0 >= v1:
        return np.zeros((0, 0), np.float32), np.zeros((0, 0), np.bool_), (0, 0)
    du, dv = np.arange(u0, u1) - u, (np.arange(v0, v1) - v)[:, None]
    inside = np.abs(du * axis[0] + dv * axis[1]) <= max(half_width_px, 0.5)
    inside &= np.abs(dv * axis[0] - du * axis[1]) <= max(half_height_px, 0.5)
    near = depth_m[v0:v1, u0:u1]
    inside &= np.isfinite(near)
    return near, inside, (u0, v0)
