from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from simulated_hand import HIGH, LOW, close, go, wait

from grasp_core.transform import Transform
from grasp_sim.object_check import check_object
from grasp_sim.object_file import read_object
from grasp_sim.simulation import Simulation


@pytest.fixture
def at_box(simulation: Simulation) -> Simulation:
    """The open gripper around a standing box of 40x40x60 mm, 3 mm off centre."""
    go(simulation, HIGH, 2.0)
    pose = Transform.from_translation(0.5, 0.003, 0.03)
    simulation.world.add_box("box", (0.04, 0.04, 0.06), pose, mass_kg=0.2)
    go(simulation, LOW, 2.0)
    return simulation


def test_closing_on_nothing_reaches_the_gap_without_force(simulation: Simulation):
    assert simulation.gap_m == pytest.approx(0.08, abs=1e-4)
    largest = 0.0
    goal = simulation.grip(0.0, 20.0)
    while not goal.done:
        simulation.step()
        largest = max(largest, np.abs(simulation.finger_state()[2])[:].min())
    assert goal.reached_goal
    assert not goal.stalled
    wait(simulation, 0.5)
    assert simulation.gap_m < 0.002
    assert np.abs(simulation.finger_state()[2]).max() < 2.0
    assert largest < 5.0


def test_fingers_stay_symmetric_and_keep_their_speed(simulation: Simulation):
    simulation.grip(0.0, 20.0)
    wait(simulation, 0.2)
    positions, velocities, _ = simulation.finger_state()
    assert positions[0] == pytest.approx(positions[1], abs=1e-4)
    assert np.allclose(velocities, -simulation.config.finger_speed_m_s, atol=0.01)


def test_closing_on_a_box_stalls_at_the_force_limit_of_both_fingers(at_box: Simulation):
    goal = close(at_box, force_n=15.0)
    assert goal.stalled
    assert not goal.reached_goal
    wait(at_box, 0.1)
    assert at_box.gap_m == pytest.approx(0.04, abs=0.001)
    assert np.allclose(np.abs(at_box.finger_state()[2]), 15.0, rtol=0.05)
    assert at_box.truth()[0].between_fingers


def test_a_held_box_does_not_slip_in_three_seconds(at_box: Simulation):
    close(at_box)
    go(at_box, HIGH, 2.0)
    T_hand_box = at_box.world.link_pose("panda_hand").inverse() @ at_box.truth()[0].pose
    for _ in range(30):
        wait(at_box, 0.1)
        assert np.abs(at_box.finger_state()[2]).min() > 16.0
    truth = at_box.truth()[0]
    assert truth.between_fingers
    assert not truth.on_support
    moved, turned = T_hand_box.distance_to(
        at_box.world.link_pose("panda_hand").inverse() @ truth.pose
    )
    assert moved < 0.001
    assert turned < 0.01


BALL = """<robot name="ball"><link name="ball"><inertial><mass value="{}"/>
<inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>
<collision><geometry><sphere radius="0.03"/></geometry></collision></link></robot>"""


@pytest.mark.parametrize("mass_kg", [0.02, 2.0])
def test_a_grip_of_70_newtons_neither_sinks_in_nor_creeps(
    simulation: Simulation, tmp_path: Path, mass_kg: float
):
    (tmp_path / "ball.urdf").write_text(BALL.format(mass_kg))
    ball = check_object(read_object(tmp_path / "ball.urdf"), weighed=True)
    go(simulation, HIGH, 0.7)
    thing = simulation.world.add_object("ball", ball, (1.0, 0.0, 0.0, 1.0))
    simulation.world.place(thing, Transform.from_translation(0.5, 0.003, 0.03))
    go(simulation, LOW, 0.8)
    close(simulation, force_n=70.0)
    wait(simulation, 0.1)
    assert simulation.gap_m == pytest.approx(0.06, abs=0.0015)
    go(simulation, HIGH, 1.0)
    (lifted,) = simulation.truth()
    assert lifted.between_fingers
    assert not lifted.on_support
    gap_m = simulation.gap_m
    wait(simulation, 0.5)
    (held,) = simulation.truth()
    moved, turned = lifted.pose.distance_to(held.pose)
    assert moved < 0.0005
    assert turned < 0.01
    assert simulation.gap_m == pytest.approx(gap_m, abs=0.0005)
    assert np.allclose(np.abs(simulation.finger_state()[2]), 70.0, rtol=0.03)


def test_removing_the_held_box_lets_the_fingers_close(at_box: Simulation):
    close(at_box)
    go(at_box, HIGH, 1.5)
    assert at_box.remove("box") == "box"
    wait(at_box, 0.5)
    assert at_box.gap_m < 0.002
    assert np.abs(at_box.finger_state()[2]).max() < 2.0


def test_a_strong_pull_takes_the_box_out_of_the_hand(at_box: Simulation):
    close(at_box)
    go(at_box, HIGH, 1.5)
    at_box.pull("box", (0.0, 0.0, -40.0), 0.5)
    wait(at_box, 0.5)
    assert not at_box.truth()[0].between_fingers


def test_the_default_force_stands_for_zero(simulation: Simulation):
    assert simulation.grip(0.0, 0.0).force_n == simulation.config.default_force_n


def test_a_gap_on_the_way_is_reached(simulation: Simulation):
    assert close(simulation, gap_m=0.05).reached_goal
    wait(simulation, 0.2)
    assert simulation.gap_m == pytest.approx(0.05, abs=5e-4)


def test_a_newer_command_and_a_stop_end_the_running_one(simulation: Simulation):
    first = simulation.grip(0.0, 20.0)
    wait(simulation, 0.1)
    second = simulation.grip(0.08, 20.0)
    assert first.cancelled
    wait(simulation, 0.02)
    simulation.stop_gripper()
    assert second.cancelled
    gap = simulation.gap_m
    wait(simulation, 0.3)
    assert simulation.gap_m == pytest.approx(gap, abs=0.003)
