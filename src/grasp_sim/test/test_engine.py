"""The engine's thread: what becomes of goals and calls when its simulation ends."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from grasp_core.errors import HardwareLost
from grasp_core.robot import RobotModel
from grasp_sim.config import SimConfig
from grasp_sim.engine import Engine
from grasp_sim.simulation import Simulation

PATIENCE_S = 5.0


@pytest.fixture
def engine(robot: RobotModel) -> Iterator[Engine]:
    found = Engine(lambda: Simulation(SimConfig(renderer="tiny"), robot), speed=1.0)
    found.start()
    yield found
    found.stop()


def turn_slowly(simulation: Simulation):
    here = simulation.arm_state()[0]
    there = [here[0] + 0.4, *here[1:]]
    zeros = [[0.0] * 7] * 2
    joints = simulation.robot.arm.joints
    return simulation.follow(joints, [0.0, 60.0], [here.tolist(), there], zeros)


def until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.01)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_lost_connection_ends_goals_and_calls_at_once(engine: Engine):
    arm = engine.call(turn_slowly)
    hand = engine.call(lambda simulation: simulation.grip(0.0, 20.0))
    engine.check()
    with pytest.raises(HardwareLost, match="PyBullet does not answer"):
        # What closing PyBullet's window does.
        engine.call(lambda simulation: (simulation.close(), simulation.gap_m))
    until(lambda: arm.done and hand.done)
    asked = time.monotonic()
    with pytest.raises(HardwareLost, match="has stopped"):
        engine.call(lambda simulation: simulation.truth())
    assert time.monotonic() - asked < PATIENCE_S
    with pytest.raises(HardwareLost, match="Not connected"):
        engine.check()


def test_a_stop_ends_goals_and_is_no_failure(engine: Engine):
    arm = engine.call(turn_slowly)
    hand = engine.call(lambda simulation: simulation.grip(0.0, 20.0))
    engine.stop()
    assert arm.done
    assert hand.cancelled
    engine.check()
    with pytest.raises(HardwareLost, match="has stopped"):
        engine.call(lambda simulation: simulation.gap_m)
