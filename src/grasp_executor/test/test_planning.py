"""The embedded planner against an independent collision check built on Pinocchio and coal."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline
from scipy.spatial.transform import Rotation

pytest.importorskip("roboplan.core")
coal = pytest.importorskip("coal")
pin = pytest.importorskip("pinocchio")

from planning_cell import (  # noqa: E402
    CELL,
    CONTACTS,
    PADDING_M,
    TABLE,
    Witness,
    best,
    box,
    random_poses,
    top_down,
)

from grasp_core.errors import Collision, ConfigError, PlanningFailed, Unreachable  # noqa: E402
from grasp_executor.planning.embedded import EmbeddedPlanner  # noqa: E402
from grasp_executor.planning.embedded_config import EmbeddedConfig  # noqa: E402
from grasp_executor.scene import CollisionScene  # noqa: E402


def check_limits(robot, trajectory, speed=1.0):
    """Velocities and accelerations of the cubic interpolation, on a fine grid."""
    config = EmbeddedConfig()
    velocity = np.array(robot.arm.velocity) * config.velocity_scale * speed
    acceleration = np.array(robot.arm.acceleration) * config.acceleration_scale * speed
    spline = CubicHermiteSpline(
        trajectory.times_s, trajectory.positions, trajectory.velocities, axis=0
    )
    times = np.linspace(0.0, trajectory.duration_s, 2000)
    assert (np.abs(spline(times, 1)) <= velocity * 1.001).all()
    assert (np.abs(spline(times, 2)) <= acceleration * 1.001).all()
    assert (np.abs(trajectory.accelerations) <= acceleration * 1.01).all()
    assert (trajectory.velocities[[0, -1]] == 0.0).all()
    assert (np.diff(trajectory.times_s) > 0.0).all()
    assert trajectory.times_s[0] == 0.0


# Forward and inverse kinematics


def test_forward_is_the_data_sheets(planner):
    # Denavit-Hartenberg parameters of the Panda at zero: a = 0.088, d1 + d3 + d5 = 1.033, the
    # flange 0.107 and the grasp frame 0.1034 below; the hand is turned by -45 degrees.
    T = planner.forward(np.zeros(7))
    np.testing.assert_allclose(T.translation, [0.088, 0.0, 1.033 - 0.107 - 0.1034], atol=1e-9)
    turn = Rotation.from_euler("x", np.pi) * Rotation.from_euler("z", -np.pi / 4)
    np.testing.assert_allclose(T.rotation, turn.as_matrix(), atol=1e-9)


def test_top_down_poses_are_all_solved(robot, planner, observe):
    planner.set_scene(CollisionScene())
    lower, upper = robot.limits()
    for pose in random_poses(100, seed=1):
        solutions = planner.solve_ik(pose, observe)
        weights = np.linspace(1.0, 0.4, 7)
        distances = [np.linalg.norm(weights * (q - observe)) for q in solutions]
        assert distances == sorted(distances)
        for index, q in enumerate(solutions):
            offset, angle = planner.forward(q).distance_to(pose)
            assert offset < 1e-4
            assert angle < 1e-3
            assert (q > lower).all()
            assert (q < upper).all()
            assert all(np.abs(q - other).max() > 0.05 for other in solutions[:index])


def test_out_of_reach_is_unreachable(planner, observe):
    with pytest.raises(Unreachable, match=r"1\.200"):
        planner.solve_ik(top_down(1.2, 0.0, 0.2), observe)


def test_blocked_pose_names_what_collides(planner, observe):
    with pytest.raises(Collision, match="table"):
        planner.solve_ik(top_down(0.5, 0.0, -0.01), observe)


def test_observe_is_free_over_a_table_at_the_base(planner, observe):
    trajectory = planner.plan_joints(observe, observe)
    np.testing.assert_array_equal(trajectory.goal, observe)
    assert trajectory.duration_s > 0.0


# Joint-space paths


def test_plans_in_a_bin_are_free_by_another_check(robot, planner, observe):
    planner.set_scene(CELL)
    witness = Witness(robot, CELL, PADDING_M - 1e-6)
    rng = np.random.default_rng(5)
    here = observe
    for _ in range(6):
        pose = top_down(
            rng.uniform(0.4, 0.6), rng.uniform(-0.12, 0.12), 0.05, rng.uniform(-1.5, 1.5)
        )
        goal = best(planner, pose, here)
        trajectory = planner.plan_joints(here, goal)
        np.testing.assert_array_equal(trajectory.positions[0], here)
        np.testing.assert_array_equal(trajectory.goal, goal)
        check_limits(robot, trajectory)
        for q in trajectory.positions[::3]:
            assert witness.hits(q) == set()
        here = goal


def around_a_wall(planner, observe):
    """Start and goal low on both sides of a high wall."""
    wall = box("wall", (0.5, 0.02, 0.5), (0.5, 0.0, 0.25))
    scene = CollisionScene((TABLE, wall), CONTACTS)
    planner.set_scene(scene)
    start = best(planner, top_down(0.5, 0.25, 0.1), observe)
    goal = best(planner, top_down(0.5, -0.25, 0.1), start)
    return scene, start, goal


def test_path_around_a_wall(robot, planner, observe):
    scene, start, goal = around_a_wall(planner, observe)
    trajectory = planner.plan_joints(start, goal)
    witness = Witness(robot, scene, PADDING_M - 1e-6)
    check_limits(robot, trajectory)
    assert all(witness.hits(q) == set() for q in trajectory.positions[::3])
    assert any(witness.hits(q) for q in np.linspace(start, goal, 50))


@pytest.mark.parametrize("x", [0.45, 0.5, 0.55])
def test_a_swing_through_a_corner_is_cut_short(robot, planner, observe, x):
    planner.set_scene(CollisionScene((TABLE,), CONTACTS))
    start = best(planner, top_down(x, 0.0, 0.16), observe)
    goal = best(planner, top_down(0.34, 0.53, 0.2, 1.57), start)
    swing_s = planner.plan_joints(start, goal).duration_s
    corner = box("corner", (0.3, 0.9, 0.35), (0.64, 0.85, 0.175))
    scene = CollisionScene((TABLE, corner), CONTACTS)
    planner.set_scene(scene)
    trajectory = planner.plan_joints(start, goal)
    witness = Witness(robot, scene, PADDING_M - 1e-6)
    check_limits(robot, trajectory)
    assert all(witness.hits(q) == set() for q in trajectory.positions[::3])
    assert any(witness.hits(q) for q in np.linspace(start, goal, 50))
    assert trajectory.duration_s < 1.8 * swing_s


def test_graze_between_search_steps_is_planned_around(robot, planner):
    """The straight way touches a box's padding for less than a step: found only after timing."""
    start = np.array([-1.007079, 0.648915, 1.109053, -2.275684, -0.89652, 2.376496, -2.819214])
    goal = np.array([-1.243492, 0.553503, 0.926082, -2.007814, -0.583058, 2.273479, -2.395245])
    block = box("block", (0.047811, 0.032674, 0.106547), (0.508303, 0.066581, 0.053274))
    scene = CollisionScene((TABLE, block), CONTACTS)
    planner.set_scene(scene)
    assert planner._clearance.padded.segment_free(start, goal, EmbeddedConfig().collision_step_rad)
    assert planner._timed_if_free(np.stack([start, goal]), 1.0, False) is None
    trajectory = planner.plan_joints(start, goal)
    witness = Witness(robot, scene, PADDING_M - 1e-6)
    assert all(witness.hits(q) == set() for q in trajectory.positions)


