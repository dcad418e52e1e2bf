"""Intervals, tests and reliability, against known values and their own promises."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from grasp_detection.evaluation.errors import EvaluationError
from grasp_detection.evaluation.intervals import (
    accuracy_interval,
    difference_interval,
    mcnemar,
)
from grasp_detection.evaluation.reliability import draw_reliability, reliability


def test_the_bootstrap_agrees_with_the_binomial():
    right = np.arange(400) < 320
    interval = accuracy_interval(right, range(400))
    half = 1.96 * np.sqrt(0.8 * 0.2 / 400)
    assert interval.method == "bootstrap"
    assert (interval.low, interval.high) == pytest.approx((0.8 - half, 0.8 + half), abs=0.005)
    assert interval == accuracy_interval(right, range(400)), "same seed, same interval"


def test_views_of_a_picture_are_no_independent_evidence():
    right = np.repeat(np.arange(100) < 80, 4)
    apart = accuracy_interval(right, range(400))
    together = accuracy_interval(right, np.repeat(np.arange(100), 4).tolist())
    assert together.high - together.low == pytest.approx(2.0 * (apart.high - apart.low), rel=0.1)


def test_order_and_names_of_pictures_do_not_matter():
    rng = np.random.default_rng(4)
    right, pictures = rng.random(300) < 0.7, rng.integers(0, 60, 300)
    order = rng.permutation(300)
    one = accuracy_interval(right, [f"p{i}" for i in pictures])
    other = accuracy_interval(right[order], pictures[order].tolist())
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=0.01)


def test_coverage_of_the_true_accuracy():
    """Pictures differ in difficulty; 95 % of the intervals must hold the mean difficulty."""
    rng = np.random.default_rng(7)
    held, trials = 0, 300
    pictures = np.repeat(np.arange(60), 2)
    for trial in range(trials):
        easy = rng.beta(4.0, 1.0, 60)  # mean 0.8
        right = rng.random(120) < easy[pictures]
        interval = accuracy_interval(right, pictures.tolist(), seed=trial, resamples=1000)
        held += interval.low <= 0.8 <= interval.high
    assert 0.91 <= held / trials <= 0.98


@pytest.mark.parametrize(("share", "successes"), [(0.0, 0), (1.0, 25)])
def test_nothing_and_everything_right_is_clopper_and_pearson(share, successes):
    interval = accuracy_interval([share] * 50, np.repeat(np.arange(25), 2).tolist())
    exact = binomtest(successes, 25).proportion_ci(0.95, method="exact")
    assert interval.method == "clopper-pearson"
    assert (interval.low, interval.high) == pytest.approx((exact.low, exact.high))


def test_a_single_picture_tells_little():
    interval = accuracy_interval([True, False], ["a", "a"])
    assert interval.low < 0.05
    assert interval.high > 0.95


def test_nothing_to_measure_is_refused():
    with pytest.raises(EvaluationError, match="at least one view"):
        accuracy_interval([], [])


def test_mcnemar_known_value():
    # 1 against 8 of 9: two-sided p = 2 * (1 + 9) / 2^9.
    right_a = [True] + [False] * 8 + [True] * 20
    right_b = [False] + [True] * 8 + [True] * 20
    test = mcnemar(right_a, right_b)
    assert (test.only_a, test.only_b) == (1, 8)
    assert test.p_value == pytest.approx(20.0 / 512.0)
    assert mcnemar(right_a, right_a).p_value == 1.0


def test_the_paired_interval_is_narrower_than_two_single_ones():
    rng = np.random.default_rng(3)
    right_a = rng.random(400) < 0.7
    right_b = right_a & (rng.random(400) < 0.95)  # now and then worse, never better
    interval = difference_interval(right_a, right_b, range(400))
    difference = right_a.mean() - right_b.mean()
    assert 0.0 < interval.low < difference < interval.high
    single = accuracy_interval(right_a, range(400))
    assert interval.high - interval.low < single.high - single.low
    swapped = difference_interval(right_b, right_a, range(400))
    assert (swapped.low, swapped.high) == pytest.approx((-interval.high, -interval.low), abs=0.003)


def test_equal_answers_leave_room_for_unseen_pictures():
    interval = difference_interval([True] * 30, [True] * 30, range(30))
    most = 1.0 - 0.025 ** (1.0 / 30.0)
    assert (interval.low, interval.high) == pytest.approx((-most, most))


def test_reliability_by_hand():
    table = reliability([0.05, 0.95, 0.85, 1.0, 0.9], [False, True, False, True, True])
    assert table.count.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 1, 3]
    assert table.quality[[0, 8, 9]] == pytest.approx([0.05, 0.85, 0.95])
    assert table.right[[0, 8, 9]] == pytest.approx([0.0, 0.0, 1.0])
    assert np.isnan(table.right[1])
    assert table.expected_calibration_error == pytest.approx((0.05 + 0.85 + 3 * 0.05) / 5)


def test_a_calibrated_detector_has_a_small_error():
    rng = np.random.default_rng(0)
    quality = rng.random(20_000)
    right = rng.random(20_000) < quality
    assert reliability(quality, right).expected_calibration_error < 0.02
    assert reliability(quality, rng.random(20_000) < 0.5).expected_calibration_error > 0.2


def test_the_plot_is_drawn_with_and_without_grasps(tmp_path):
    draw_reliability(reliability([0.1, 0.9], [False, True]), tmp_path / "new" / "some.png", "two")
    draw_reliability(reliability([], []), tmp_path / "none.png")
    for path in (tmp_path / "new" / "some.png", tmp_path / "none.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
