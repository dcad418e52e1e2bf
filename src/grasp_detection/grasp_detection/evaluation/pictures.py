"""Sheets of the worst and the best cases of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.drawing import Color, depth_as_grey, draw_outline, draw_rectangle
from grasp_core.rectangle import GraspRectangle
from grasp_detection.datasets.dataset import Dataset, Sample
from grasp_detection.evaluation.errors import EvaluationError
from grasp_detection.evaluation.evaluate import ViewResult

CASES = 20
_COLUMNS = 5
_TILE_PX = 300
_CAPTION_PX = 40
_GAP_PX = 6
_LABEL: Color = (135, 135, 145)  # seen on white tables and on dark objects
_TEXT: Color = (225, 225, 225)
_RIGHT: Color = (40, 200, 80)
_WRONG: Color = (235, 60, 50)
_DARK: Color = (25, 25, 30)


def write_cases(
    results: Sequence[ViewResult], dataset: Dataset, folder: Path, count: int = CASES
) -> list[Path]:
    """Write ``worst.png`` and ``best.png`` into a folder; no view is on both sheets.

    Worst come wrong answers, those of little overlap first and of these the most confident;
    best come right answers of great overlap.

    Raises:
        DatasetError: A view can no longer be read.
        EvaluationError: The folder cannot be written.
    """
    ordered = sorted(results, key=lambda one: (one.right, one.jaccard, -one.quality))
    worst = ordered[: min(count, (len(ordered) + 1) // 2)]
    best = ordered[len(worst) :][-count:][::-1]
    paths = []
    folder.mkdir(parents=True, exist_ok=True)
    for name, chosen in (("worst", worst), ("best", best)):
        if chosen:
            path = folder / f"{name}.png"
            tiles = [draw_case(dataset.load(one.index), one) for one in chosen]
            if not cv2.imwrite(str(path), cv2.cvtColor(_sheet(tiles), cv2.COLOR_RGB2BGR)):
                raise EvaluationError(f"cannot write {path}: give another folder")
            paths.append(path)
    return paths


def draw_case(sample: Sample, result: ViewResult) -> NDArray[np.uint8]:
    """Draw one view: labels thin and grey, the best candidate green if right and red if wrong.

    Returns:
        Shape (340, 300, 3), uint8, RGB: the picture and a caption below it.
    """
    picture = sample.color
    if picture is None:
        picture = depth_as_grey(np.asarray(sample.depth_m))
    rows, columns = picture.shape[:2]
    scale = _TILE_PX / max(rows, columns)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    way = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
    drawn = np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8)
    for label in sample.grasps:
        draw_outline(drawn, GraspRectangle(*label).resized(scale), _LABEL)
    color = _RIGHT if result.right else _WRONG
    if len(result.ranking):
        draw_rectangle(drawn, GraspRectangle(*result.best).resized(scale), color)
    tile = np.full((_TILE_PX + _CAPTION_PX, _TILE_PX, 3), _DARK, np.uint8)
    tile[: size[1], : size[0]] = drawn
    answer = f"quality {result.quality:.2f}  Jaccard {result.jaccard:.2f}"
    answer += f"  {result.angle_deg:.0f} deg" if len(result.ranking) else "  no answer"
    _write(tile, result.record.view, _TILE_PX + 15, _TEXT)
    _write(tile, answer, _TILE_PX + 33, color)
    return tile


def _write(tile: NDArray[np.uint8], text: str, v: int, color: Color) -> None:
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.45
    (width, _), _ = cv2.getTextSize(text, font, size, 1)
    size *= min(1.0, (_TILE_PX - 8) / max(1, width))
    cv2.putText(tile, text, (4, v), font, size, color, 1, cv2.LINE_AA)


def _sheet(tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    columns = min(_COLUMNS, len(tiles))
    lines = -(-len(tiles) // columns)
    high, wide = tiles[0].shape[0] + _GAP_PX, tiles[0].shape[1] + _GAP_PX
    sheet = np.full((lines * high, columns * wide, 3), _DARK, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * high, index % columns * wide
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return sheet
