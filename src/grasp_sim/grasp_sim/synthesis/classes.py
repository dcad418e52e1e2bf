"""Classes of objects: what household objects are, and what shape the nameless ones have."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from grasp_sim.household.kinds import KINDS

SHAPES = ("bar", "plate", "block", "lath")
CLASSES = (*SHAPES, *KINDS)
"""In the order of the numbers in class masks, from 1."""

_LONG = 1.8  # times the next side
_FLAT = 0.55


def class_of(name: str, size_m: ArrayLike) -> str:
    """Class of an object: its kind where its name says that, else its shape.

    Args:
        name: In its object set, as ``mug_007``.
        size_m: See :func:`shape_class`.
    """
    kind = name.partition("_")[0]
    return kind if kind in KINDS else shape_class(size_m)


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
