"""Angle classes: half a turn in twenty intervals, each stands for its middle.

The paper leaves open where the first interval lies. Here the classes' middles are the multiples of
9 degrees.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasp_core.rectangle import wrap_angle

CLASSES = 20  # N_theta
STEP_RAD = np.pi / CLASSES


def class_of(angle: ArrayLike) -> NDArray[np.int64]:
    """Number of the class of angles in radians."""
    return np.rint(np.asarray(angle, np.float64) / STEP_RAD).astype(np.int64) % CLASSES


def angle_of(number: ArrayLike) -> NDArray[np.float64]:
    """Middle of classes, radians in (-pi/2, pi/2]."""
    return wrap_angle(np.asarray(number, np.float64) * STEP_RAD)
