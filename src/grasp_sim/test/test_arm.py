from __future__ import annotations

import numpy as np
import pytest

from grasp_core.errors import ConfigError
from grasp_core.transform import Transform
from grasp_sim.simulation import Simulation
from grasp_sim.trajectory import ErrorCode, Goal, InvalidTrajectory, Status, Tolerances

STEP_S = 1.0 / 240.0


def swing(simulation: Simulation, offset_rad: float, seconds: float, **options: object) -> Goal:
    """Turn the first joint; a smooth trajectory from rest to rest."""
    times = np.linspace(0.0, seconds, 21)
    s = times / seconds
    blend, slope = 10 * s**3 - 15 * s**4 + 6 * s**5, (30 * s**2 - 60 * s**3 + 30 * s**4) / seconds
    start = simulation.arm_state()[0]
    direction = np.eye(7)[0] * offset_rad
    return simulation.follow(
        simulation.robot.arm.joints,
        times,
        (start + np.outer(blend, direction)).tolist(),
        np.outer(slope, direction).tolist(),
        **options,
    )


def until_done(simulation: Simulation, goal: Goal, limit_s: float = 5.0) -> float:
    start = simulation.time_s
    while not goal.done:
        simulation.step()
        assert simulation.time_s - start < limit_s
    return simulation.time_s - start


def test_follows_closely_and_ends_in_time(simulation: Simulation):
    goal, worst = swing(simulation, 0.8, 1.0), 0.0
    while not goal.done:
        desired = goal.trajectory.sample(simulation.time_s - goal.start_s)[0]
        simulation.step()
        worst = max(worst, np.abs(simulation.arm_state()[0] - desired).max())
    assert goal.status is Status.SUCCEEDED
    assert goal.error_code == ErrorCode.SUCCESSFUL
    assert worst < 0.001 + 1.5 * STEP_S  # half a step of motion besides the tracking error
    assert np.abs(simulation.arm_state()[0] - goal.trajectory.positions[-1]).max() < 0.001


def test_holds_still_at_rest(simulation: Simulation):
    before = simulation.world.link_pose("panda_hand_tcp")
    for _ in range(240):
        simulation.step()
    moved, turned = before.distance_to(simulation.world.link_pose("panda_hand_tcp"))
    assert moved < 0.0002
    assert turned < 0.001


def test_refusal_leaves_the_running_goal(simulation: Simulation):
    goal = swing(simulation, 0.3, 0.5)
    with pytest.raises(InvalidTrajectory):
        simulation.follow(["elbow"], [0.0], [[0.0]])
    assert goal.status is Status.RUNNING
    until_done(simulation, goal)
    assert goal.status is Status.SUCCEEDED


def test_cancel_stops_within_the_limits_in_300_ms(simulation: Simulation):
    limits = np.array(simulation.robot.arm.acceleration)
    goal = swing(simulation, 1.0, 1.0)
    while simulation.time_s - goal.start_s < 0.5:
        simulation.step()
    speed = simulation.arm_state()[1]
    assert speed[0] > 1.5
    simulation.stop_arm()
    assert goal.status is Status.CANCELLED
    speeds = [speed]
    for _ in range(round(0.3 / STEP_S)):
        simulation.step()
        speeds.append(simulation.arm_state()[1])
    change = np.abs(np.diff(speeds, axis=0)) / STEP_S
    # The set point keeps the limit; the joint makes up its first step a little faster.
    assert np.all(change.max(axis=0) < 1.4 * limits)
    assert np.abs(speeds[-1]).max() < 0.001
    rest = simulation.arm_state()[0]
    for _ in range(120):
        simulation.step()
    assert np.abs(simulation.arm_state()[0] - rest).max() < 0.0005


def test_a_newer_goal_replaces_the_running_one(simulation: Simulation):
    first = swing(simulation, 0.2, 1.0)
    for _ in range(24):
        simulation.step()
    second = swing(simulation, 0.1, 1.0)
    assert first.status is Status.CANCELLED
    until_done(simulation, second)
    assert second.status is Status.SUCCEEDED


