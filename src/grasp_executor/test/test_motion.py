"""Motions that end badly, elsewhere, or not at all."""

from __future__ import annotations

import math

import numpy as np
import pytest

from grasp_core.errors import (
    Cancelled,
    HardwareLost,
    TrajectoryAborted,
    TrajectoryRefused,
)
from grasp_executor import motion
from grasp_executor.interfaces import ArmState, JointTrajectory
from grasp_executor.motion import Mover

GOAL = np.array([0.3, -0.2])


class Cell:
    """Clock, arm and running motion in one: the arm jumps to where the test says it ends."""

    def __init__(self, ends_at=GOAL, lasts_s=0.1, stops=True):
        self.now, self.positions = 0.0, np.zeros(2)
        self.ends_at, self.ends_s, self.stops = ends_at, lasts_s, stops
        self.started = self.told_to_stop = False

    def now_s(self):
        return self.now

    def sleep(self, duration_s):
        self.now += duration_s
        if self.now >= self.ends_s:
            self.positions = self.ends_at

    def state(self):
        return ArmState(self.positions, np.zeros(2), self.now)

    def start(self, trajectory):
        self.started = True
        return self

    def done(self):
        return self.now >= self.ends_s or (self.told_to_stop and self.stops)

    def check(self):
        pass

    def progress_s(self):
        return math.nan

    def cancel(self):
        self.told_to_stop = True


def follow(cell, start=(0.0, 0.0), cancelled=lambda: False):
    positions = np.array([start, GOAL])
    still = np.zeros((2, 2))
    trajectory = JointTrajectory(("a", "b"), np.array([0.0, 0.1]), positions, still, still)
    Mover(cell, cell, 0.01, cancelled).follow(trajectory)


def test_an_arm_that_arrives_has_arrived():
    cell = Cell()
    follow(cell)
    assert np.array_equal(cell.positions, GOAL)


def test_an_arm_that_is_elsewhere_is_not_started():
    cell = Cell()
    with pytest.raises(TrajectoryRefused, match=r"begins: b is off by -0\.20 rad"):
        follow(cell, start=(0.0, 0.2))
    assert not cell.started


def test_success_is_not_believed_when_the_arm_was_held_up():
    with pytest.raises(TrajectoryAborted, match=r"did not arrive.*a is off by -0\.25 rad"):
        follow(Cell(ends_at=np.array([0.05, -0.2])))


def test_a_cancel_stops_the_arm():
    cell = Cell(lasts_s=100.0)
    with pytest.raises(Cancelled):
        follow(cell, cancelled=lambda: cell.now > 0.05)
    assert cell.told_to_stop


def test_a_cancel_that_is_not_confirmed_is_no_clean_stop(monkeypatch):
    monkeypatch.setattr(motion, "_LEAST_PATIENCE_S", 0.0)
    cell = Cell(lasts_s=100.0, stops=False)
    with pytest.raises(HardwareLost, match=r"cancelled by the client; and the arm .* still move"):
        follow(cell, cancelled=lambda: cell.now > 0.05)
