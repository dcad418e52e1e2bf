"""Time laws and rounded paths, away from any robot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("toppra")

from scipy.interpolate import CubicHermiteSpline

from grasp_executor.planning.path import blended, densified
from grasp_executor.planning.timing import time_path

NAMES = ("a", "b", "c")
VELOCITY = np.array([1.0, 0.5, 2.0])
ACCELERATION = np.array([2.0, 3.0, 1.0])


def timed(waypoints, smoothing_s=0.05, radius=0.2):
    points = blended(np.array(waypoints, dtype=float), radius)
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return time_path(
        NAMES,
        points,
        np.concatenate([[0.0], np.cumsum(lengths)]),
        VELOCITY,
        ACCELERATION,
        period_s=0.01,
        smoothing_s=smoothing_s,
    )


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(*[st.floats(-2.0, 2.0)] * 3), min_size=2, max_size=5),
    st.sampled_from([0.0, 0.05]),
)
def test_limits_hold_between_samples(waypoints, smoothing_s):
    steps = np.abs(np.diff(np.array(waypoints), axis=0)).max(axis=1)
    if steps.min() < 1e-3:
        return
    trajectory = timed(waypoints, smoothing_s)
    spline = CubicHermiteSpline(
        trajectory.times_s, trajectory.positions, trajectory.velocities, axis=0
    )
    t = np.linspace(0.0, trajectory.duration_s, 1000)
    assert (np.abs(spline(t, 1)) <= VELOCITY * 1.01).all()
    assert (np.abs(spline(t, 2)) <= ACCELERATION * 1.001).all()
    np.testing.assert_array_equal(trajectory.positions[[0, -1]], np.array(waypoints)[[0, -1]])
    assert (trajectory.velocities[[0, -1]] == 0.0).all()
    np.testing.assert_allclose(np.diff(trajectory.times_s), 0.01)


@pytest.mark.parametrize("aside", [1e-8, 1e-7, 1e-4])
def test_a_path_that_turns_back_on_itself_is_timed(aside):
    there_and_back = timed([[0, 0, 0], [0, 0, 1], [0, 0, 0]])
    trajectory = timed([[0, aside, 0], [0, 0, 1], [0, 0, 0]])
    assert trajectory.duration_s == pytest.approx(there_and_back.duration_s, rel=0.05)
    assert (np.abs(trajectory.accelerations) <= ACCELERATION * 1.001).all()


def test_straight_motion_is_nearly_time_optimal():
    # 1 rad of joint b: 0.5 rad/s cruise, 3 rad/s^2 ramps: 1 / 0.5 + 0.5 / 3 s.
    optimal = 1.0 / 0.5 + 0.5 / 3.0
    for smoothing_s in (0.0, 0.05, 0.2):
        trajectory = timed([[0, 0, 0], [0, 1, 0]], smoothing_s)
        assert trajectory.duration_s == pytest.approx(optimal + smoothing_s, abs=0.04)


def test_smoothing_ramps_accelerations():
    sharp, smooth = (timed([[0, 0, 0], [0, 1, 0]], s).accelerations for s in (0.0, 0.2))
    assert np.abs(np.diff(sharp, axis=0)).max() > 1.0
    assert np.abs(np.diff(smooth, axis=0)).max() < 0.2  # 3 rad/s^2 within 200 ms
    assert (smooth[[0, -1]] == 0.0).all()


def test_extra_columns_limit_and_disappear():
    points = np.column_stack([np.linspace(0, 0.2, 20)] * 3 + [np.linspace(0, 1.0, 20)])
    trajectory = time_path(
        NAMES,
        points,
        points[:, 3],
        np.append(VELOCITY, 0.1),
        np.append(ACCELERATION, 1.0),
        period_s=0.01,
        smoothing_s=0.05,
    )
    assert trajectory.positions.shape[1] == 3
    assert trajectory.duration_s == pytest.approx(10.15, abs=0.1)


def test_tiny_motion():
    trajectory = timed([[0, 0, 0], [1e-4, 0, 0]])
    assert 0.0 < trajectory.duration_s < 0.3


def test_blending_keeps_ends_and_stays_near():
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 0], [0.99, 1, 0]], dtype=float)
    path = blended(corners, 0.2)
    np.testing.assert_array_equal(path[0], corners[0])
    np.testing.assert_array_equal(path[-1], corners[-1])
    assert (np.linalg.norm(np.diff(path, axis=0), axis=1) > 0.0).all()
    cut = np.linalg.norm(path - [1, 0, 0], axis=1).min()
    assert 0.05 < cut < 0.1  # radius / sqrt(8)


def test_densified_steps():
    path = np.array([[0.0, 0.0], [0.1, 0.0], [0.1, 1.0]])
    dense = densified(path, 0.03)
    assert np.abs(np.diff(dense, axis=0)).max() <= 0.03 + 1e-12
    for point in path:
        assert np.abs(dense - point).sum(axis=1).min() < 1e-12
