"""Every robot under config/robots: published kinematics, reach as told, plans free of contact."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("roboplan.core")
pytest.importorskip("coal")

from planning_cell import PADDING_M, Witness, best, top_down

from grasp_core.cell import load_cell
from grasp_core.errors import Unreachable
from grasp_core.robot import load_robot, robot_names
from grasp_core.transform import Transform
from grasp_executor.planning.embedded import EmbeddedPlanner
from grasp_executor.scene import Box, CollisionScene

_90 = math.pi / 2.0
# a, alpha, d, theta at zero. Franka's documentation, after Craig; the last row is the flange.
FRANKA = (
    (0.0, 0.0, 0.333, 0.0),
    (0.0, -_90, 0.0, 0.0),
    (0.0, _90, 0.316, 0.0),
    (0.0825, _90, 0.0, 0.0),
    (-0.0825, -_90, 0.384, 0.0),
    (0.0, _90, 0.0, 0.0),
    (0.088, _90, 0.0, 0.0),
    (0.0, 0.0, 0.107, 0.0),
)
# FANUC's, after Denavit and Hartenberg; the first d is the height of the second axis.
LR_MATE = (
    (0.05, -_90, 0.33, 0.0),
    (0.33, math.pi, 0.0, -_90),
    (0.035, -_90, 0.0, 0.0),
    (0.0, _90, -0.335, 0.0),
    (0.0, -_90, 0.0, 0.0),
    (0.0, math.pi, -0.08, 0.0),
)
CRX = (
    (0.0, -_90, 0.245, 0.0),
    (0.54, math.pi, 0.0, -_90),
    (0.0, -_90, 0.0, 0.0),
    (0.0, _90, -0.54, 0.0),
    (0.0, -_90, 0.15, 0.0),
    (0.0, math.pi, -0.16, 0.0),
)
# The grasp frame at the flange of that convention: turn about its axis, and distance.
AFTER_CRAIG, DISTAL = True, False
TABLES = {
    "panda": (FRANKA, AFTER_CRAIG, -math.pi / 4.0, 0.1034),
    "fr3": (FRANKA, AFTER_CRAIG, -math.pi / 4.0, 0.1034),
    "fanuc_lrmate200id": (LR_MATE, DISTAL, math.pi, 0.145),
    "fanuc_crx10ia": (CRX, DISTAL, math.pi, 0.145),
}


@pytest.fixture(scope="module", params=robot_names())
def arm(request):
    """A robot with its planner and its own cell."""
    robot = load_robot(request.param)
    return robot, EmbeddedPlanner(robot), load_cell(robot.arm.cell)


def chained(rows, after_craig, joints):
    """``T_base_flange`` by Denavit-Hartenberg parameters alone."""
    T = Transform.identity()
    for (a, alpha, d, theta), q in zip(rows, [*joints, 0.0][: len(rows)], strict=True):
        link = Transform.from_rpy((alpha, 0.0, 0.0), (a, 0.0, 0.0))
        joint = Transform.from_rpy((0.0, 0.0, theta + q), (0.0, 0.0, d))
        T = T @ (link @ joint if after_craig else joint @ link)
    return T


def fixtures(robot, cell):
    """The cell's solids, as the executor plans among them."""
    boxes = [
        Box(solid.name, solid.size_m, Transform.from_translation(*solid.center))
        for solid in cell.solids()
    ]
    return CollisionScene(tuple(boxes), ((robot.arm.base_frame, "table"),))


def places(cell, count, seed):
    rng = np.random.default_rng(seed)
    low, high = np.array(cell.workspace_min), np.array(cell.workspace_max)
    for _ in range(count):
        x, y = rng.uniform(low[:2], high[:2])
        yield top_down(x, y, rng.uniform(0.02, 0.25), rng.uniform(-np.pi, np.pi))


def test_forward_kinematics_is_that_of_the_published_parameters(arm):
    robot, planner, _ = arm
    rows, after_craig, turn, length = TABLES[robot.name]
    T_flange_tcp = Transform.from_rpy((0.0, 0.0, turn), (0.0, 0.0, length))
    lower, upper = robot.limits()
    for joints in np.random.default_rng(1).uniform(lower, upper, (20, len(lower))):
        expected = chained(rows, after_craig, joints) @ T_flange_tcp
        offset, angle = planner.forward(joints).distance_to(expected)
        assert offset < 1e-6
        assert angle < 1e-5


def test_grasps_from_above_are_solved_everywhere_in_its_cell(arm):
    robot, planner, cell = arm
    planner.set_scene(CollisionScene())
    observe = np.array(robot.arm.observe)
    lower, upper = robot.limits()
    for pose in places(cell, 25, seed=2):
        solutions = planner.solve_ik(pose, observe)
        for index, joints in enumerate(solutions):
            offset, angle = planner.forward(joints).distance_to(pose)
            assert offset < 1e-4
            assert angle < 1e-3
            assert (joints > lower).all()
            assert (joints < upper).all()
            assert all(np.abs(joints - other).max() > 0.05 for other in solutions[:index])


def test_reach_is_as_far_as_the_profile_tells(arm):
    robot, planner, _ = arm
    planner.set_scene(CollisionScene())
    observe, reach = np.array(robot.arm.observe), robot.arm.reach_m
    for around, yaw in ((0.3, 0.0), (-0.5, 1.2), (-0.1, 2.4)):
        for z in (0.01, 0.25):
            x, y = reach * math.cos(around), reach * math.sin(around)
            assert planner.solve_ik(top_down(x, y, z, yaw), observe, count=1)
    with pytest.raises(Unreachable):
        planner.solve_ik(top_down(1.1 * reach, 0.0, 0.01), observe)


def test_plans_to_grasps_and_to_the_bin_touch_nothing_by_another_check(arm):
    robot, planner, cell = arm
    scene = fixtures(robot, cell)
    planner.set_scene(scene)
    witness = Witness(robot, scene, PADDING_M - 1e-6)
    observe = np.array(robot.arm.observe)
    assert witness.hits(observe) == set()
    drop = top_down(*cell.bin_center, cell.support_z_m + cell.drop_height_m)
    for pose in (*places(cell, 2, seed=3), drop):
        over = Transform.from_translation(0.0, 0.0, 0.05) @ pose
        goal = best(planner, over, observe)
        travel = planner.plan_joints(observe, goal)
        down = planner.plan_line(goal, pose, 0.12)
        for joints in (*travel.positions[::10], *down.positions[::10]):
            assert witness.hits(joints) == set()
        assert planner.forward(down.goal).distance_to(pose)[0] < 1e-3
