"""Whether views can determine the camera's pose, and what is missing if not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from grasp_calibration.errors import DegenerateViews
from grasp_core.transform import Transform

MIN_VIEWS = 6
MIN_TURN_DEG = 5.0
"""Least spread of the hand's rotations about each of two axes, root mean square, degrees."""


def turns_deg(carriers: Sequence[Transform]) -> tuple[np.ndarray, np.ndarray]:
    """How far the views turn the hand about the three axes of their spread, widest first.

    Returns:
        Root mean squares, shape (3,), degrees; and the axes as rows, shape (3, 3), in the frame
        of the first view's hand.
    """
    turns = Rotation.from_matrix(np.array([one.rotation for one in carriers]))
    vectors = (turns.mean().inv() * turns).as_rotvec()
    _, values, axes = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    return np.degrees(values) / np.sqrt(len(carriers)), axes


def require_determined(carriers: Sequence[Transform]) -> None:
    """Refuse views from which the pose does not follow.

    Turns about one axis leave the camera's place along that axis open; without turns, all of it.

    Args:
        carriers: A of each view, see :meth:`grasp_calibration.view.View.carrier`.

    Raises:
        DegenerateViews: Says how many views, or which turns, are missing.
    """
    if len(carriers) < MIN_VIEWS:
        raise DegenerateViews(
            f"{len(carriers)} good views, at least {MIN_VIEWS} are needed, 15 to 25 are better: "
            "take more"
        )
    (first, second, _), axes = turns_deg(carriers)
    if first < MIN_TURN_DEG:
        raise DegenerateViews(
            f"the hand turns by {first:.1f} deg (root mean square) between the views, at least "
            f"{MIN_TURN_DEG:.0f} deg about two different axes are needed: tilt the hand, do not "
            "only shift it"
        )
    if second < MIN_TURN_DEG:
        x, y, z = axes[0]
        raise DegenerateViews(
            f"the views turn the hand about one axis only, ({x:+.2f}, {y:+.2f}, {z:+.2f}) of the "
            f"hand: {first:.1f} deg about it, {second:.1f} deg about the next, at least "
            f"{MIN_TURN_DEG:.0f} deg are needed: add views turned about an axis square to it"
        )
