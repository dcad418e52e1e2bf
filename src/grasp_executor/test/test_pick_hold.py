"""The hold over a gripper whose samples come late, with gaps, or not at all."""

import numpy as np
import pytest

from grasp_core.cell import Cell
from grasp_core.errors import Code
from grasp_core.robot import load_robot
from grasp_executor.config import PickConfig
from grasp_executor.grip import MEASURED, Grip, HoldMonitor
from grasp_executor.hand import Held
from grasp_executor.holding import Holding
from grasp_executor.interfaces import ArmState, GripperState
from grasp_executor.motion import Mover
from grasp_executor.outcome import PickOutcome
from grasp_executor.station import RobotPort, Station

ROBOT = load_robot("panda", "force_hand")
TICK_S = 0.01


class Bench:
    """Clock, arm and gripper in one: an arm at rest, a steady grip, samples at given times."""

    def __init__(self, sample_times):
        self.now = 0.0
        self._times = np.asarray(sample_times)

    def now_s(self):
        return self.now

    def sleep(self, duration_s):
        self.now += duration_s

    def state(self):
        return ArmState(np.array(ROBOT.arm.observe), np.zeros(7), self.now)

    def states_since(self, stamp_s):
        new = self._times[(self._times > stamp_s) & (self._times <= self.now)]
        return [GripperState(0.03, np.array([20.0, 20.0]), float(t)) for t in new]


def held(sample_times, **settings):
    bench = Bench(sample_times)
    config = PickConfig(**settings)
    station = Station(RobotPort(None, bench, bench, None, bench), ROBOT, Cell(), config)
    station.hand.memory.learn(0.0)
    station.hand.takes(
        Held(None, HoldMonitor(config, 0.0, Grip(0.03, 20.0, MEASURED, 20.0), config.max_drift_m))
    )
    mover, outcome = Mover(bench, bench, config.tick_s, lambda: False), PickOutcome()
    try:
        Holding(station, mover, outcome, lambda force_n: None).hold()
    except Exception as error:
        return outcome, getattr(error, "code", None), bench.now
    return outcome, Code.OK, bench.now


def test_a_steady_hold_lasts_as_long_as_the_samples_say():
    outcome, code, lasted_s = held(np.arange(0.0, 10.0, TICK_S))
    assert code is Code.OK
    assert outcome.held_s == pytest.approx(3.0, abs=0.02)
    assert lasted_s == pytest.approx(3.0, abs=0.05)


def test_the_first_sample_may_come_late():
    _, code, lasted_s = held(np.arange(0.5, 10.0, TICK_S))
    assert code is Code.OK
    assert lasted_s == pytest.approx(3.5, abs=0.05)


def test_a_gap_in_the_samples_restarts_the_hold():
    samples = np.concatenate([np.arange(0.0, 2.0, TICK_S), np.arange(2.3, 10.0, TICK_S)])
    _, code, lasted_s = held(samples)
    assert code is Code.OK
    assert lasted_s == pytest.approx(5.3, abs=0.05)


def test_samples_that_stop_just_before_the_end_do_not_complete_the_hold():
    outcome, code, _ = held(np.arange(0.0, 2.9, TICK_S))
    assert code is Code.STALE_JOINT_STATES
    assert outcome.held_s < 3.0
