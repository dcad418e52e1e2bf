"""What the hand's driver reports: the force of each finger's contacts, or the width alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pybullet
import pytest
from simulated_hand import HIGH, LOW, close, go, wait

from grasp_core.robot import load_robot
from grasp_core.transform import Transform
from grasp_sim.config import SimConfig
from grasp_sim.hand_sensor import closing_forces
from grasp_sim.simulation import Simulation


def forces_of(simulation: Simulation) -> np.ndarray:
    """Force with which each finger presses on something, newtons."""
    return -simulation.hand_reading().efforts


def test_both_fingers_report_the_force_on_a_box(simulation: Simulation):
    go(simulation, HIGH, 2.0)
    pose = Transform.from_translation(0.5, 0.003, 0.03)
    simulation.world.add_box("box", (0.04, 0.04, 0.06), pose, mass_kg=0.2)
    go(simulation, LOW, 2.0)
    assert np.abs(forces_of(simulation)).max() < 0.1
    close(simulation, force_n=15.0)
    wait(simulation, 0.2)
    assert forces_of(simulation) == pytest.approx([15.0, 15.0], rel=0.05)
    go(simulation, HIGH, 2.0)
    wait(simulation, 0.2)
    assert forces_of(simulation) == pytest.approx([15.0, 15.0], rel=0.01)
    simulation.remove("box")
    wait(simulation, 0.1)
    assert forces_of(simulation) == pytest.approx([0.0, 0.0], abs=0.1)


def test_a_finger_that_touches_nothing_reports_no_force(simulation: Simulation):
    go(simulation, HIGH, 2.0)
    pose = Transform.from_translation(0.5, 0.02, 0.04)
    wall = simulation.world.add_box("wall", (0.10, 0.02, 0.08), pose)
    simulation.world.set_movable(wall, False)
    go(simulation, LOW, 2.0)
    goal = close(simulation, force_n=20.0)
    wait(simulation, 0.2)
    free, pressing = forces_of(simulation)
    assert goal.stalled
    assert pressing > 20.0  # by the drives of both, for the fingers are coupled
    assert free == 0.0
    assert np.abs(simulation.finger_state()[2]) == pytest.approx([20.0, 20.0])  # the drives


def test_friction_on_slanted_faces_is_part_of_the_force(simulation: Simulation):
    p, world = simulation.world.client, simulation.world
    go(simulation, HIGH, 2.0)
    slant = np.tan(np.radians(15.0))
    corners = [
        [x, side * (0.02 - z * slant), z]
        for z in (-0.03, 0.03)
        for x in (-0.02, 0.02)
        for side in (-1.0, 1.0)
    ]
    shape = p.createCollisionShape(pybullet.GEOM_MESH, vertices=corners)
    body = p.createMultiBody(0.2, shape, basePosition=(0.5, 0.0, 0.03))
    p.changeDynamics(body, -1, lateralFriction=0.5, spinningFriction=0.005)
    go(simulation, LOW, 2.0)
    close(simulation, force_n=20.0)
    wait(simulation, 0.2)
    assert closing_forces(world, simulation.finger_state()[2]) == pytest.approx(
        [20.0, 20.0], rel=0.02
    )


class OldContacts:
    """PyBullet, telling of contacts whose directions are from before the hand has turned."""

    def __init__(self, client, turn_rad):
        self._client = client
        self._rotation = Transform.from_rpy((0.0, 0.0, turn_rad)).rotation

    def __getattr__(self, name):
        return getattr(self._client, name)

    def getContactPoints(self, **which):
        told = [list(contact) for contact in self._client.getContactPoints(**which)]
        for contact in told:
            for direction in (7, 11, 13):
                contact[direction] = tuple(self._rotation @ contact[direction])
        return told


@pytest.mark.parametrize("turn_deg", [0.0, 25.0, -50.0, 75.0])
def test_a_hand_that_turns_with_what_it_holds_feels_the_same_force(
    simulation: Simulation, turn_deg: float
):
    go(simulation, HIGH, 2.0)
    pose = Transform.from_translation(0.5, 0.003, 0.03)
    simulation.world.add_box("box", (0.04, 0.04, 0.06), pose, mass_kg=0.2)
    go(simulation, LOW, 2.0)
    close(simulation, force_n=20.0)
    wait(simulation, 0.2)
    simulation.world.client = OldContacts(simulation.world.client, np.radians(turn_deg))
    wait(simulation, 0.1)
    assert forces_of(simulation) == pytest.approx([20.0, 20.0], rel=0.05)


@pytest.fixture
def franka():
    found = Simulation(SimConfig(renderer="tiny", gripper="franka_hand"), load_robot("panda"))
    yield found
    found.close()


def test_franka_hand_measures_the_width_at_15_hz_and_repeats_it(franka: Simulation):
    start = franka.time_s
    franka.grip(0.0, 20.0)
    wait(franka, 0.5)
    readings = franka.hand_readings_since(start)
    stamps = np.array([one.stamp_s for one in readings])
    gaps = np.array([one.positions.sum() for one in readings])
    assert np.diff(stamps) == pytest.approx(np.full(len(stamps) - 1, 1 / 30))
    changes = np.flatnonzero(np.diff(gaps))
    moving = stamps[1:][changes]
    assert len(moving) >= 5
    assert np.diff(moving) == pytest.approx(np.full(len(moving) - 1, 1 / 15))
    assert np.isnan([one.efforts for one in readings]).all()
    assert franka.hand_reading().stamp_s == franka.time_s  # a repeated read has a fresh stamp


def test_the_memory_of_readings_is_a_second_long(franka: Simulation):
    wait(franka, 2.0)
    readings = franka.hand_readings_since(-np.inf)
    assert readings[0].stamp_s == pytest.approx(franka.time_s - 1.0, abs=0.05)
    assert franka.newest_hand_reading() is readings[-1]


def test_a_new_scene_forgets_what_was_measured_before(franka: Simulation):
    franka.grip(0.0, 20.0)
    wait(franka, 1.0)
    franka.restart_clock()
    franka.clear()
    assert franka.hand_reading().positions.sum() == pytest.approx(0.08, abs=1e-6)
    assert len(franka.hand_readings_since(-np.inf)) == 1


def test_as_often_as_it_measures_where_the_profile_says_no_other_rate(robot):
    hand = replace(robot.gripper, joint_states_hz=60.0)
    found = Simulation(SimConfig(renderer="tiny"), replace(robot, gripper=hand))
    wait(found, 0.5)
    stamps = [one.stamp_s for one in found.hand_readings_since(0.0)]
    assert np.diff(stamps) == pytest.approx(np.full(len(stamps) - 1, 1 / 60))
    found.close()
