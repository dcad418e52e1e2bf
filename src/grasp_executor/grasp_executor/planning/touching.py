"""What touches what, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grasp_executor.scene import UNKNOWN, Box


def describe_touch(
    pairs: Sequence[tuple[str, str]], boxes: Sequence[Box], padding_m: float = 0.0
) -> str:
    """A sentence without its end about what touches and may not.

    Args:
        pairs: (link, link or box), the link first; empty where that could not be told.
        boxes: Of the scene.
        padding_m: Clearance that padded boxes were checked with.
    """
    if not pairs:
        return "the arm touches something"
    first, second = pairs[0]
    more = f" (and {len(pairs) - 1} more)" if len(pairs) > 1 else ""
    box = next((box for box in boxes if box.name == second), None)
    if box is None:
        return f"{first} touches {second}{more}"
    if padding_m > 0.0:
        more = f" or comes within {1e3 * padding_m:.0f} mm of it" + more
    where = _unknown_space(box) if second.startswith(UNKNOWN) else ""
    return f"{first} touches {second}{more}{where}"


def _unknown_space(box: Box) -> str:
    """Where a box of space that nobody has seen lies, and what can be done, in words."""
    (x0, y0, z0), (x1, y1, z1) = (
        box.pose.translation + sign * np.array(box.size_m) / 2.0 for sign in (-1.0, 1.0)
    )
    return (
        f": unknown space at x {x0:.2f} to {x1:.2f}, y {y0:.2f} to {y1:.2f}, z {z0:.2f} to "
        f"{z1:.2f} m; let the camera see it, or declare it in the cell's free_space if nothing "
        "ever stands there;"
    )
