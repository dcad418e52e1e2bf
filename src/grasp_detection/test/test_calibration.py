"""Calibration: monotone, honest, and readable again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasp_core.errors import ConfigError
from grasp_detection.learned.score_calibration import (
    Calibration,
    fit_calibration,
    isotonic,
)


def test_it_learns_the_share_of_right_outcomes():
    rng = np.random.default_rng(0)
    scores = rng.random(20_000)
    right = rng.random(20_000) < scores**2  # overconfident model
    calibrate = fit_calibration(scores.tolist(), right.tolist())
    middle = np.linspace(0.1, 0.9, 9)
    assert np.allclose(calibrate(middle), middle**2, atol=0.05)


@pytest.mark.parametrize(
    ("values", "weights", "starts", "levels"),
    [
        ([1.0, 2.0, 3.0], [1, 1, 1], [0, 1, 2], [1.0, 2.0, 3.0]),
        ([3.0, 1.0, 2.0], [1, 1, 1], [0], [2.0]),
        ([1.0, 4.0, 2.0, 5.0], [1, 1, 3, 1], [0, 1, 3], [1.0, 2.5, 5.0]),
        ([2.0, 2.0], [1, 5], [0], [2.0]),
        ([0.5, 0.9, 0.8, 0.1], [2, 1, 1, 2], [0], [0.4833333]),
    ],
)
def test_adjacent_violators_are_pooled(values, weights, starts, levels):
    found = isotonic(np.array(values), np.array(weights, float))
    assert found[0].tolist() == starts
    assert found[1] == pytest.approx(levels)


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), min_size=1, max_size=60))
def test_it_is_monotone_and_never_sure(outcomes):
    calibrate = fit_calibration([s for s, _ in outcomes], [r for _, r in outcomes])
    quality = calibrate(np.linspace(-0.5, 1.5, 50))
    assert (np.diff(quality) >= -1e-12).all()
    assert (quality >= 0.0).all()
    assert (quality < 1.0).all()
    seen = np.array([s for s, _ in outcomes])
    assert (calibrate(seen)[seen > 0.0] > 0.0).all()


def test_scores_below_all_that_were_seen_are_worth_less():
    calibrate = fit_calibration([0.4, 0.5, 0.6, 0.7] * 10, [True] * 40)
    assert calibrate(0.0) == 0.0
    assert calibrate(0.1) < 0.3
    assert calibrate(0.4) > 0.6


@pytest.mark.parametrize("quality", [0.0, 0.05, 0.1, 0.35, 0.5, 0.8, 0.9])
def test_the_least_score_of_a_quality_is_where_it_begins(quality):
    calibrate = Calibration((0.1, 0.2, 0.3, 0.6), (0.1, 0.1, 0.5, 0.8))
    least = calibrate.least_score(quality)
    if quality > 0.8:
        assert least == np.inf
    else:
        assert calibrate(least) >= quality - 1e-12
    if quality > 0.1 and np.isfinite(least):
        assert calibrate(least - 1e-6) < quality
    if quality <= 0.1:
        assert least == -np.inf


def test_equal_scores_share_one_quality():
    calibrate = fit_calibration(
        [0.2] * 20 + [1.0] * 100, [False] * 20 + [True] * 80 + [False] * 20
    )
    assert calibrate(1.0) == pytest.approx(0.8, abs=0.02)
    assert calibrate(0.2) == pytest.approx(0.05, abs=0.05)
    half = fit_calibration([0.5] * 100, [True, False] * 50)
    assert half(0.5) == pytest.approx(0.5)


def test_it_survives_the_way_through_json():
    calibrate = Calibration((0.1, 0.5), (0.2, 0.9))
    assert Calibration.from_json(calibrate.to_json()) == calibrate


@pytest.mark.parametrize(
    "values",
    [
        {"score": [0.1], "quality": []},
        {"score": [0.5, 0.1], "quality": [0.1, 0.2]},
        {"score": [0.1, 0.5], "quality": [0.9, 0.2]},
        {"score": [0.1], "quality": [1.2]},
        {"score": ["a"], "quality": [0.1]},
        {"quality": [0.1]},
    ],
)
def test_what_is_no_calibration_is_refused(values):
    with pytest.raises(ConfigError, match="calibrat"):
        Calibration.from_json(values)


def test_nothing_to_fit():
    with pytest.raises(ConfigError, match="at least one"):
        fit_calibration([], [])
    with pytest.raises(ConfigError, match="diverged"):
        fit_calibration([0.1, float("nan")], [True, False])
