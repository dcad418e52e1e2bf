"""Time along a path: within velocity and acceleration limits, from rest to rest, smooth."""

from __future__ import annotations

import logging
import math

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PPoly

from grasp_core.errors import PlanningFailed
from grasp_core.optional import needed_by
from grasp_executor.interfaces import JointTrajectory

with needed_by("the embedded planner", "toppra"):
    import toppra
    from toppra.algorithm import TOPPRA
    from toppra.constraint import JointAccelerationConstraint, JointVelocityConstraint

Array = NDArray[np.float64]

logging.getLogger("toppra").setLevel(logging.ERROR)  # what it warns of ends in an error of ours

_GRID_POINTS = 81
_ROUNDS = 12  # of slowing down until the sampled motion keeps its limits
_TOLERANCE = 1.0 + 1e-4
_SUBSTEPS = 4  # where velocities are checked between two samples


def time_path(
    joints: tuple[str, ...],
    points: Array,
    progress: Array,
    velocity: Array,
    acceleration: Array,
    *,
    period_s: float,
    smoothing_s: float,
) -> JointTrajectory:
    """Time-optimal parameterisation with ramped accelerations, sampled at a fixed period.

    A cubic spline through the points is timed by TOPP-RA; a moving average over ``smoothing_s``
    of the *time law*, which leaves the geometry untouched, turns its jumps of acceleration into
    ramps; what then exceeds a limit, also between samples where a joint trajectory controller
    interpolates with cubic polynomials, is slowed down as a whole.

    Args:
        joints: Names of the first J columns of ``points``.
        points: Shape (N, D), N >= 4, D >= J. Columns beyond the joints (a distance travelled, for
            instance) are limited like joints and then dropped.
        progress: Shape (N,), increasing; the spline's parameter.
        velocity: Limits, shape (D,).
        acceleration: Limits, shape (D,).
        period_s: Time between samples.
        smoothing_s: Duration of the ramps; at least two periods, since a jump of acceleration
            between two samples cannot be interpolated within the limit.

    Raises:
        PlanningFailed: No time law keeps the limits.

    Source: Pham & Pham, A New Approach to Time-Optimal Path Parameterization Based on
    Reachability Analysis, T-RO 2018.
    """
    path = toppra.SplineInterpolator(progress, points)
    law = _time_law(path, progress, velocity, acceleration)
    smoothing_s = max(smoothing_s, 2.0 * period_s)
    stretch = 1.0
    for _ in range(_ROUNDS):
        duration = (float(law.x[-1]) + smoothing_s) * stretch
        count = max(1, math.ceil(duration / period_s - 1e-9))
        stretch *= count * period_s / duration
        times: Array = np.arange(count + 1, dtype=np.float64) * period_s
        samples = _sampled(path, law, times, stretch, smoothing_s)
        excess = _excess(times, samples[0], samples[1], velocity, acceleration)
        if excess <= _TOLERANCE:
            break
        stretch *= 1.0 + 1.01 * (excess - 1.0)
    else:
        raise PlanningFailed(
            f"the time law exceeds a joint limit by {100.0 * (excess - 1.0):.1f} % after "
            f"{_ROUNDS} corrections; lower acceleration_scale"
        )
    positions, velocities, accelerations = (values[:, : len(joints)] for values in samples)
    positions[0], positions[-1] = points[0, : len(joints)], points[-1, : len(joints)]
    velocities[[0, -1]] = accelerations[[0, -1]] = 0.0
    return JointTrajectory(joints, times, positions, velocities, accelerations)


