"""A contact sheet: views of a dataset with their labels drawn in, to be looked at by a person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.drawing import depth_as_grey, draw_rectangle
from grasp_core.rectangle import GraspRectangle
from grasp_detection.datasets.dataset import Dataset, DatasetError, Sample

ROWS, COLUMNS = 4, 6
TILE_PX = 300
_FINER = 2  # times the tile's size in which it is drawn, for thin lines
_LINES = 1.5  # scale of the line widths on the finer drawing
MOST_LABELS = 12  # drawn of one view; more would hide the object
_CAPTION_PX = 18
_CAPTION_CHARACTERS = 42
_GRASP = (70, 165, 255)
_NEGATIVE = (220, 50, 47)
_OUTLINE = (255, 215, 0)
_PAPER = 30


def sample_views(
    dataset: Dataset, indices: Sequence[int], count: int = ROWS * COLUMNS, seed: int = 0
) -> list[Sample]:
    """Draw views at random, in the dataset's order; those that cannot be read are passed over.

    Args:
        dataset: Where to draw from.
        indices: Views to draw from.
        count: Most views drawn.
        seed: Of the draw.
    """
    found: dict[int, Sample] = {}
    for index in np.random.default_rng(seed).permutation(np.asarray(indices, np.int64)):
        if len(found) == count:
            break
        try:
            found[int(index)] = dataset.load(int(index))
        except DatasetError:
            continue
    return [found[index] for index in sorted(found)]


def draw_sheet(samples: Sequence[Sample], columns: int = COLUMNS) -> NDArray[np.uint8]:
    """Draw views side by side, each named below.

    Grasps have blue jaws, negative labels red ones; the opening is thin and white. Objects of a
    mask are outlined in yellow.

    Args:
        samples: At least one.
        columns: Tiles beside each other.

    Returns:
        Shape (H, W, 3), uint8, RGB.

    Raises:
        DatasetError: There is nothing to draw.
    """
    if not samples:
        raise DatasetError("no view can be drawn on the sheet: none can be read")
    tiles = [draw_tile(sample) for sample in samples]
    blank = np.full_like(tiles[0], _PAPER)
    tiles += [blank] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    return np.vstack(rows)


def draw_tile(sample: Sample) -> NDArray[np.uint8]:
    """One view with its labels and name, shape (TILE_PX + caption, TILE_PX, 3), uint8, RGB."""
    height, width = sample.size
    side = _FINER * TILE_PX
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    whole = sample.color
    if whole is None:
        whole = depth_as_grey(np.asarray(sample.depth_m))
    picture = np.asarray(cv2.resize(whole, size, interpolation=way), np.uint8)
    if sample.instances is not None:
        _outline(picture, sample.instances)
    for rows, jaw in ((sample.negatives, _NEGATIVE), (sample.grasps, _GRASP)):
        for row in _evenly(rows):
            draw_rectangle(picture, GraspRectangle(*row).resized(scale), jaw, _LINES)
    large = np.full((side, side, 3), _PAPER, np.uint8)
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    large[top : top + size[1], left : left + size[0]] = picture
    tile = np.full((TILE_PX + _CAPTION_PX, TILE_PX, 3), _PAPER, np.uint8)
    tile[:TILE_PX] = cv2.resize(large, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)
    text = f"{sample.record.view[-_CAPTION_CHARACTERS:]}  {len(sample.grasps)}"
    if len(sample.negatives):
        text += f"/{len(sample.negatives)}"
    origin = (4, TILE_PX + _CAPTION_PX - 5)
    cv2.putText(tile, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (235,) * 3, 1, cv2.LINE_AA)
    return tile


def write_sheet(sheet: NDArray[np.uint8], path: Path) -> None:
    """Write a sheet as PNG.

    Raises:
        DatasetError: The name does not end in .png, or the file cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise DatasetError(f"the sheet is written as PNG, so {path} must end in .png")
    _, data = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise DatasetError(f"cannot write the sheet {path}: {error.strerror}") from error


def _outline(picture: NDArray[np.uint8], instances: NDArray[np.int32]) -> None:
    """Mark the pixels where the object number changes."""
    size = (picture.shape[1], picture.shape[0])
    numbers = cv2.resize(instances, size, interpolation=cv2.INTER_NEAREST)
    edge = np.zeros(numbers.shape, np.bool_)
    edge[:, 1:] |= numbers[:, 1:] != numbers[:, :-1]
    edge[1:] |= numbers[1:] != numbers[:-1]
    picture[edge] = _OUTLINE


def _evenly(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """At most MOST_LABELS rows, spread over all."""
    if len(rows) <= MOST_LABELS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, MOST_LABELS).round().astype(np.int64)]
