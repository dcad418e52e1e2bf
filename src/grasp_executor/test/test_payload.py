"""Weighing what was lifted: each weighing stands for itself."""

from types import SimpleNamespace

import pytest
from fake_robot import CONFIG

from grasp_executor.payload import PayloadWatch


class FeelingArm:
    """Measures a force at 100 Hz."""

    def __init__(self):
        self.force_n, self._now_s = 0.0, 0.0

    def external_force_n(self):
        self._now_s += 0.01
        return self.force_n, self._now_s


@pytest.fixture
def scales():
    arm = FeelingArm()
    watch = PayloadWatch(arm, CONFIG)

    def reads(force_n):
        arm.force_n = force_n
        watch.forget()
        for _ in range(100):
            watch.take()

    reads(0.1)
    watch.tare()
    return SimpleNamespace(watch=watch, reads=reads)


def test_a_weight_that_does_not_stand_out_any_more_is_not_watched(scales):
    scales.reads(2.6)  # where it still leans on something
    assert scales.watch.weigh() == pytest.approx(2.5)
    scales.reads(0.3)
    assert scales.watch.weigh() is None
    scales.watch.watch()
    assert scales.watch.weight_n is None


def test_the_last_weighing_is_what_a_loss_is_measured_by(scales):
    for force_n in (5.1, 2.6):
        scales.reads(force_n)
        scales.watch.weigh()
    for _ in range(100):
        scales.watch.watch()
    assert scales.watch.weight_n == pytest.approx(2.5)
    assert not scales.watch.suspected
