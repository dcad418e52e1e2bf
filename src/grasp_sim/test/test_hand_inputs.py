"""Switches and light barrier of a hand on digital lines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from simulated_hand import HIGH, LOW, close, go, wait

from grasp_core.hand_drivers import DigitalIoDriver
from grasp_core.jaw_inputs import JawInputs
from grasp_core.robot import load_robot
from grasp_core.transform import Transform
from grasp_sim.config import SimConfig
from grasp_sim.simulation import Simulation


@pytest.fixture(scope="module")
def pneumatic() -> Iterator[Simulation]:
    simulation = Simulation(SimConfig(renderer="tiny"), load_robot("panda", "pneumatic_hand"))
    yield simulation
    simulation.close()


def inputs_of(simulation: Simulation) -> JawInputs:
    wait(simulation, 0.05)
    driver = simulation.robot.gripper.driver_as(DigitalIoDriver)
    return driver.inputs_from(simulation.hand_reading().levels)


def test_switches_are_on_at_the_ends_of_the_way(pneumatic: Simulation):
    assert inputs_of(pneumatic) == JawInputs(part_present=False, closed=False, opened=True)
    close(pneumatic, 0.04)
    assert inputs_of(pneumatic) == JawInputs(part_present=False, closed=False, opened=False)
    close(pneumatic)
    assert inputs_of(pneumatic) == JawInputs(part_present=False, closed=True, opened=False)
    pneumatic.clear()


def test_the_light_barrier_sees_what_is_between_the_fingers_held_or_not(pneumatic: Simulation):
    go(pneumatic, HIGH, 2.0)
    pose = Transform.from_translation(0.5, 0.0, 0.03)
    pneumatic.world.add_box("box", (0.04, 0.04, 0.06), pose, mass_kg=0.2)
    assert not inputs_of(pneumatic).part_present
    go(pneumatic, LOW, 2.0)
    assert inputs_of(pneumatic) == JawInputs(part_present=True, closed=False, opened=True)
    close(pneumatic, force_n=40.0)
    assert inputs_of(pneumatic) == JawInputs(part_present=True, closed=False, opened=False)
    go(pneumatic, HIGH, 2.0)
    assert inputs_of(pneumatic).hold_a_part
    pneumatic.remove("box")
    assert inputs_of(pneumatic).hold_a_part is False


def test_a_hand_without_inputs_tells_none(simulation: Simulation):
    assert simulation.hand_reading().levels == {}
