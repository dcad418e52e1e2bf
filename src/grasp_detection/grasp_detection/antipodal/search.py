"""Where a parallel gripper coming from above could close: cross-sections between free spaces.

For every closing direction the map is turned so that the jaws move along its columns. At every
fingertip height the cells above it, widened to the pad, form runs along each row; a run that fits
between the jaws, with free space for a finger at both ends, is a candidate.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.height_map import FloatArray, HeightMap
from grasp_core.robot import GripperProfile
from grasp_detection.antipodal.config import AntipodalConfig

_LINES_M = 0.004  # between closing lines
_HIDDEN, _OUTSIDE = 1, 2
_PALM_CELLS = 4  # whose highest point counts for the palm
_ROUNDING = 1e-3  # of a level: which one a height belongs to is not decided more finely
_BLOCKED_M = 10.0  # height given to cells outside the image: no finger goes there


@dataclass(frozen=True, eq=False)
class TurnedMap:
    """A height map turned so that the closing direction runs along its columns.

    Attributes:
        angle: Closing direction in the support frame, radians from +x towards +y.
        height_m: Shape (R, C), metres.
        hidden: Shape (R, C), uint8; 1 where nothing was seen.
        blocked_m: Shape (R, C), heights widened to the pad, cells outside the image blocked.
        palm_m: Shape (R, C), highest point under a palm centred there.
        source: The map it was turned from.
    """

    angle: float
    height_m: NDArray[np.float32]
    hidden: NDArray[np.uint8]
    blocked_m: NDArray[np.float32]
    palm_m: NDArray[np.float32]
    source: HeightMap

    def metric(self, column: FloatArray, row: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Cell indices of the turned map to x, y of the support frame, metres."""
        turn = _turn(self.angle, self.height_m.shape, self.source.height_m.shape)
        return self.source.grid.metric(
            turn[0, 0] * column + turn[0, 1] * row + turn[0, 2],
            turn[1, 0] * column + turn[1, 1] * row + turn[1, 2],
        )


