"""What the networks' answers mean: rectangles with their confidences."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from grasp_core.grasp import Level
from grasp_core.rectangle import suppress
from grasp_detection.dsgd.angles import angle_of
from grasp_detection.dsgd.heads import GRASPABLE
from grasp_detection.dsgd.network import (
    ANGLE_MAPS,
    BOXES,
    EVALUATION,
    GLOBAL_ANGLE,
    GLOBAL_BOX,
    GRASP_MAPS,
    RECTANGLES,
    REGION_ANGLES,
    REGION_CONFIDENCE,
)
from grasp_detection.dsgd.targets import HEIGHT, POSITION, WIDTH
from grasp_detection.learned.boxes import decode
from grasp_detection.learned.config import LearnedConfig
from grasp_detection.learned.family import Arrays, Candidates
from grasp_detection.learned.window import FloatArray

SIZE_UNIT = 0.5  # of an input side: what width and height 1 in the maps stand for
_BLUR = 1.0 / 112.0  # standard deviation of the Gaussian filter on maps, in input sides
_CONSIDERED = 8  # times as many candidates as are wanted go through suppression
_LEAST_PX = 1.0


def read_regions(outputs: Arrays, config: LearnedConfig, limit: int, least: float) -> Candidates:
    """Each region's grasp in its most likely angle class.

    Args:
        outputs: Of the region network, for one picture.
        config: How similar grasps are suppressed.
        limit: Most candidates.
        least: Those of no higher confidence are dropped.
    """
    confidence = _confidence(outputs[REGION_CONFIDENCE])
    order = np.argsort(-confidence, kind="stable")[: _CONSIDERED * limit]
    order = order[confidence[order] > least]
    boxes, corrections = (
        torch.from_numpy(np.ascontiguousarray(one)).double()
        for one in (outputs[BOXES][order], outputs[RECTANGLES][order, GRASPABLE])
    )
    angle = angle_of(outputs[REGION_ANGLES][order, GRASPABLE].argmax(axis=-1))
    rows = _rows(np.asarray(decode(corrections, boxes).numpy()), angle)
    return _distinct(rows, confidence[order], config, limit, Level.REGION)


def read_pixels(
    outputs: Arrays, size: int, config: LearnedConfig, limit: int, least: float
) -> Candidates:
    """The grasps at the maxima of the position map.

    Args:
        outputs: Of the pixel network, for one picture.
        size: Side of the input that it was trained with, pixels.
        config: How similar grasps are suppressed.
        limit: Most candidates.
        least: Those of no higher confidence are dropped.
    """
    blur_px = _BLUR * size
    maps = [cv2.GaussianBlur(one, (0, 0), blur_px) for one in outputs[GRASP_MAPS]]
    position = np.clip(maps[POSITION], 0.0, 1.0)
    reach = 2 * max(1, round(blur_px)) + 1
    highest = cv2.dilate(position, np.ones((reach, reach), np.uint8))
    v, u = np.nonzero((position >= highest) & (position > least))
    confidence = position[v, u].astype(np.float64)
    order = np.argsort(-confidence, kind="stable")[: _CONSIDERED * limit]
    v, u, confidence = v[order], u[order], confidence[order]
    sides = (maps[part][v, u] * (SIZE_UNIT * size) for part in (WIDTH, HEIGHT))
    angle = angle_of(outputs[ANGLE_MAPS][:, v, u].argmax(axis=0))
    rows = _rows(np.stack([u, v, *sides], axis=1).astype(np.float64), angle)
    return _distinct(rows, confidence, config, limit, Level.PIXEL)


def read_globally(outputs: Arrays, least: float) -> Candidates:
    """The global grasp, unless the evaluation network gives it no higher confidence."""
    confidence = _confidence(outputs[EVALUATION].reshape(-1, 2)[-1:])
    angle = angle_of(outputs[GLOBAL_ANGLE].argmax(axis=-1, keepdims=True))
    rows = _rows(outputs[GLOBAL_BOX][None].astype(np.float64), angle)
    kept = confidence > least
    return Candidates(rows[kept], confidence[kept], confidence[kept], level=Level.GLOBAL)


def _rows(boxes: FloatArray, angle: FloatArray) -> FloatArray:
    """Boxes (N, 4) and angles (N,) as rectangles, none of them without area."""
    sides = np.clip(boxes[:, 2:], _LEAST_PX, None)
    return np.concatenate([boxes[:, :2], sides, angle[:, None]], axis=1)


def _distinct(
    rows: FloatArray, confidence: FloatArray, config: LearnedConfig, limit: int, level: Level
) -> Candidates:
    kept = suppress(
        rows, confidence, jaccard=config.nms_jaccard, angle=config.nms_angle, limit=limit
    )
    return Candidates(rows[kept], confidence[kept], confidence[kept], level=level)


def _confidence(logits: NDArray[np.float32]) -> FloatArray:
    """Probability of class 1 of two, shape (N, 2) -> (N,)."""
    margin = np.clip((logits[:, 1] - logits[:, 0]).astype(np.float64), -50.0, 50.0)
    return np.asarray(1.0 / (1.0 + np.exp(-margin)))