def test_same_inputs_same_outputs(robot, planner, observe):
    _, start, goal = around_a_wall(planner, observe)
    first = planner.plan_joints(start, goal)
    _, start_again, goal_again = around_a_wall(EmbeddedPlanner(robot), observe)
    np.testing.assert_array_equal(start, start_again)
    np.testing.assert_array_equal(goal, goal_again)
    again = planner.plan_joints(start, goal)
    np.testing.assert_array_equal(first.positions, again.positions)


def test_speed_scales_velocities_and_accelerations(robot, planner, observe):
    goal = best(planner, top_down(0.5, 0.2, 0.2), observe)
    fast, slow = (planner.plan_joints(observe, goal, speed=s) for s in (1.0, 0.25))
    check_limits(robot, slow, speed=0.25)
    assert slow.duration_s > 2.0 * fast.duration_s
    with pytest.raises(ConfigError):
        planner.plan_joints(observe, goal, speed=0.0)


def test_no_way_through_fails_in_time(robot, observe):
    """Plates higher than the arm part the room."""
    planner = EmbeddedPlanner(robot, EmbeddedConfig(max_planning_time_s=0.3))
    plates = tuple(
        box(name, (1.2, 0.02, 2.0), (x, 0.0, 1.0)) for name, x in (("front", 0.7), ("back", -0.7))
    )
    planner.set_scene(CollisionScene(plates))
    start = best(planner, top_down(0.3, 0.4, 0.3), observe)
    goal = best(planner, top_down(0.3, -0.4, 0.3), observe)
    began = time.monotonic()
    with pytest.raises(
        PlanningFailed, match=r"straight ahead, .* touches (front|back).*max_planning_time_s"
    ):
        planner.plan_joints(start, goal)
    assert time.monotonic() - began < 1.0


def test_goal_in_collision_is_named(planner, observe):
    goal = best(planner, top_down(0.5, 0.0, 0.1), observe)
    planner.set_scene(CollisionScene((box("post", (0.1, 0.1, 0.3), (0.5, 0.0, 0.15)),)))
    with pytest.raises(Collision, match=r"post.*goal"):
        planner.plan_joints(observe, goal)
    with pytest.raises(Collision, match=r"post.*start"):
        planner.plan_joints(goal, observe)


