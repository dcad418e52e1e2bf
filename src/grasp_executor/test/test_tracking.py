"""Progress and deviation of an arm, by what its controller says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from grasp_core.errors import HardwareLost, InvalidStates, UnexpectedContact
from grasp_executor import motion
from grasp_executor.interfaces import ArmState, JointTrajectory
from grasp_executor.motion import Mover
from grasp_executor.tracking import Tracking

TOLERANCE = np.array([0.1, 0.2])
STILL = np.zeros((3, 2))
# Out and back again: the second half comes by where the first has been.
PATH = JointTrajectory(
    ("a", "b"), np.array([0.0, 1.0, 2.0]), np.array([[0.0, 0], [1, 1], [0, 0]]), STILL, STILL
)


def tracking(contact_s=0.1):
    return Tracking(PATH, TOLERANCE, contact_s)


def at(time_s):
    return np.array([np.interp(time_s, PATH.times_s, column) for column in PATH.positions.T])


def test_without_feedback_nothing_is_known():
    assert math.isnan(tracking().progress_s())


def test_progress_follows_the_set_point_whatever_the_stamps_say():
    followed = tracking()
    for stamp_s, time_s in [(5.0, 0.0), (15.0, 0.1), (16.0, 0.5), (90.0, 0.5), (91.0, 0.999)]:
        followed.add(stamp_s, at(time_s), at(time_s))
        assert followed.progress_s() == pytest.approx(time_s, abs=1e-6)
    followed.add(92.0, at(1.5), at(1.5))
    assert followed.progress_s() == pytest.approx(1.5)  # on the way back, not at 0.5 again


def test_a_lag_within_the_tolerance_is_none():
    followed = tracking()
    for step in range(20):
        followed.add(0.1 * step, at(0.05 * step), at(0.05 * step) - 0.09)
    assert followed.progress_s() == pytest.approx(0.95)


def test_one_sample_off_the_path_proves_nothing():
    followed = tracking(contact_s=0.0)
    followed.add(0.1, at(0.1), at(0.1) + 0.5)
    followed.add(0.1, at(0.1), at(0.1) + 0.5)  # the same again
    followed.add(0.2, at(0.2), at(0.2))
    followed.add(0.3, at(0.3), at(0.3) + 0.5)
    assert followed.progress_s() == pytest.approx(0.3)


def test_lasting_deviation_is_a_contact_that_names_the_joint():
    followed = tracking()
    for stamp_s in (0.1, 0.15, 0.21):
        followed.add(stamp_s, at(stamp_s), at(stamp_s) - [0.0, 0.25])
    with pytest.raises(UnexpectedContact, match=r"b has been off .* 0\.11 s, now by 0\.250 rad"):
        followed.progress_s()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_position_that_is_not_finite_is_a_fault(bad):
    followed = tracking()
    followed.add(0.1, at(0.1), np.array([0.1, bad]))
    with pytest.raises(InvalidStates, match="position of b"):
        followed.progress_s()


class ScaledArm:
    """Clock, arm and motion in one: its controller runs at a share of the speed, and says so."""

    def __init__(self, scaling, *, tells=True, pushed=False):
        self.scaling, self.tells, self.pushed = scaling, tells, pushed
        self.now = self.along_s = 0.0
        self.tracking, self.cancelled = tracking(), False

    def now_s(self):
        return self.now

    def sleep(self, duration_s):
        self.now += duration_s
        self.along_s = min(2.0, self.along_s + duration_s * self.scaling(self.now))
        if self.tells:
            held = at(min(self.along_s, 0.3)) if self.pushed else at(self.along_s)
            self.tracking.add(self.now, at(self.along_s), held)

    def state(self):
        return ArmState(at(self.along_s), np.zeros(2), self.now)

    def start(self, trajectory):
        return self

    def done(self):
        return self.cancelled or self.along_s >= 2.0

    def progress_s(self):
        return self.tracking.progress_s()

    def check(self):
        pass

    def cancel(self):
        self.cancelled = True


def follow(arm, monkeypatch):
    monkeypatch.setattr(motion, "_LEAST_PATIENCE_S", 0.0)
    Mover(arm, arm, 0.05, lambda: False, standstill_s=60.0).follow(PATH)
    return arm.now


def test_a_tenth_of_the_speed_takes_ten_times_as_long(monkeypatch):
    assert follow(ScaledArm(lambda now: 0.1), monkeypatch) == pytest.approx(20.0, abs=0.2)


def test_a_standstill_at_0_percent_and_back_is_no_fault(monkeypatch):
    paused = ScaledArm(lambda now: 0.0 if 1.0 < now < 50.0 else 1.0)
    assert follow(paused, monkeypatch) == pytest.approx(51.0, abs=0.2)


def test_a_standstill_for_longer_is_lost_hardware(monkeypatch):
    stopped = ScaledArm(lambda now: 1.0 if now < 1.0 else 0.0)
    with pytest.raises(HardwareLost, match=r"stood still at 4[5-9] % of its trajectory for 60 s"):
        follow(stopped, monkeypatch)
    assert stopped.cancelled
    assert stopped.now == pytest.approx(61.0, abs=0.3)


def test_without_feedback_the_limit_is_the_trajectorys(monkeypatch):
    silent = ScaledArm(lambda now: 0.1, tells=False)
    with pytest.raises(HardwareLost, match=r"did not finish within 5\.0 s and reports nothing"):
        follow(silent, monkeypatch)


def test_a_controller_that_ignores_tolerances_is_stopped(monkeypatch):
    pushed = ScaledArm(lambda now: 1.0, pushed=True)
    with pytest.raises(UnexpectedContact, match="a has been off its set point"):
        follow(pushed, monkeypatch)
    assert pushed.cancelled
    assert pushed.now < 0.3 + 0.1 + 0.1 + 0.11  # where it is, tolerance, patience, two samples
