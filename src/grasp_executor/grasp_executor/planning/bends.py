"""Ways between configurations along the line of the tcp, tried before a random search.

A swing of the joints takes the hand along an arc. The chord, or a way closer to the base or
higher, often stays inside what is free, and is quicker than what a random search finds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from grasp_core.transform import Transform
from grasp_executor.interfaces import JointVector
from grasp_executor.planning.collision import CollisionWorld
from grasp_executor.planning.kinematics import Kinematics, interpolate_pose

_COUNTS = (1, 2, 4)  # configurations between start and goal

_BOWS_M = ((0.0, 0.0), (0.03, 0.0), (0.06, 0.0), (0.12, 0.0), (0.0, 0.12), (0.1, 0.12))
"""How far a way leaves the chord in the middle: towards the base, and upwards, metres."""


def bent_ways(
    kinematics: Kinematics,
    world: CollisionWorld,
    start: JointVector,
    goal: JointVector,
    step_rad: float,
) -> Iterator[NDArray[np.float64]]:
    """Free ways, those that leave the chord least and bend least often first.

    Args:
        kinematics: The arm.
        world: What to keep clear of.
        start: Shape (J,), rad.
        goal: Shape (J,), rad.
        step_rad: Between checks along a segment.

    Yields:
        Waypoints, shape (N, J), rad; free between them as checked, not yet rounded.
    """
    T_start, T_goal = kinematics.forward(start), kinematics.forward(goal)
    middle = (T_start.translation + T_goal.translation) / 2.0
    inwards = np.array([-middle[0], -middle[1], 0.0]) / max(np.linalg.norm(middle[:2]), 1e-9)
    for (inside, above), count in product(_BOWS_M, _COUNTS):
        bow = inside * inwards + np.array([0.0, 0.0, above])
        way = [start]
        for share in np.arange(1, count + 1) / (count + 1):
            aside = Transform.from_translation(*(math.sin(math.pi * share) * bow))
            pose = aside @ interpolate_pose(T_start, T_goal, float(share))
            joints = kinematics.solve_near(pose, start + share * (goal - start))
            if joints is None:
                break
            way.append(joints)
        else:
            way.append(goal)
            if all(world.segment_free(a, b, step_rad) for a, b in pairwise(way)):
                yield np.stack(way)
