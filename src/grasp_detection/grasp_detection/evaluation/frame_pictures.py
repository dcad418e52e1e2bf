"""Labelled real pictures with the verdicts on their grasps drawn in, for looking at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.drawing import Color, draw_rectangle
from grasp_core.rectangle import GraspRectangle
from grasp_detection.evaluation.errors import EvaluationError
from grasp_detection.evaluation.frame_labels import FrameLabels, Region
from grasp_detection.evaluation.real_frames import FrameResult
from grasp_detection.frames import PictureFrame, read_recorded

_OBJECT: Color = (255, 255, 255)
_FORBIDDEN: Color = (150, 70, 200)
_GOOD: Color = (40, 200, 80)
_BAD: Color = (235, 60, 50)
_TEXT: Color = (245, 245, 245)
_CAPTION_PX = 22


def write_frame_pictures(
    results: Sequence[FrameResult], frames: Sequence[tuple[Path, FrameLabels]], folder: Path
) -> list[Path]:
    """Write ``NAME.png`` for each frame.

    Args:
        results: Of the frames, in the same order.
        frames: Where they are, and their labels.
        folder: Is made where it is missing.

    Raises:
        DatasetError: A frame can no longer be read.
        EvaluationError: A picture cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for result, (source, labels) in zip(results, frames, strict=True):
        path = folder / f"{result.frame}.png"
        drawn = draw_frame(read_recorded(source), labels, result)
        if not cv2.imwrite(str(path), cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR)):
            raise EvaluationError(f"cannot write {path}: give another folder")
        paths.append(path)
    return paths


def draw_frame(frame: PictureFrame, labels: FrameLabels, result: FrameResult) -> NDArray[np.uint8]:
    """Draw objects white, forbidden zones violet, grasps green or red, the first one thick.

    Returns:
        Shape (H + 22, W, 3), uint8, RGB: the picture, and a caption below it.
    """
    image = frame.color.copy()
    for regions, color in ((labels.forbidden, _FORBIDDEN), (labels.objects, _OBJECT)):
        _outline(image, regions, color)
    for index in reversed(range(len(result.verdicts))):
        jaw = _GOOD if result.verdicts[index].good else _BAD
        rectangle = GraspRectangle(*map(float, result.rows[index]))
        draw_rectangle(image, rectangle, jaw, 1.6 if index == 0 else 1.0)
    caption = np.zeros((_CAPTION_PX, image.shape[1], 3), np.uint8)
    why = result.verdicts[0].why_not if result.verdicts else "no answer"
    text = f"{result.frame}: first {why or 'good'}; good {sum(v.good for v in result.verdicts)}"
    cv2.putText(
        caption, f"{text} of {len(result.verdicts)}", (4, _CAPTION_PX - 7),
        cv2.FONT_HERSHEY_SIMPLEX, 0.45, _TEXT, 1, cv2.LINE_AA,
    )  # fmt: skip
    return np.concatenate([image, caption])


def _outline(image: NDArray[np.uint8], regions: Sequence[Region], color: Color) -> None:
    for region in regions:
        corners = [np.rint(polygon).astype(np.int32) for polygon in region.polygons]
        cv2.polylines(image, corners, True, color, 1, cv2.LINE_AA)
