"""The weight of what was lifted, from the arm's joint torques and their errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated_hand import HIGH, LOW, close, go, wait

from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_sim.config import SimConfig
from grasp_sim.simulation import Simulation

NOISE_N = 0.3  # of a mean over the readings below, and of what the lift changes in the offset


def lifted(simulation: Simulation, mass_kg: float) -> float:
    """Change of the vertical force from the empty hand to the lifted object, newtons."""
    go(simulation, HIGH, 2.0)
    before = weight(simulation)
    if mass_kg > 0.0:
        pose = Transform.from_translation(0.5, 0.0, 0.03)
        simulation.world.add_box("box", (0.04, 0.04, 0.06), pose, mass_kg=mass_kg)
    go(simulation, LOW, 2.0)
    close(simulation)
    go(simulation, HIGH, 2.0)
    return weight(simulation) - before


def weight(simulation: Simulation) -> float:
    """Mean vertical force of a second at rest, newtons."""
    wait(simulation, 0.5)
    readings = []
    for _ in range(100):
        wait(simulation, 0.01)
        readings.append(simulation.external_wrench()[2])
    assert 0.05 < np.std(readings) < 1.0
    return float(np.mean(readings))


@pytest.mark.parametrize("mass_kg", [0.3, 0.0])
def test_a_lifted_mass_shows_its_weight_within_the_noise(simulation: Simulation, mass_kg: float):
    assert lifted(simulation, mass_kg) == pytest.approx(9.81 * mass_kg, abs=NOISE_N)


def test_the_offset_stays_for_a_run_and_differs_between_runs(simulation: Simulation):
    offsets = []
    for seed in (1, 2, 3, 1):
        simulation.restart_clock(noise_seed=seed)
        simulation.clear()
        offsets.append(weight(simulation))
    assert offsets[0] == offsets[3]
    assert len(set(offsets)) == 3
    assert 0.1 < max(map(abs, offsets)) < 4.0


def test_a_reading_depends_on_the_step_alone(simulation: Simulation):
    first = simulation.external_wrench()
    assert np.array_equal(simulation.external_wrench(), first)
    wait(simulation, 0.01)
    assert not np.array_equal(simulation.external_wrench(), first)


def test_an_arm_without_the_estimate_gives_none(robot: RobotModel):
    arm = replace(robot.arm, external_wrench_topic="")
    found = Simulation(SimConfig(renderer="tiny"), replace(robot, arm=arm))
    assert found.external_wrench() is None
    found.close()
