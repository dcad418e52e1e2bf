"""What the networks are taught: label maps, salient regions, grasps to judge."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_core.rectangle import angle_difference, corners_of, matches, wrap_angle
from grasp_detection.dsgd.angles import class_of
from grasp_detection.learned.window import FloatArray

POSITION, WIDTH, HEIGHT = range(3)  # of the maps
NO_CLASS = -1.0
_SAME_AXIS = float(np.radians(30.0))  # labels of one salient region
_ALONG, _ACROSS = 1.0 / 3.0, 0.6  # reach of the position's bell, in half widths and half heights
_LEAST_PX = 6.0  # side as which a smaller one is painted
_SHIFT, _STRETCH = 0.5, 1.6  # of perturbed labels: in half diagonals, and by which factor


@dataclass(frozen=True, eq=False)
class SalientRegions:
    """Parts of a picture that labels cluster on.

    Attributes:
        boxes: Shape (R, 4), (x, y, w, h), pixels, along the picture's sides.
        grasps: Shape (R, 5), the label in the middle of each.
    """

    boxes: FloatArray
    grasps: FloatArray


def salient_regions(rows: FloatArray) -> SalientRegions:
    """Cluster labels: the one with the most neighbours and these first, then of what is left.

    Neighbours are labels of about the same axis of which one covers the other's centre.

    Args:
        rows: Shape (N, 5).
    """
    if not len(rows):
        return SalientRegions(np.empty((0, 4)), np.empty((0, 5)))
    offset = rows[None, :, :2] - rows[:, None, :2]
    cos, sin = np.cos(rows[:, 4])[:, None], np.sin(rows[:, 4])[:, None]
    along = np.abs(offset[..., 0] * cos + offset[..., 1] * sin) <= rows[:, 2, None] / 2.0
    across = np.abs(offset[..., 1] * cos - offset[..., 0] * sin) <= rows[:, 3, None] / 2.0
    covers = along & across
    turn = angle_difference(rows[:, None, 4], rows[None, :, 4])
    near = (covers | covers.T) & (turn < _SAME_AXIS)
    corners = corners_of(rows)
    left = np.ones(len(rows), np.bool_)
    boxes, grasps = [], []
    while left.any():
        middle = int(np.where(left, (near & left).sum(axis=1), 0).argmax())
        mine = near[middle] & left
        least, most = corners[mine].min(axis=(0, 1)), corners[mine].max(axis=(0, 1))
        boxes.append(np.concatenate([(least + most) / 2.0, most - least]))
        grasps.append(rows[middle])
        left &= ~mine
    return SalientRegions(np.array(boxes), np.array(grasps))


def paint(
    rows: FloatArray, size: int, unit_px: float, quality: FloatArray | None, *, bell: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Paint the maps of the pixel network.

    Where labels overlap, each pixel belongs to the one whose centre is nearest, measured in the
    labels' own sizes.

    Args:
        rows: Shape (N, 5), labels in pixels of the input.
        size: Side of the input, pixels.
        unit_px: Pixels that width and height 1 stand for.
        quality: Shape (N,), how good each label is, in [0, 1]; None for 1.
        bell: Position falls off from each centre like a bell; else it is 1 on the middle third of
            the opening.

    Returns:
        Maps of position, width and height, shape (3, size, size), and the angle class of each
        pixel, shape (size, size), :data:`NO_CLASS` where no label is.
    """
    maps = np.zeros((3, size, size), np.float32)
    classes = np.full((size, size), NO_CLASS, np.float32)
    nearest = np.full((size, size), np.inf)
    places = np.arange(size, dtype=np.float64)
    numbers = class_of(rows[:, 4])
    for index, (u, v, opening, jaw, angle) in enumerate(rows):
        width, height = max(opening, _LEAST_PX), max(jaw, _LEAST_PX)
        reach = np.hypot(width, height) / 2.0
        columns = slice(*np.searchsorted(places, (u - reach, u + reach)))
        lines = slice(*np.searchsorted(places, (v - reach, v + reach)))
        du, dv = places[None, columns] - u, places[lines, None] - v
        along = (du * np.cos(angle) + dv * np.sin(angle)) * 2.0 / width
        across = (dv * np.cos(angle) - du * np.sin(angle)) * 2.0 / height
        inside = (np.abs(along) <= 1.0) & (np.abs(across) <= 1.0)
        if bell:
            shape = np.exp(-0.5 * ((along / _ALONG) ** 2 + (across / _ACROSS) ** 2))
        else:
            shape = (np.abs(along) <= _ALONG).astype(np.float64)
        shape = shape * inside * (1.0 if quality is None else quality[index])
        area = (lines, columns)
        maps[POSITION][area] = np.maximum(maps[POSITION][area], shape)
        distance = np.where(inside, along**2 + across**2, np.inf)
        mine = distance < nearest[area]
        nearest[area][mine] = distance[mine]
        maps[WIDTH][area][mine] = opening / unit_px
        maps[HEIGHT][area][mine] = jaw / unit_px
        classes[area][mine] = numbers[index]
    return maps, classes


def grasps_to_judge(rows: FloatArray, size: int) -> tuple[FloatArray, NDArray[np.bool_]]:
    """A label, and one that was moved, turned and stretched; and whether each is a grasp.

    What is drawn depends on the labels alone, which augmentation draws anew in every epoch. A
    picture without labels gives two rectangles anywhere, that are none.

    Args:
        rows: Shape (N, 5).
        size: Side of the input, pixels.

    Returns:
        Shapes (2, 5) and (2,).
    """
    rng = np.random.default_rng(zlib.crc32(np.ascontiguousarray(rows).tobytes()))
    if not len(rows):
        place, sides = rng.uniform(0.0, size, (2, 2)), rng.uniform(0.05, 0.3, (2, 2)) * size
        turn = rng.uniform(-np.pi / 2, np.pi / 2, (2, 1))
        return np.concatenate([place, sides, turn], axis=1), np.zeros(2, np.bool_)
    label, other = rows[rng.integers(len(rows), size=2)]
    reach = np.hypot(other[2], other[3]) / 2.0
    moved = other.copy()
    moved[:2] += _SHIFT * reach * rng.standard_normal(2)
    moved[2:4] *= np.exp(rng.uniform(-1.0, 1.0, 2) * np.log(_STRETCH))
    moved[4] = wrap_angle(other[4] + rng.uniform(-np.pi / 2, np.pi / 2))
    tried = np.stack([label, moved])
    return tried, matches(tried, rows)


def some(rows: FloatArray, most: int) -> NDArray[np.float32]:
    """All rows, or of very many every so many, shape (most, C), NaN after them."""
    step = max(1, -(-len(rows) // most))
    kept = np.full((most, rows.shape[1]), np.nan, np.float32)
    kept[: len(rows[::step])] = rows[::step]
    return kept