@dataclass(frozen=True, eq=False)
class Sections:
    """Cross-sections in one turned map, all arrays of shape (N,).

    Attributes:
        row: Row of the closing line.
        start: First column of the object.
        stop: One past its last column.
        top_m: Local top of the object between the pads.
        tip_m: Height of the fingertips.
        level_m: Height, at most ``tip_m``, at which free space was checked.
        fits: Whether it is narrow enough for the jaws.
    """

    row: NDArray[np.intp]
    start: NDArray[np.intp]
    stop: NDArray[np.intp]
    top_m: NDArray[np.float32]
    tip_m: NDArray[np.float32]
    level_m: NDArray[np.float32]
    fits: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.row)

    def keep(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Sections:
        """The sections at an index or mask."""
        return replace(self, **{name: getattr(self, name)[which] for name in _SECTION_FIELDS})


_SECTION_FIELDS = ("row", "start", "stop", "top_m", "tip_m", "level_m", "fits")


def turned_maps(
    source: HeightMap,
    in_view: NDArray[np.bool_],
    gripper: GripperProfile,
    config: AntipodalConfig,
) -> Iterator[TurnedMap]:
    """Turn a map to each closing direction and widen it by the pad and the palm.

    Args:
        source: The scene.
        in_view: Shape (R, C); no finger goes to the other cells.
        gripper: Dimensions of pad and palm.
        config: Directions and margins.
    """
    cell = source.grid.cell_m
    diagonal = math.ceil(math.hypot(*source.height_m.shape))
    pad = _odd_cells(gripper.pad_width_m + 2.0 * config.finger_margin_m, cell)
    palm = (gripper.hand_depth_m / cell, gripper.hand_width_m / cell)
    code = np.where(in_view, np.where(source.seen, 0, _HIDDEN), _OUTSIDE).astype(np.uint8)
    any_outside = not in_view.all()
    # A palm above everything needs no look: it is not wider than the fingers are long.
    lowest_palm_m = config.support_clearance_m + gripper.finger_length_m - config.palm_margin_m
    palm_matters = float(source.height_m.max()) >= lowest_palm_m
    for index in range(config.angles):
        angle = math.pi * index / config.angles
        rows = min(diagonal, _extent(source.height_m.shape, angle))
        columns = min(diagonal, _extent(source.height_m.shape, angle + math.pi / 2))
        turn = _turn(angle, (rows, columns), source.height_m.shape)
        height = _warp(source.height_m, turn, (rows, columns))
        codes = _warp(code, turn, (rows, columns))
        blocked = height
        if any_outside:
            blocked = np.where(codes == _OUTSIDE, np.float32(_BLOCKED_M), height)
        yield TurnedMap(
            angle=angle,
            height_m=height,
            hidden=(codes == _HIDDEN).view(np.uint8),
            blocked_m=_spread(blocked, pad, 1),
            palm_m=_under_palm(height, *palm) if palm_matters else np.zeros_like(height),
            source=source,
        )


def find_sections(turned: TurnedMap, gripper: GripperProfile, config: AntipodalConfig) -> Sections:
    """All cross-sections with free space for both fingers and the palm.

    Sections too wide for the jaws are returned too, with ``fits`` false and unchecked space.
    """
    cell = turned.source.grid.cell_m
    blocked = turned.blocked_m
    reach = math.ceil(
        (gripper.finger_thickness_m + config.side_clearance_m + config.finger_margin_m) / cell
    )
    # Highest point within a finger's reach to the left (right) of each column, exclusive.
    left = _trailing_max(blocked, reach)
    right = _trailing_max(blocked[:, ::-1], reach)[:, ::-1]
    widest = math.floor((gripper.max_gap_m - config.gap_clearance_m) / cell)
    # No tip goes higher than that below the highest top; nothing taller than objects counts: a
    # hall's ceiling would make thousands of levels.
    highest = min(float(turned.height_m.max()), config.max_object_height_m)
    highest_tip = max(config.support_clearance_m, highest - config.finger_depth_m)
    levels = np.arange(
        config.support_clearance_m, highest_tip + config.level_step_m, config.level_step_m
    )
    # Neighbouring lines show the same: those a few millimetres apart are enough.
    step = max(1, round(_LINES_M / cell))
    has_top = _rows_with_tops(blocked[::step], len(levels), config)
    found = [
        _sections_at(turned, float(level), step * rows, (left, right), widest, gripper, config)
        for level, rows in zip(levels, map(np.flatnonzero, has_top.T), strict=True)
        if len(rows) or level == levels[0]
    ]
    return Sections(
        **{
            name: np.concatenate([getattr(part, name) for part in found])
            for name in _SECTION_FIELDS
        }
    )


def _rows_with_tops(
    heights: NDArray[np.float32], levels: int, config: AntipodalConfig
) -> NDArray[np.bool_]:
    """Which rows hold a height that could be the top of a section, by level of the fingertips.

    Args:
        heights: Shape (R, C), metres.
        levels: How many, each ``level_step_m`` above the one before.
        config: How deep the fingertips go below a top.

    Returns:
        Shape (R, levels).
    """
    found = np.zeros((len(heights), levels), np.bool_)
    # A section's top is as high as the cells beside it, or higher.
    is_top = heights > config.support_clearance_m
    is_top[:, :-1] &= heights[:, :-1] >= heights[:, 1:]
    is_top[:, 1:] &= heights[:, 1:] >= heights[:, :-1]
    rows, columns = np.nonzero(is_top)
    tip_m = heights[rows, columns] - config.finger_depth_m - config.support_clearance_m
    level = tip_m / np.float32(config.level_step_m)
    for rounding in (-_ROUNDING, _ROUNDING):
        index = np.floor(level + np.float32(rounding)).astype(np.intp)
        found[rows, np.clip(index, 0, levels - 1)] = True
    return found


def _sections_at(
    turned: TurnedMap,
    level: float,
    those: NDArray[np.intp],
    beside: tuple[NDArray[np.float32], NDArray[np.float32]],
    widest: int,
    gripper: GripperProfile,
    config: AntipodalConfig,
) -> Sections:
    """Sections at one height of the fingertips, in rows that may hold some."""
    blocked = turned.blocked_m[those]
    rows, columns = blocked.shape
    # Runs of solid cells along the rows of the flattened map: an empty cell precedes each row.
    line = np.zeros(rows * (columns + 1) + 1, dtype=np.bool_)
    np.greater(blocked, level, out=line[:-1].reshape(rows, columns + 1)[:, 1:])
    edges = np.flatnonzero(line[1:] != line[:-1])
    row, start = np.divmod(edges[::2], columns + 1)
    stop = edges[1::2] - row * (columns + 1)
    # Highest cell of each run, by segments of the flattened map.
    flat = np.append(blocked.ravel(), np.float32(0.0))
    bounds = np.stack([row * columns + start, row * columns + stop], axis=1).ravel()
    top = np.maximum.reduceat(flat, bounds)[::2] if len(bounds) else np.empty(0, dtype=np.float32)
    tip = np.maximum(config.support_clearance_m, top - config.finger_depth_m).astype(np.float32)
    inner = (start > 0) & (stop < columns)
    # Each top belongs to the highest level that its fingertip height reaches.
    here = inner & (tip >= level) & (tip < level + config.level_step_m) & (top < _BLOCKED_M)
    here &= (top < config.max_object_height_m) & (top > config.min_object_height_m)
    here &= top - level >= config.min_grip_depth_m
    row, start, stop, top, tip = those[row[here]], start[here], stop[here], top[here], tip[here]
    fits = stop - start <= widest
    middle = (start + stop) // 2
    left, right = beside
    free = (left[row, start] < level) & (right[row, stop - 1] < level)
    palm_floor = tip + gripper.finger_length_m - config.palm_margin_m
    free &= turned.palm_m[row, middle] < palm_floor
    sections = Sections(row, start, stop, top, tip, np.full(len(row), level, np.float32), fits)
    return sections.keep(free)


def _under_palm(height: NDArray[np.float32], rows: float, columns: float) -> NDArray[np.float32]:
    """Highest point under a palm of so many cells about each cell, to a coarser cell."""
    shape = height.shape
    coarse = tuple(-(-length // _PALM_CELLS) for length in shape)
    padded = np.zeros((coarse[0] * _PALM_CELLS, coarse[1] * _PALM_CELLS), np.float32)
    padded[: shape[0], : shape[1]] = height
    # Over rows first, then slice by slice: a reduction of few values each is slow.
    tall = padded.reshape(coarse[0], _PALM_CELLS, -1).max(axis=1)
    slices = [tall[:, first::_PALM_CELLS] for first in range(_PALM_CELLS)]
    blocks = np.ascontiguousarray(functools.reduce(np.maximum, slices))
    window = (_odd_cells(rows, _PALM_CELLS), _odd_cells(columns, _PALM_CELLS))
    spread = _spread(_spread(blocks, window[0], 1), 1, window[1])
    whole = np.repeat(np.repeat(spread, _PALM_CELLS, axis=0), _PALM_CELLS, axis=1)
    return np.asarray(whole[: shape[0], : shape[1]])


def _trailing_max(values: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Maximum of the ``length`` columns before each column; the border is free."""
    padded = cv2.copyMakeBorder(values, 0, 0, length, 0, cv2.BORDER_CONSTANT, value=0.0)
    windows = np.asarray(
        cv2.dilate(padded, np.ones((1, length), np.uint8), anchor=(length - 1, 0)), np.float32
    )
    return windows[:, length - 1 : length - 1 + values.shape[1]]


def _spread(values: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """Highest value in the window about each cell."""
    return np.asarray(cv2.dilate(values, np.ones((rows, columns), np.uint8)), np.float32)


def _odd_cells(length_m: float, cell_m: float) -> int:
    return 2 * round(0.5 * length_m / cell_m) + 1


def _extent(shape: tuple[int, ...], angle: float) -> int:
    """Rows of a map of that shape turned by that angle."""
    return math.ceil(shape[0] * abs(math.cos(angle)) + shape[1] * abs(math.sin(angle)))


def _turn(angle: float, turned: tuple[int, ...], source: tuple[int, ...]) -> NDArray[np.float64]:
    """Affine map, shape (2, 3), from (column, row) of the turned map to those of the source."""
    cos, sin = math.cos(angle), math.sin(angle)
    row, column = (turned[0] - 1) / 2.0, (turned[1] - 1) / 2.0
    source_row, source_column = (source[0] - 1) / 2.0, (source[1] - 1) / 2.0
    return np.array(
        [
            [cos, -sin, source_column - cos * column + sin * row],
            [sin, cos, source_row - sin * column - cos * row],
        ]
    )


def _warp(values: NDArray[Any], turn: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[Any]:
    """Nearest cell; the border is free, seen and in view."""
    return cv2.warpAffine(
        values,
        turn,
        (shape[1], shape[0]),
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