def test_joints_outside_limits_are_named(planner, observe):
    goal = observe.copy()
    goal[3] = 0.5
    with pytest.raises(PlanningFailed, match="panda_joint4"):
        planner.plan_joints(observe, goal)
    with pytest.raises(ConfigError, match="7 finite"):
        planner.plan_joints(observe[:6], goal)


# Straight lines


def test_line_is_straight_and_slow_enough(robot, planner, observe):
    start = best(planner, top_down(0.5, 0.1, 0.25, 0.3), observe)
    T_start = planner.forward(start)
    goal = top_down(0.5, 0.1, 0.05, 0.3)
    trajectory = planner.plan_line(start, goal, 0.15)
    check_limits(robot, trajectory)
    offset, angle = planner.forward(trajectory.goal).distance_to(goal)
    assert offset < 1e-4
    assert angle < 1e-3
    poses = [planner.forward(q) for q in trajectory.positions]
    for T in poses:
        assert np.abs(T.translation[:2] - T_start.translation[:2]).max() < 5e-4
        assert T.distance_to(T_start)[1] < 1e-3
    heights = np.array([T.translation[2] for T in poses])
    speeds = np.abs(np.diff(heights) / np.diff(trajectory.times_s))
    assert speeds.max() < 0.15 * 1.01
    assert speeds.max() > 0.15 * 0.95
    assert (np.diff(heights) < 1e-6).all()


def test_line_turns_evenly(planner, observe):
    start = best(planner, top_down(0.5, 0.0, 0.25), observe)
    T_start = planner.forward(start)
    goal = top_down(0.55, 0.1, 0.2, 0.6)
    for q in planner.plan_line(start, goal, 0.1).positions:
        T = planner.forward(q)
        share = T_start.distance_to(T)[0] / T_start.distance_to(goal)[0]
        turned = T_start.distance_to(T)[1] / T_start.distance_to(goal)[1]
        assert turned == pytest.approx(share, abs=2e-3)


def test_turn_on_the_spot(planner, observe):
    start = best(planner, top_down(0.5, 0.0, 0.25), observe)
    trajectory = planner.plan_line(start, top_down(0.5, 0.0, 0.25, 0.5), 0.1)
    assert trajectory.duration_s > 0.1 * 0.5 / 0.1
    for q in trajectory.positions:
        np.testing.assert_allclose(planner.forward(q).translation, [0.5, 0.0, 0.25], atol=1e-4)


def test_line_beyond_reach(planner, observe):
    start = best(planner, top_down(0.6, 0.0, 0.3), observe)
    with pytest.raises(Unreachable, match="mm"):
        planner.plan_line(start, top_down(1.0, 0.0, 0.3), 0.1)


def test_line_refuses_joint_jumps(robot, observe):
    planner = EmbeddedPlanner(robot, EmbeddedConfig(max_joint_jump_rad=0.005))
    start = best(planner, top_down(0.5, 0.0, 0.3), observe)
    with pytest.raises(Unreachable, match="singularity"):
        planner.plan_line(start, top_down(0.5, 0.0, 0.2), 0.1)


def test_line_into_a_wall_names_it(planner, observe):
    start = best(planner, top_down(0.5, 0.2, 0.1), observe)
    wall = box("wall", (0.3, 0.02, 0.1), (0.5, 0.0, 0.05))
    planner.set_scene(CollisionScene((TABLE, wall), CONTACTS))
    with pytest.raises(Collision, match=r"finger.*wall.*mm"):
        planner.plan_line(start, top_down(0.5, -0.2, 0.1), 0.1)


def test_threads_do_not_disturb_each_other(robot, observe):
    planner = EmbeddedPlanner(robot)
    goal = best(planner, top_down(0.5, 0.2, 0.2), observe)
    expected = planner.plan_joints(observe, goal).positions
    failures = []

    def change():
        for index in range(10):
            far = box("far", (0.1, 0.1, 0.1), (3.0, 0.1 * index, 0.0))
            planner.set_scene(CollisionScene((far,)))

    def plan():
        for _ in range(10):
            if not np.array_equal(planner.plan_joints(observe, goal).positions, expected):
                failures.append("differs")

    threads = [threading.Thread(target=work) for work in (change, plan, plan)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20.0)
        assert not thread.is_alive()
    assert failures == []


@pytest.mark.parametrize(
    ("missing", "remedy"),
    [("roboplan", "roboplan-rrt"), ("pinocchio", "install pin "), ("toppra", "install toppra")],
)
def test_missing_library_says_what_to_install(missing, remedy):
    code = f"import sys; sys.modules[{missing!r}] = None; import grasp_executor.planning.embedded"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "MissingDependency" in done.stderr.splitlines()[-1]
    assert remedy in done.stderr.splitlines()[-1]
