"""Names for shapes, so that objects without a name have a class."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

CLASSES = ("bar", "plate", "block", "lath")
_LONG = 1.8  # times the next side
_FLAT = 0.55


def shape_class(size_m: ArrayLike) -> str:
    """Class of an object by the sides of its bounding box.

    ``bar``: one side much longer than the others; ``plate``: one much shorter; ``lath``: both,
    a long flat one; ``block``: neither.

    Args:
        size_m: Shape (3,), sides of the box along the object's own axes, any order.
    """
    long, middle, short = np.sort(np.asarray(size_m, np.float64))[::-1]
    is_long, is_flat = long > _LONG * middle, short < _FLAT * middle
    if is_long:
        return "lath" if is_flat else "bar"
    return "plate" if is_flat else "block"