def test_an_obstacle_on_the_way_ends_in_path_tolerance_violated(simulation: Simulation):
    hand = simulation.world.link_pose("panda_hand").translation
    simulation.world.add_box(
        "wall", (0.3, 0.02, 1.0), Transform.from_translation(hand[0], hand[1] + 0.2, 0.5), 0.0
    )
    goal = swing(simulation, 1.2, 1.5)
    until_done(simulation, goal)
    assert goal.status is Status.ABORTED
    assert goal.error_code == ErrorCode.PATH_TOLERANCE_VIOLATED
    assert "rad off its set point" in goal.error_text


def test_an_obstacle_at_the_end_ends_in_goal_tolerance_violated(simulation: Simulation):
    hand = simulation.world.link_pose("panda_hand").translation
    simulation.world.add_box(
        "wall", (0.3, 0.02, 1.0), Transform.from_translation(hand[0], hand[1] + 0.2, 0.5), 0.0
    )
    tolerances = Tolerances(path_rad=0.0, goal_rad=0.01, goal_time_s=0.3)
    goal = swing(simulation, 1.2, 1.5, tolerances=tolerances)
    took = until_done(simulation, goal)
    assert goal.error_code == ErrorCode.GOAL_TOLERANCE_VIOLATED
    assert took == pytest.approx(1.8, abs=0.02)


def test_no_goal_survives_a_new_scene(simulation: Simulation):
    goal = swing(simulation, 0.5, 1.0)
    for _ in range(60):
        simulation.step()
    simulation.clear()
    assert goal.status is Status.CANCELLED
    assert np.allclose(simulation.arm_state()[0], simulation.robot.arm.observe)


def run_into_a_wall(simulation: Simulation, path_rad: float) -> tuple[Goal, float, float]:
    """Swing into a fixed wall: the goal, how long it pushed, s, and the largest force, N.

    The force is the mean over 20 ms; pushing ends when the controller gives up and lets go.
    """
    hand = simulation.world.link_pose("panda_hand").translation
    middle = Transform.from_translation(hand[0], hand[1] + 0.2, 0.5)
    wall = simulation.world.add_box("wall", (0.3, 0.02, 1.0), middle, 0.0)
    goal = swing(simulation, 1.2, 1.5, tolerances=Tolerances(path_rad, 0.01, 0.5))
    forces: list[float] = []
    while not goal.done or simulation.time_s - goal.start_s < 3.0:
        simulation.step()
        contacts = simulation.world.client.getContactPoints(bodyA=wall.body)
        forces.append(sum(contact[9] for contact in contacts))
    smooth = np.convolve(forces, np.full(5, 0.2), "valid")
    pushed = np.flatnonzero(np.array(forces) > 20.0)
    return goal, (pushed[-1] - pushed[0]) * STEP_S, float(smooth.max())


def test_tolerances_end_a_contact_within_300_ms(simulation: Simulation):
    goal, pushed_s, force_n = run_into_a_wall(simulation, 0.1)
    assert goal.error_code == ErrorCode.PATH_TOLERANCE_VIOLATED
    simulation.clear()
    _, without_s, without_n = run_into_a_wall(simulation, 0.0)
    print(
        f"pushed {pushed_s:.2f} s, {force_n:.0f} N; without {without_s:.2f} s, {without_n:.0f} N"
    )
    assert pushed_s < 0.3 < 1.0 < without_s
    assert force_n < 0.6 * without_n


def test_speed_scaling_stretches_time_and_stands_still_at_0(simulation: Simulation):
    plain_s = until_done(simulation, swing(simulation, 0.2, 0.5))
    simulation.clear()
    simulation.scale_speed(0.5)
    goal = swing(simulation, 0.2, 0.5)
    assert until_done(simulation, goal) == pytest.approx(2.0 * plain_s, abs=0.25)
    assert goal.status is Status.SUCCEEDED
    goal = swing(simulation, 0.2, 0.5)
    for _ in range(60):
        simulation.step()
    simulation.scale_speed(0.0)
    for _ in range(120):
        simulation.step()
    along, place = goal.steps, simulation.arm_state()[0]
    for _ in range(240):
        simulation.step()
    assert goal.steps == along
    assert goal.status is Status.RUNNING
    assert np.abs(simulation.arm_state()[0] - place).max() < 0.001
    simulation.scale_speed(1.0)
    until_done(simulation, goal)
    assert goal.status is Status.SUCCEEDED
    with pytest.raises(ConfigError, match=r"speed scaling is 1\.5"):
        simulation.scale_speed(1.5)
