"""Straight Cartesian lines as joint-space points, by continuing inverse kinematics."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import Unreachable
from grasp_core.transform import Transform
from grasp_executor.planning.kinematics import (
    JointVector,
    Kinematics,
    interpolate_pose,
    line_deviation,
)

TURN_ARM_M = 0.1
"""A turn by 1 rad counts as this much travel, so that speed also bounds pure turns."""

_FEWEST_STEPS = 4


def travel(T_a: Transform, T_b: Transform) -> float:
    """Length of the line between two poses, metres, turns included by ``TURN_ARM_M``."""
    distance, angle = T_a.distance_to(T_b)
    return max(distance, TURN_ARM_M * angle)


def trace_line(
    kinematics: Kinematics,
    start: JointVector,
    T_base_tcp: Transform,
    *,
    step_m: float,
    max_jump_rad: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Configurations along the straight line from where the tcp is to a pose.

    Args:
        kinematics: The arm, with the margin to keep from joint limits.
        start: Shape (J,), rad.
        T_base_tcp: Pose at the end.
        step_m: Distance between configurations, see :func:`travel`.
        max_jump_rad: No joint may move more between two of them.

    Returns:
        Configurations, shape (N, J), and the distance travelled, shape (N,), metres.

    Raises:
        Unreachable: The line leaves the joint limits or passes a singularity.
    """
    T_start = kinematics.forward(start)
    length = travel(T_start, T_base_tcp)
    steps = max(_FEWEST_STEPS, math.ceil(length / step_m))
    points = [np.array(start, dtype=np.float64)]
    for index in range(1, steps + 1):
        pose = interpolate_pose(T_start, T_base_tcp, index / steps)
        joints = kinematics.solve_near(pose, points[-1], continuing=True)
        where = f"{1e3 * length * index / steps:.0f} of {1e3 * length:.0f} mm"
        if joints is None:
            raise Unreachable(
                f"the straight line ends before {where}: {_reason(kinematics, points[-1])}; "
                "begin from another configuration"
            )
        jump = np.abs(joints - points[-1])
        if float(jump.max()) > max_jump_rad:
            raise Unreachable(
                f"joint {int(jump.argmax()) + 1} would move {float(jump.max()):.2f} rad within "
                f"one step at {where} of the straight line (at most {max_jump_rad} rad): the arm "
                "is close to a singularity there"
            )
        points.append(joints)
    return np.array(points), np.linspace(0.0, length, steps + 1)


def worst_deviation(
    kinematics: Kinematics, path: NDArray[np.float64], T_start: Transform, T_goal: Transform
) -> tuple[float, float]:
    """Largest distance, metres and radians, of configurations from the straight line."""
    deviations = [line_deviation(T_start, T_goal, kinematics.matrix(joints)) for joints in path]
    offsets, angles = zip(*deviations, strict=True)
    return max(offsets), max(angles)


def _reason(kinematics: Kinematics, joints: JointVector) -> str:
    room = np.minimum(joints - kinematics.lower, kinematics.upper - joints)
    tightest = int(room.argmin())
    if room[tightest] < 0.1:
        return f"joint {tightest + 1} is {max(0.0, float(room[tightest])):.2f} rad from its limit"
    return "the pose is out of reach"
