"""Which object of a picture a grasp rectangle belongs to, and which class each pixel."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasp_core.rectangle import corners_of

NAMELESS = "graspable"  # the class of objects of which the data name none
_PLACES = 17  # looked at along each side of a rectangle; odd, so that the centre is one of them


def instances_of(
    rows: ArrayLike,
    instances: NDArray[np.int32],
    allowed: Sequence[Collection[int] | None] | None = None,
) -> NDArray[np.int64]:
    """Assign grasps to the objects of a mask.

    A grasp belongs to the object under its centre, else, as with a grasp at the rim of a cup, to
    the one that covers most of the rectangle.

    Args:
        rows: Shape (N, 5), rows (u, v, width, height, angle), pixels.
        instances: Shape (H, W), object number of each pixel, 0 background.
        allowed: For each grasp the objects that it may belong to; None for all.

    Returns:
        Shape (N,), object numbers, 0 where none is under the rectangle.
    """
    rows = np.asarray(rows, np.float64).reshape(-1, 5)
    seen = _looked_up(rows, instances)
    result = np.zeros(len(rows), np.int64)
    for index, numbers in enumerate(seen):
        choice = None if allowed is None else allowed[index]
        if choice is not None:
            numbers = np.where(np.isin(numbers, list(choice)), numbers, 0)
        center = numbers[len(numbers) // 2]
        covered = numbers[numbers > 0]
        if center > 0:
            result[index] = center
        elif len(covered):
            result[index] = np.bincount(covered).argmax()
    return result


def class_names(instances: NDArray[np.int32], classes: Mapping[int, str] | None) -> set[str]:
    """Names of the classes of the objects in a mask."""
    numbers = np.unique(instances[instances > 0]).tolist()
    return {_name_of(number, classes) for number in numbers}


def class_areas(
    instances: NDArray[np.int32], classes: Mapping[int, str] | None, names: Sequence[str]
) -> NDArray[np.uint8]:
    """Class of each pixel.

    Args:
        instances: Shape (H, W), object number of each pixel, 0 background.
        classes: Class of each object; :data:`NAMELESS` where it is not told.
        names: Of the classes that are to be told apart, at most 255.

    Returns:
        Shape (H, W), 0 background and what has no name among them, else 1 + the place of its name.
    """
    numbers, place = np.unique(instances, return_inverse=True)
    known = {name: 1 + index for index, name in enumerate(names)}
    table = [known.get(_name_of(n, classes), 0) if n > 0 else 0 for n in numbers.tolist()]
    return np.asarray(table, np.uint8)[place].reshape(instances.shape)


def _name_of(number: int, classes: Mapping[int, str] | None) -> str:
    return NAMELESS if classes is None else classes.get(number, NAMELESS)


def _looked_up(rows: NDArray[np.float64], instances: NDArray[np.int32]) -> NDArray[np.int32]:
    """Object numbers at a grid of places in each rectangle, 0 outside the picture."""
    steps = np.linspace(-0.5, 0.5, _PLACES)
    corners = corners_of(rows)
    along, across = corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 0]
    places = (
        rows[:, None, None, :2]
        + steps[:, None, None] * along[:, None, None]
        + steps[None, :, None] * across[:, None, None]
    ).reshape(len(rows), _PLACES * _PLACES, 2)
    height, width = instances.shape
    u, v = np.moveaxis(np.rint(np.clip(places, -1.0, max(width, height))).astype(np.int64), -1, 0)
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
    found = instances[np.clip(v, 0, height - 1), np.clip(u, 0, width - 1)]
    return np.where(inside, found, 0).astype(np.int32)