def _time_law(path: object, progress: Array, velocity: Array, acceleration: Array) -> PPoly:
    """Position along the path as a piecewise quadratic of time."""
    constraints = [
        JointVelocityConstraint(np.stack([-velocity, velocity], axis=1)),
        JointAccelerationConstraint(np.stack([-acceleration, acceleration], axis=1)),
    ]
    # Where a path turns back on itself the linear programs can be ill-conditioned at the very
    # point of the turn: then they are put beside it.
    for aside in (0.0, 0.01):
        grid = _grid(progress, aside)
        solver = TOPPRA(constraints, path, gridpoints=grid, parametrizer="ParametrizeConstAccel")
        _, speed, *_ = solver.compute_parameterization(0.0, 0.0)
        if speed is not None and np.all(np.isfinite(speed)):
            break
    else:
        raise PlanningFailed("no time law keeps the joint limits along the path")
    speed = np.maximum(np.asarray(speed, dtype=np.float64), 0.0)
    mean = 0.5 * (speed[1:] + speed[:-1])
    if np.any(mean <= 0.0):
        raise PlanningFailed("the time law stands still on the path")
    steps = np.diff(grid) / mean
    times = np.concatenate([[0.0], np.cumsum(steps)])
    ramps = np.diff(speed) / steps
    return PPoly(np.stack([0.5 * ramps, speed[:-1], grid[:-1]]), times, extrapolate=False)


def _grid(progress: Array, aside: float) -> Array:
    """Where along the path the speed is sought.

    Denser towards the ends, where it rises and falls within little distance, and where the points
    are: in tight corners.

    Args:
        progress: Of the points.
        aside: How far from the points, as a share of the way to the next.
    """
    length = float(progress[-1] - progress[0])
    cosine = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, _GRID_POINTS))
    even = np.linspace(0.0, 1.0, _GRID_POINTS)
    points = (progress - progress[0]) / length
    points[1:-1] += aside * (points[2:] - points[1:-1])
    grid = progress[0] + length * np.unique(np.concatenate([cosine, even, points]))
    grid = grid[np.concatenate([[True], np.diff(grid) > 1e-6 * length])]
    grid[-1] = progress[-1]
    return grid


def _sampled(
    path: toppra.SplineInterpolator, law: PPoly, times: Array, stretch: float, smoothing_s: float
) -> tuple[Array, Array, Array]:
    """Positions, velocities, accelerations at times of the stretched, smoothed law."""
    t = times / stretch
    end = float(law.x[-1])
    first, last = float(law(0.0)), float(law(end))
    # The mean of s over the last smoothing_s seconds, and its exact derivatives.
    area, rate = law.antiderivative(), law.derivative()

    def integral(at: Array) -> Array:
        inside = area(np.clip(at, 0.0, end))
        return inside + np.minimum(at, 0.0) * first + np.maximum(at - end, 0.0) * last

    def value(at: Array) -> Array:
        return law(np.clip(at, 0.0, end))

    def slope(at: Array) -> Array:
        return np.where((at > 0.0) & (at < end), rate(np.clip(at, 0.0, end)), 0.0)

    before = t - smoothing_s
    s = (integral(t) - integral(before)) / smoothing_s
    ds = (value(t) - value(before)) / smoothing_s
    dds = (slope(t) - slope(before)) / smoothing_s
    s = np.clip(s, first, last)
    ds, dds = ds[:, None] / stretch, dds[:, None] / stretch**2
    tangent = path(s, 1)
    return path(s), tangent * ds, tangent * dds + path(s, 2) * ds**2


def _excess(
    times: Array, positions: Array, velocities: Array, velocity: Array, acceleration: Array
) -> float:
    """Factor by which time must stretch so that cubic interpolation keeps the limits."""
    h = np.diff(times)[:, None]
    slope = np.diff(positions, axis=0) / h
    v0, v1 = velocities[:-1], velocities[1:]
    # Cubic Hermite: acceleration is linear in between, its largest values are at the ends.
    a0 = (6.0 * slope - 4.0 * v0 - 2.0 * v1) / h
    a1 = (2.0 * v0 + 4.0 * v1 - 6.0 * slope) / h
    largest_a = np.maximum(np.abs(a0), np.abs(a1)) / acceleration
    largest_v = 0.0
    for fraction in np.linspace(0.0, 1.0, _SUBSTEPS + 1):
        t = fraction * h
        between = v0 + a0 * t + 0.5 * (a1 - a0) * t**2 / h
        largest_v = max(largest_v, float((np.abs(between) / velocity).max()))
    return max(largest_v, math.sqrt(float(largest_a.max())))
