"""Orientation classes: half a turn in equal intervals, each stands for its middle.

The paper leaves open where the first interval lies. Here the classes' middles are the multiples of
10 degrees, as people who label grasps draw them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

CLASSES = 18
STEP_RAD = math.pi / CLASSES
INVALID = CLASSES  # the class of a proposal that is no grasp


def class_of(angle: Tensor) -> Tensor:
    """Number of the class of an angle, radians."""
    return torch.round(angle / STEP_RAD).long() % CLASSES


def angle_of(number: Tensor) -> Tensor:
    """Middle of a class, radians in (-pi/2, pi/2]."""
    angle = number * STEP_RAD
    return torch.where(number * 2 > CLASSES, angle - math.pi, angle)


def half_turn(angle: Tensor) -> Tensor:
    """The same axis as an angle in [-pi/2, pi/2)."""
    return torch.remainder(angle + 0.5 * math.pi, math.pi) - 0.5 * math.pi
