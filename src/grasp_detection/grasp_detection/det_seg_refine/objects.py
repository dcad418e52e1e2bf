"""Which object a grasp belongs to: the mask under its centre.

Objects are the connected parts of each class's area, cells that touch at a corner included. So two
objects of one class that touch in the picture are one, and one that is hidden in the middle by
another of another class is two: a semantic segmentation cannot say otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_detection.datasets.instances import NAMELESS
from grasp_detection.learned.window import FloatArray

_LEAST_CELLS = 6  # of an object; less is a speck
_EIGHT = 8  # neighbours of a cell


@dataclass(frozen=True, eq=False)
class Objects:
    """The objects of a picture.

    Attributes:
        classes: Shape (h, w), class of each cell, 0 background.
        instances: Shape (h, w), number of each cell's object, from 1; 0 background and specks.
        names: Of the classes, from class 1.
        stride: Side of a cell, pixels of the input.
    """

    classes: NDArray[np.int64]
    instances: NDArray[np.int32]
    names: Sequence[str]
    stride: int

    @classmethod
    def of(cls, logits: NDArray[np.float32], names: Sequence[str], stride: int) -> Objects:
        """Objects of logits of shape (1 + classes, h, w)."""
        classes = logits.argmax(axis=0)
        instances = np.zeros(classes.shape, np.int32)
        for number in range(1, 1 + len(names)):
            area = (classes == number).astype(np.uint8)
            count, parts, sizes, _ = cv2.connectedComponentsWithStats(area, connectivity=_EIGHT)
            for part in range(1, count):
                if sizes[part, cv2.CC_STAT_AREA] >= _LEAST_CELLS:
                    instances[parts == part] = 1 + instances.max()
        return cls(classes, instances, names, stride)

    def at(self, rows: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Object and class under the centres of grasps, 0 where there is none.

        Args:
            rows: Shape (N, 5), pixels of the input.

        Returns:
            Shapes (N,).
        """
        height, width = self.instances.shape
        column, row = (
            np.floor((rows[:, axis] + 0.5) / self.stride).astype(np.int64) for axis in (0, 1)
        )
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        place = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
        number = np.where(inside, self.instances[place], 0)
        return number.astype(np.int64), np.where(number > 0, self.classes[place], 0)

    def label(self, number: int) -> str:
        """Name of a class; empty for the background, and where the data have no names."""
        name = self.names[number - 1] if number else ""
        return "" if name == NAMELESS else name


def first_of_each(numbers: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where each number above 0 stands first, in order."""
    first = np.unique(numbers, return_index=True)[1]
    return np.sort(first[numbers[first] > 0])
