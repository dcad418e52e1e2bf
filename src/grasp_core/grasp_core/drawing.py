"""Grasp rectangles drawn over a picture, ranked or as they are, and depth as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.grasp import Grasp
from grasp_core.rectangle import GraspRectangle

Color = tuple[int, int, int]

_BEST: Color = (255, 145, 0)
_OTHER: Color = (70, 165, 255)
_OPENING: Color = (255, 255, 255)
_TOO_WIDE: Color = (220, 50, 47)
_HALO: Color = (25, 25, 30)
_NO_DEPTH: Color = (90, 0, 90)
_DARKEST, _BRIGHTEST = 40.0, 240.0
_OTHER_OPACITY = 0.65
_SUBPIXEL_BITS = 4


def draw_grasps(
    color: NDArray[np.uint8], grasps: Sequence[Grasp], limit: int = 10
) -> NDArray[np.uint8]:
    """Draw the best candidates; the image itself is left alone.

    The two jaws are thick, the opening between them is thin and white. The best grasp is orange
    and carries its class, quality and width; the others are blue. A grasp of quality 0 is red.

    Args:
        color: Shape (H, W, 3), uint8, RGB.
        grasps: Candidates, best first.
        limit: Most candidates drawn.

    Returns:
        A new image of the same shape.
    """
    image = np.ascontiguousarray(color).copy()
    shown = list(grasps[: max(limit, 0)])
    if not shown:
        return image
    scale = max(1.0, image.shape[0] / 720.0)
    if len(shown) > 1:
        layer = image.copy()
        for grasp in reversed(shown[1:]):
            draw_rectangle(layer, grasp.rectangle, _OTHER, scale)
        image = np.asarray(
            cv2.addWeighted(layer, _OTHER_OPACITY, image, 1.0 - _OTHER_OPACITY, 0.0), np.uint8
        )
    best = shown[0]
    jaw = _BEST if best.quality > 0.0 else _TOO_WIDE
    draw_rectangle(image, best.rectangle, jaw, 1.4 * scale)
    _draw_caption(image, best, scale)
    return image


def draw_rectangle(
    image: NDArray[np.uint8], rectangle: GraspRectangle, jaw: Color, scale: float = 1.0
) -> None:
    """Draw one rectangle into an image: the jaws thick, the opening between them thin and white.

    Args:
        image: Shape (H, W, 3), uint8, RGB; changed in place.
        rectangle: May reach over the border.
        jaw: Colour of the jaws, RGB.
        scale: Of the line widths, at least 1; 1 suits about 480 rows.
    """
    corners = rectangle.corners
    openings = ((0, 1), (2, 3))
    jaws = ((1, 2), (3, 0))
    thin, thick = round(scale), round(2.0 * scale) + 1
    for start, stop in openings:
        _line(image, corners[start], corners[stop], _HALO, thin + 2)
    for start, stop in jaws:
        _line(image, corners[start], corners[stop], _HALO, thick + 2)
    for start, stop in openings:
        _line(image, corners[start], corners[stop], _OPENING, thin)
    for start, stop in jaws:
        _line(image, corners[start], corners[stop], jaw, thick)


def draw_outline(image: NDArray[np.uint8], rectangle: GraspRectangle, color: Color) -> None:
    """Draw one rectangle as a thin line of one colour: many of them do not hide what is below.

    Args:
        image: Shape (H, W, 3), uint8, RGB; changed in place.
        rectangle: May reach over the border.
        color: Colour of the line, RGB.
    """
    corners = rectangle.corners
    for index in range(4):
        _line(image, corners[index], corners[(index + 1) % 4], color, 1)


def depth_as_grey(depth_m: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """A depth image for the eye: near is bright, far is dark, and invalid is purple.

    Args:
        depth_m: Shape (H, W), metres, NaN invalid. The nearest and the farthest hundredth are not
            told apart, so that strays do not darken the rest.

    Returns:
        Shape (H, W, 3), uint8, RGB.
    """
    valid = np.isfinite(depth_m)
    grey = np.zeros(depth_m.shape, np.uint8)
    if valid.any():
        near, far = np.percentile(depth_m[valid], (1, 99))
        share = np.clip((far - depth_m[valid]) / max(far - near, 1e-6), 0.0, 1.0)
        grey[valid] = np.rint(_DARKEST + (_BRIGHTEST - _DARKEST) * share)
    picture = np.repeat(grey[:, :, None], 3, axis=2)
    picture[~valid] = _NO_DEPTH
    return picture


def _line(
    image: NDArray[np.uint8],
    start: NDArray[np.float64],
    stop: NDArray[np.float64],
    color: Color,
    thickness: int,
) -> None:
    factor = 1 << _SUBPIXEL_BITS
    a, b = (np.clip(np.rint(p * factor), -1e6, 1e6).astype(int).tolist() for p in (start, stop))
    cv2.line(image, a, b, color, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)


def _draw_caption(image: NDArray[np.uint8], grasp: Grasp, scale: float) -> None:
    """Class, quality and width beside the best grasp, on a plate, inside the image."""
    text = f"{grasp.label} {grasp.quality:.2f}".lstrip()
    if math.isfinite(grasp.width_m):
        text += f"  {1000.0 * grasp.width_m:.0f} mm"
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.42 * scale
    (width, height), _ = cv2.getTextSize(text, font, size, 1)
    pad = round(4 * scale)
    right, low = grasp.rectangle.corners.max(axis=0)
    left, high = grasp.rectangle.corners.min(axis=0)
    rows, columns = image.shape[:2]
    u = right + 2 * pad if right + 4 * pad + width < columns else left - 4 * pad - width
    v = 0.5 * (high + low)
    u0 = int(np.clip(u, 0, max(0, columns - width - 2 * pad - 1)))
    v0 = int(np.clip(v - 0.5 * height - pad, 0, max(0, rows - height - 2 * pad - 1)))
    plate = image[v0 : v0 + height + 2 * pad, u0 : u0 + width + 2 * pad]
    plate[:] = (0.25 * plate + 0.75 * np.array(_HALO)).astype(np.uint8)
    origin = (u0 + pad, v0 + pad + height - 1)
    cv2.putText(image, text, origin, font, size, (245, 245, 245), 1, cv2.LINE_AA)
