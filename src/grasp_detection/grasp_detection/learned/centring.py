"""Moves a network's rectangles onto what the depth image shows between the jaws.

A network sees where an object can be held and how the jaws must be turned; where exactly its
sides are, the depth image says better. Each rectangle is looked at as the gripper would meet it:
the heights under a pad's width, along the closing line, at the level that the fingertips reach.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.robot import GripperProfile
from grasp_detection.learned.window import FloatArray

_STEP_M = 0.001  # between samples along the closing line
_PAD_SAMPLES = 7  # across it, over the pad's width
_BEYOND_M = 0.014  # looked at beyond the widest opening: what goes on there has no side in reach
_TOP_PERCENTILE = 90.0  # of the heights between the jaws: their top, but for stray pixels
_MEDIAN_PX = 5
_OUTSIDE_M = 1.0  # height of what lies outside the picture: no side is found there


def centre(
    rows: FloatArray,
    relief_m: NDArray[np.float32],
    pixels_per_m: FloatArray,
    gripper: GripperProfile,
    *,
    finger_depth_m: float,
    support_clearance_m: float,
) -> FloatArray:
    """Centre rectangles on the cross-section that they grasp, and make them as wide.

    Args:
        rows: Shape (N, 5), rectangles in pixels and radians.
        relief_m: Shape (H, W), float32, height above the support, metres; see
            :func:`grasp_detection.learned.relief.relief`.
        pixels_per_m: Shape (N,), scale of the picture where each rectangle is.
        gripper: Whose pads are as wide, and whose jaws open as far.
        finger_depth_m: How far the fingertips go below the local top.
        support_clearance_m: Lowest fingertip above the support.

    Returns:
        Shape (N, 5). Rows between whose jaws nothing stands out, or where it has no side within
        reach, are returned as they are; the others are as high as a pad is wide.
    """
    if not len(rows):
        return rows
    steps = int(np.ceil((gripper.max_gap_m + _BEYOND_M) / _STEP_M))
    offset = np.arange(-steps, steps + 1, dtype=np.float64)
    along_m = offset * _STEP_M
    heights = _heights_along(rows, along_m, relief_m, pixels_per_m, gripper.pad_width_m)
    reach = np.maximum(2, np.round(0.5 * rows[:, 2] / pixels_per_m / _STEP_M))
    inside = np.abs(offset) <= reach[:, None]
    top = _top(heights, inside)
    level = np.maximum(top - finger_depth_m, support_clearance_m)
    solid = heights > level[:, None]
    # From the solid sample nearest the middle outwards to the first ones that are not.
    distance = np.where(solid & inside, np.abs(offset), len(offset))
    seed = distance.argmin(axis=1)[:, None]
    index = np.arange(len(offset))
    start = np.where(~solid & (index < seed), index, -1).max(axis=1) + 1
    stop = np.where(~solid & (index > seed), index, len(offset)).min(axis=1)
    found = (top > support_clearance_m) & (distance.min(axis=1) < len(offset))
    found &= (start > 0) & (stop < len(offset))
    shift_px = (0.5 * (start + stop - 1) - steps) * _STEP_M * pixels_per_m
    moved = np.stack(
        [
            rows[:, 0] + shift_px * np.cos(rows[:, 4]),
            rows[:, 1] + shift_px * np.sin(rows[:, 4]),
            (stop - start) * _STEP_M * pixels_per_m,
            gripper.pad_width_m * pixels_per_m,
            rows[:, 4],
        ],
        axis=1,
    )
    return np.where(found[:, None], moved, rows)


def _top(heights: NDArray[np.float32], inside: NDArray[np.bool_]) -> FloatArray:
    """The percentile of each row's heights inside, shape (N,); a whole row at a time."""
    ordered = np.sort(np.where(inside, heights, np.inf), axis=1)
    place = 0.01 * _TOP_PERCENTILE * (inside.sum(axis=1) - 1)
    below = np.floor(place).astype(int)
    row = np.arange(len(heights))
    low, high = ordered[row, below], ordered[row, np.ceil(place).astype(int)]
    return np.asarray(low + (place - below) * (high - low), np.float64)


def _heights_along(
    rows: FloatArray,
    along_m: FloatArray,
    relief_m: NDArray[np.float32],
    pixels_per_m: FloatArray,
    pad_m: float,
) -> NDArray[np.float32]:
    """Highest point under a pad's width at each step of each closing line, shape (N, len)."""
    across_m = np.linspace(-0.5, 0.5, _PAD_SAMPLES)[:, None] * pad_m
    u, v, _, _, angle = (column[:, None, None] for column in rows.T)
    scale = pixels_per_m[:, None, None]
    at_u = u + scale * (np.cos(angle) * along_m - np.sin(angle) * across_m)
    at_v = v + scale * (np.sin(angle) * along_m + np.cos(angle) * across_m)
    shape = (-1, len(along_m))
    smooth_m, left, top = _smoothed(relief_m, at_u, at_v)
    sampled = cv2.remap(
        smooth_m,
        # In this order: what is taken off a float32 leaves the fraction as it is.
        at_u.reshape(shape).astype(np.float32) - np.float32(left),
        at_v.reshape(shape).astype(np.float32) - np.float32(top),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=_OUTSIDE_M,
    )
    heights = sampled.reshape(len(rows), _PAD_SAMPLES, len(along_m)).max(axis=1)
    return np.asarray(heights, np.float32)


def _smoothed(
    relief_m: NDArray[np.float32], u: FloatArray, v: FloatArray
) -> tuple[NDArray[np.float32], int, int]:
    """Relief without stray pixels, of the part that holds these places; its left and its top.

    A whole picture would take most of the time that centring takes.
    """
    margin = _MEDIAN_PX
    (top, bottom), (left, right) = (
        (
            int(np.clip(at.min() - margin, 0, length - 1)),
            int(np.clip(at.max() + margin + 2, 1, length)),
        )
        for at, length in zip((v, u), relief_m.shape, strict=True)
    )
    part = np.ascontiguousarray(relief_m[top:bottom, left:right])
    return np.asarray(cv2.medianBlur(part, _MEDIAN_PX), np.float32), left, top
