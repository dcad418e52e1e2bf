"""Grasp maps: what a network with maps is taught to predict, and how its answer is read.

A stack of maps has shape (4, H, W), float32: quality, cos 2 theta, sin 2 theta, and jaw opening
in units of :data:`WIDTH_UNIT` input sides. Doubling the angle makes the two ends of the jaw axis
the same; its sine and cosine make it smooth.
Source: Morrison, Corke, Leitner, "Closing the loop for robotic grasping", RSS 2018.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.rectangle import suppress
from grasp_detection.learned.window import FloatArray

QUALITY, COS, SIN, WIDTH = range(4)
WIDTH_UNIT = 0.5
BLUR = 1.0 / 112.0  # standard deviation of the Gaussian filter on predictions, in input sides
CERTAINTY = 1.0  # power of the angle vector's length in the score
JAW_RATIO = 0.5  # height of a predicted rectangle in widths: such networks predict none
_ALONG, _ACROSS = 1.0 / 3.0, 0.6  # reach of the quality's bell, in half widths and half heights
_LEAST_PX = 6.0  # side as which a smaller one is painted: less could hardly be learnt


def paint(
    rows: FloatArray,
    size: int,
    *,
    unit_px: float = 0.0,
    quality: FloatArray | None = None,
    bell: bool = True,
) -> NDArray[np.float32]:
    """Paint the target maps of labelled rectangles.

    Where labels overlap, each pixel belongs to the one whose centre is nearest, measured in the
    labels' own sizes.

    Args:
        rows: Shape (N, 5), labels in input pixels.
        size: Side of the input, pixels.
        unit_px: Input pixels that width 1 stands for; 0 for :data:`WIDTH_UNIT` sides.
        quality: Shape (N,), height of each label's bell, in [0, 1]; None for 1.
        bell: Quality falls off from each centre like a bell, so that its maximum is a centre;
            else it is 1 on the middle third of the opening.

    Returns:
        Shape (4, size, size), float32.
    """
    unit_px = unit_px or WIDTH_UNIT * size
    maps = np.zeros((4, size, size), np.float32)
    nearest = np.full((size, size), np.inf, np.float32)
    peaks = np.ones(len(rows)) if quality is None else quality
    for (u, v, opening, jaw, angle), peak in zip(rows, peaks, strict=True):
        width, height = max(opening, _LEAST_PX), max(jaw, _LEAST_PX)
        reach = np.hypot(width, height) / 2.0
        left, right = int(max(0, np.ceil(u - reach))), int(min(size - 1, np.floor(u + reach)))
        top, bottom = int(max(0, np.ceil(v - reach))), int(min(size - 1, np.floor(v + reach)))
        if left > right or top > bottom:
            continue
        du = np.arange(left, right + 1, dtype=np.float32)[None, :] - np.float32(u)
        dv = np.arange(top, bottom + 1, dtype=np.float32)[:, None] - np.float32(v)
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        along = (du * cos + dv * sin) * np.float32(2.0 / width)
        across = (dv * cos - du * sin) * np.float32(2.0 / height)
        inside = (np.abs(along) <= 1.0) & (np.abs(across) <= 1.0)
        if bell:
            shape = np.exp(-0.5 * ((along / _ALONG) ** 2 + (across / _ACROSS) ** 2))
        else:
            shape = (np.abs(along) <= _ALONG).astype(np.float32)
        shape *= inside * np.float32(peak)
        distance = np.where(inside, along**2 + across**2, np.inf)
        area = (slice(top, bottom + 1), slice(left, right + 1))
        maps[QUALITY][area] = np.maximum(maps[QUALITY][area], shape)
        mine = distance < nearest[area]
        nearest[area][mine] = distance[mine]
        maps[COS][area][mine] = np.cos(2.0 * angle)
        maps[SIN][area][mine] = np.sin(2.0 * angle)
        maps[WIDTH][area][mine] = opening / unit_px
    return maps


def read(
    maps: NDArray[np.float32],
    *,
    unit_px: float,
    blur_px: float,
    limit: int = 1,
    min_quality: float = 0.0,
    certainty: float = CERTAINTY,
    jaw_ratio: float = JAW_RATIO,
    nms_jaccard: float = 0.3,
    nms_angle: float = np.pi / 6,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Read ranked rectangles from predicted maps.

    The score of a pixel is its blurred quality times the length of its blurred angle vector to
    the power ``certainty``: where labels disagree about the angle, the network's best answer is a
    short vector. The published networks rank by quality alone, which is ``certainty`` 0.

    Args:
        maps: Shape (4, H, W), as predicted.
        unit_px: Input pixels that width 1 stands for.
        blur_px: Standard deviation of the Gaussian filter, input pixels; 0 for none.
        limit: Most rectangles returned.
        min_quality: Peaks that score less are dropped.
        certainty: Power of the angle vector's length in the score.
        jaw_ratio: Height of a rectangle in widths.
        nms_jaccard: Overlap above which the worse of two similar rectangles is dropped.
        nms_angle: Axes further apart than this are different grasps, radians.

    Returns:
        Rectangles of shape (N, 5) in input pixels, best first; their scores, shape (N,); and the
        blurred quality at their centres, shape (N,).
    """
    smooth = maps
    if blur_px > 0.0:
        smooth = np.stack([cv2.GaussianBlur(one, (0, 0), blur_px) for one in maps])
    length = np.minimum(cv2.magnitude(smooth[COS], smooth[SIN]), 1.0)
    quality = np.clip(smooth[QUALITY], 0.0, 1.0)
    score = quality * length**certainty
    reach = 2 * max(1, round(blur_px)) + 1
    peaks = (score >= cv2.dilate(score, np.ones((reach, reach), np.uint8))) & (score > min_quality)
    v, u = np.unravel_index(np.flatnonzero(peaks), peaks.shape)
    order = np.argsort(-score[v, u], kind="stable")[: 8 * limit]
    v, u = v[order], u[order]
    width = np.clip(smooth[WIDTH][v, u].astype(np.float64) * unit_px, 1.0, None)
    angle = 0.5 * np.arctan2(smooth[SIN][v, u], smooth[COS][v, u])
    rows = np.stack([u, v, width, jaw_ratio * width, angle], axis=1).astype(np.float64)
    scores = score[v, u].astype(np.float64)
    kept = suppress(rows, scores, jaccard=nms_jaccard, angle=nms_angle, limit=limit)
    return rows[kept], scores[kept], quality[v, u].astype(np.float64)[kept]
