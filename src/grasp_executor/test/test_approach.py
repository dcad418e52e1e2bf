"""The way to the drop bin, for something held by an end."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

pytest.importorskip("roboplan")
from overhead_view import CAMERA, OVERHEAD, render

from grasp_core.cell import load_cell
from grasp_core.grasp import Grasp
from grasp_core.rectangle import GraspRectangle
from grasp_core.robot import load_robot
from grasp_core.transform import Transform
from grasp_executor.approach import PickPlanner, Surroundings
from grasp_executor.config import PickConfig
from grasp_executor.grasp_pose import GraspTarget
from grasp_executor.interfaces import Observation
from grasp_executor.planning.embedded import EmbeddedPlanner

END, MIDDLE = 0.43, 0.50  # x of the grasp and of the bar's middle, m


def drop(yaw, top_m):
    """A bar held by one end: where the hand lets go, and where its middle is then."""
    robot, cell = load_robot("panda"), load_cell("tabletop")
    surroundings = Surroundings(robot, cell)
    bar = (END - 0.01, 2 * MIDDLE - END + 0.01, -0.01, 0.01, top_m)
    depth_m = render([bar], OVERHEAD)
    surroundings.see(Observation([], depth_m, CAMERA, OVERHEAD, 0.0))
    down = Rotation.from_euler("z", yaw) * Rotation.from_euler("x", np.pi)
    T_base_grasp = Transform.from_rotation(down.as_matrix(), (END, 0.0, top_m - 0.02))
    grasp = Grasp(GraspRectangle(100.0, 100.0, 20.0, 10.0, 0.0), 0.9)
    target = GraspTarget(grasp, T_base_grasp, 0.02, 0.05, top_m)
    planner = EmbeddedPlanner(robot)
    lifted = Transform.from_translation(0.0, 0.0, 0.2) @ T_base_grasp
    start = planner.solve_ik(lifted, near=np.array(robot.arm.observe))[0]
    plans = PickPlanner(planner, surroundings, cell, PickConfig())
    T_base_drop = planner.forward(plans.plan_drop(start, target, lambda: None).goal)
    to_middle = T_base_drop.rotation @ T_base_grasp.rotation.T @ [MIDDLE - END, 0.0, 0.0]
    assert T_base_drop.translation[2] == pytest.approx(cell.drop_height_m, abs=1e-3)
    hand = T_base_drop.translation[:2]
    return cell, hand, hand + to_middle[:2]


@pytest.mark.parametrize("yaw", [0.0, np.pi])
def test_what_is_held_by_an_end_is_let_go_with_its_middle_over_the_bin(yaw):
    cell, hand, middle = drop(yaw, 0.03)
    assert np.allclose(middle, cell.bin_center, atol=0.005)
    # The hand itself opens well inside.
    assert np.abs(hand - cell.bin_center).max() <= cell.bin_size_m / 2 - 0.05


def test_something_tall_that_would_touch_the_rim_hangs_over_the_middle():
    cell, hand, _ = drop(0.0, 0.18)
    assert np.allclose(hand, cell.bin_center, atol=0.002)


@pytest.mark.parametrize("neighbour_m", [0.05, 0.19])
def test_what_is_too_high_for_the_object_is_a_neighbour(neighbour_m):
    robot, cell = load_robot("panda"), load_cell("tabletop")
    surroundings = Surroundings(robot, cell)
    own, top_m = (0.48, 0.52, -0.02, 0.02), 0.05
    neighbour = (0.525, 0.565, -0.02, 0.02, neighbour_m)  # a gap that the map does not see
    depth_m = render([(*own, top_m), neighbour], OVERHEAD)
    surroundings.see(Observation([], depth_m, CAMERA, OVERHEAD, 0.0))
    down = Rotation.from_euler("x", np.pi).as_matrix()
    T_base_grasp = Transform.from_rotation(down, (0.5, 0.0, top_m - 0.02))
    grasp = Grasp(GraspRectangle(100.0, 100.0, 20.0, 10.0, 0.0), 0.9)
    target = GraspTarget(grasp, T_base_grasp, 0.04, 0.06, top_m)
    ways = list(surroundings.ways_to_carry(target))
    tops = [
        max((b.pose.translation[2] + b.size_m[2] / 2.0 for b in seen), default=0.0)
        for seen in ([b for b in scene.boxes if "obstacle" in b.name] for scene, _ in ways)
    ]
    if neighbour_m <= 0.05:
        assert tops == [0.0]
        return
    assert tops == [pytest.approx(neighbour_m, abs=0.011)] * 2 + [0.0]
    whole, own_box, last = (box for _, box in ways)
    assert own_box.size_m[0] < whole.size_m[0]
    assert own_box.size_m[2] < 0.1 < whole.size_m[2]
    assert last.size_m == own_box.size_m
    planner = EmbeddedPlanner(robot)
    lifted = Transform.from_translation(0.0, 0.0, 0.15) @ T_base_grasp
    start = planner.solve_ik(lifted, near=np.array(robot.arm.observe))[0]
    plan = PickPlanner(planner, surroundings, cell, PickConfig()).plan_drop(
        start, target, lambda: None
    )
    assert np.array_equal(plan.positions[0], start)
