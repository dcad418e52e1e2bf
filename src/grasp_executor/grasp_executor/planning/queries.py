"""What every planner checks of the configurations it is asked about, and how it stands still."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasp_core.errors import ConfigError, PlanningFailed
from grasp_executor.interfaces import JointTrajectory, JointVector

STILL_RAD = 1e-5
"""No motion at all."""

LIMIT_SLACK_RAD = 0.02
"""So far past a limit a measured start may be."""

_DISTINCT_RAD = 0.1  # two configurations closer than this in every joint are one
_GOAL_SLACK_RAD = 1e-6  # of rounding


def wait_without_pause() -> None:
    """The wait of a caller that neither cancels nor watches."""


class JointQueries:
    """Configurations of one arm, as callers give them."""

    def __init__(
        self, joints: Sequence[str], limits: tuple[NDArray[np.float64], NDArray[np.float64]]
    ) -> None:
        """Prepare.

        Args:
            joints: Their names, base to tip.
            limits: Lower and upper position limits, shape (J,) each, rad.
        """
        self._joints = tuple(joints)
        self._limits = limits

    def vector(self, name: str, joints: ArrayLike) -> JointVector:
        """A configuration as an array of its own, shape (J,), rad.

        Raises:
            ConfigError: It is none of this arm, or not finite.
        """
        vector = np.array(joints, dtype=np.float64)
        if vector.shape != (len(self._joints),) or not np.all(np.isfinite(vector)):
            raise ConfigError(
                f"{name} must be {len(self._joints)} finite joint angles, is {vector.tolist()}"
            )
        return vector

    def ends(self, start: ArrayLike, goal: ArrayLike) -> tuple[JointVector, JointVector]:
        """Start and goal of a path; the start, which was measured, may be a little off its limits.

        Raises:
            ConfigError: See :meth:`vector`.
            PlanningFailed: One lies outside the limits.
        """
        first, last = self.vector("start", start), self.vector("goal", goal)
        self._require_within("start", first, LIMIT_SLACK_RAD)
        self._require_within("goal", last, _GOAL_SLACK_RAD)
        return first, last

    def _require_within(self, name: str, joints: JointVector, slack_rad: float) -> None:
        lower, upper = self._limits
        outside = (joints < lower - slack_rad) | (joints > upper + slack_rad)
        if outside.any():
            index = int(outside.argmax())
            raise PlanningFailed(
                f"{self._joints[index]} is {joints[index]:.3f} rad at the {name}, its limits are "
                f"[{lower[index]}, {upper[index]}] rad"
            )

    def still(self, joints: JointVector, period_s: float) -> JointTrajectory:
        """A trajectory that stays where it is for a time, seconds."""
        zeros = np.zeros((2, len(joints)))
        times = np.array([0.0, period_s])
        return JointTrajectory(
            self._joints, times, np.stack([joints, joints]), zeros, zeros.copy()
        )


def require_speed(name: str, value: float, most: float) -> None:
    """Refuse a speed outside (0, most].

    Raises:
        ConfigError: It is outside; NaN is.
    """
    if not 0.0 < value <= most:
        raise ConfigError(f"{name} is {value}, must lie in (0, {most:g}]")


def is_known(joints: JointVector, others: Sequence[JointVector]) -> bool:
    """Whether a configuration is one of others already."""
    return any(float(np.abs(joints - other).max()) < _DISTINCT_RAD for other in others)


def arm_distance(a: JointVector, b: JointVector) -> float:
    """How much of the arm moves between two configurations, weighted rad."""
    # Joints near the base move more of the arm.
    weights = np.linspace(1.0, 0.4, len(a))
    return float(np.linalg.norm(weights * (a - b)))
