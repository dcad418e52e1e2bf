"""Grip rules: what proves an object, what loses it, and how fast."""

import math

import numpy as np
import pytest

from grasp_core.errors import Dropped, EmptyGrip, Slipped
from grasp_executor.config import PickConfig
from grasp_executor.grip import COMMANDED, MEASURED, Grip, GripVerifier, HoldMonitor
from grasp_executor.interfaces import GripperState

CONFIG = PickConfig(min_force_ratio=0.8, min_width_m=0.002, verify_s=0.15)
EMPTY = 0.0005
PERIOD_S = 0.01


def state(stamp_s, gap_m=0.03, left_n=20.0, right_n=20.0):
    return GripperState(gap_m, np.array([left_n, right_n]), stamp_s)


def verified(states, *, reports_force=True):
    verifier = GripVerifier(
        CONFIG, EMPTY, opening_m=0.06, asked_n=20.0, reports_force=reports_force
    )
    for sample in states:
        verifier.add(sample)
    assert verifier.complete()
    return verifier.grip()


def series(count, **values):
    return [state(i * PERIOD_S, **values) for i in range(count)]


def test_an_object_is_proven_by_width_and_force():
    grip = verified(series(20))
    assert (grip.gap_m, grip.force_n, grip.force_source) == (0.03, 20.0, MEASURED)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"gap_m": 0.002}, "closed to 2.0 mm"),
        ({"gap_m": 0.0585}, "stayed at 58.5 mm"),
        ({"left_n": 3.0}, "weaker finger presses with 3.0 N"),
        ({"right_n": 15.0}, "weaker finger presses with 15.0 N"),
        ({"right_n": math.nan}, "weaker finger"),
    ],
)
def test_what_proves_no_object_says_why(values, reason):
    with pytest.raises(EmptyGrip, match=reason):
        verified(series(20, **values))


def test_ten_samples_a_second_are_enough():
    verifier = GripVerifier(CONFIG, EMPTY, opening_m=0.06, asked_n=20.0, reports_force=True)
    for number in range(3):
        assert not verifier.complete()
        verifier.add(state(0.1 * number))
    assert verifier.complete()
    assert verifier.grip().gap_m == 0.03


def test_a_gripper_without_force_is_judged_by_width_and_says_so():
    grip = verified(series(20, left_n=0.0, right_n=0.0), reports_force=False)
    assert (grip.force_n, grip.force_source) == (20.0, COMMANDED)
    with pytest.raises(EmptyGrip):
        verified(series(20, gap_m=0.001), reports_force=False)


def test_only_the_end_of_the_samples_counts():
    closing = [state(i * PERIOD_S, gap_m=0.06 - 0.001 * i, left_n=0.0) for i in range(30)]
    held = [state(0.3 + i * PERIOD_S) for i in range(20)]
    assert verified(closing + held).gap_m == 0.03


def test_the_window_needs_time_and_no_gap():
    verifier = GripVerifier(CONFIG, EMPTY, 0.06, 20.0, True)
    for sample in series(10):
        verifier.add(sample)
    assert not verifier.complete()  # 0.09 s only
    verifier.add(state(1.0))
    assert not verifier.complete()  # long enough, but one sample
    for i in range(20):
        verifier.add(state(1.0 + i * PERIOD_S))
    assert verifier.complete()


def test_repeated_samples_count_once():
    verifier = GripVerifier(CONFIG, EMPTY, 0.06, 20.0, True)
    for _ in range(100):
        verifier.add(state(0.0))
    assert not verifier.complete()


def monitor():
    return HoldMonitor(CONFIG, EMPTY, Grip(0.03, 20.0, MEASURED, 20.0), CONFIG.max_drift_m)


def test_a_steady_hold_reports_its_lowest_force():
    watch = monitor()
    for sample in [*series(50), state(0.6, left_n=17.0), state(0.7)]:
        watch.add(sample)
    assert watch.lowest_force_n == 17.0
    assert not watch.interrupted


def lasting(seconds, count=30, **values):
    """Samples that differ a little, as measurements do."""
    gap_m = values.pop("gap_m", 0.03)
    for i in range(count):
        yield state(seconds * i / (count - 1), gap_m=gap_m + 1e-6 * i, **values)


LOST = [
    ({"gap_m": 0.001}, Dropped, "closed to 1.0 mm"),
    ({"gap_m": 0.0335}, Slipped, "3.5 mm"),
    ({"gap_m": 0.0265}, Slipped, "3.5 mm"),
    ({"left_n": 1.0}, Dropped, r"1.0 N, below 16.0 N"),
    ({"left_n": math.nan}, Dropped, r"nan N, below 16.0 N"),
    ({"gap_m": math.nan}, Dropped, "closed to nan mm"),
]


@pytest.mark.parametrize(("values", "failure", "message"), LOST)
def test_a_loss_is_believed_when_it_lasts(values, failure, message):
    watch = monitor()
    for sample in lasting(CONFIG.loss_s - 0.01, **values):
        watch.add(sample)
    assert watch.suspected
    with pytest.raises(failure, match=message):
        watch.add(state(CONFIG.loss_s, **values))


@pytest.mark.parametrize(("values", "failure", "message"), LOST)
def test_what_comes_back_is_an_outlier(values, failure, message):
    watch = monitor()
    for second in range(5):
        watch.add(state(float(second), **values))
        watch.add(state(second + 0.1))
    assert (watch.outliers, watch.suspected) == (5, False)
    assert (watch.gap_m, watch.lowest_force_n) == (0.03, 20.0)


@pytest.mark.parametrize("hz", [15, 30, 100])
def test_repeated_values_with_fresh_stamps_are_not_more_evidence(hz):
    watch = monitor()
    stamps = np.arange(0.0, 3 * CONFIG.loss_s, 1 / hz)
    for stamp in stamps:
        watch.add(state(stamp, gap_m=0.0))
    with pytest.raises(Dropped):  # jaws at their stop read the same for ever
        watch.add(state(3 * CONFIG.loss_s, gap_m=0.0))


def test_a_hand_of_fifteen_samples_a_second_loses_in_time():
    watch = monitor()
    for i in range(3):
        watch.add(state(i / 15, gap_m=0.02 + 1e-5 * i))
    with pytest.raises(Slipped):
        watch.add(state(3 / 15, gap_m=0.021))


def test_a_jump_during_the_closing_of_empty_jaws_is_told_as_a_drop():
    watch = monitor()
    for i in range(20):
        watch.add(state(i * PERIOD_S, gap_m=max(0.03 - 0.002 * (i + 2), 0.001)))
    with pytest.raises(Dropped, match=r"closed to 1\.0 mm"):
        watch.add(state(CONFIG.loss_s, gap_m=0.001))


def test_a_gap_in_the_data_interrupts_until_restarted():
    watch = monitor()
    watch.add(state(0.0))
    watch.add(state(0.25))
    assert watch.interrupted
    watch.restart()
    watch.add(state(0.3))
    assert not watch.interrupted
