"""Unseen space as boxes, less what a cell declares free."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from overhead_view import CAMERA, OVERHEAD, render

from grasp_core.cell import Cell
from grasp_core.robot import load_robot
from grasp_core.transform import Transform
from grasp_executor.interfaces import Observation
from grasp_executor.planning.unknown import view_bounds
from grasp_executor.surroundings import Surroundings

ROBOT = load_robot("panda")
CELL = Cell(unknown_height_m=0.3, unknown_reach_m=1.2)
TARGET = (0.48, 0.52, -0.02, 0.02, 0.05)


def surroundings(depth_m, cell=CELL):
    found = Surroundings(ROBOT, cell)
    found.see(Observation([], depth_m, CAMERA, OVERHEAD, 0.0))
    return found


def is_filled(scene, *point):
    return any(
        np.all(np.abs(np.subtract(point, box.pose.translation)) <= np.array(box.size_m) / 2 + 1e-9)
        for box in scene.boxes
        if box.name != "table" and not box.name.startswith("bin")
    )


def test_before_the_first_look_nothing_is_known_but_the_cell():
    assert not is_filled(Surroundings(ROBOT, CELL).closed(), -0.5, 0.0, 0.1)


def test_all_around_the_view_is_an_obstacle_up_to_the_declared_height():
    scene = surroundings(render([], OVERHEAD)).closed()
    for x, y in ((0.5, 0.5), (0.5, -1.1), (1.1, 1.1), (-0.6, 0.0), (0.05, 0.1)):
        assert is_filled(scene, x, y, 0.01)
        assert is_filled(scene, x, y, 0.29)
        assert not is_filled(scene, x, y, 0.31)
    assert not is_filled(scene, 0.5, 0.0, 0.01)
    assert not is_filled(scene, 1.3, 0.0, 0.1)  # out of reach
    unknown = [box.name for box in scene.boxes if box.name.startswith("unknown_")]
    assert len(unknown) == len(set(unknown)) <= 12


def test_free_space_is_cut_out_exactly():
    cell = dataclasses.replace(CELL, free_space={"shelf": [0.4, 0.5, 0.1, 0.6, 0.7, 0.2]})
    scene = surroundings(render([], OVERHEAD), cell).closed()
    assert not is_filled(scene, 0.5, 0.6, 0.15)
    for x, y, z in ((0.5, 0.6, 0.05), (0.5, 0.6, 0.25), (0.39, 0.6, 0.15), (0.5, 0.71, 0.15)):
        assert is_filled(scene, x, y, z)
    volumes = []
    for found in (surroundings(render([], OVERHEAD)).closed(), scene):
        boxes = [box for box in found.boxes if box.name.startswith("unknown")]
        volumes.append(sum(float(np.prod(box.size_m)) for box in boxes))
    assert volumes[0] - volumes[1] == pytest.approx(0.2 * 0.2 * 0.1, rel=1e-6)


def test_a_hole_over_a_tall_neighbour_is_as_tall_as_could_be():
    neighbour = (0.48, 0.54, 0.05, 0.11, 0.14)
    depth_m = render([TARGET, neighbour], OVERHEAD)
    points = OVERHEAD.apply(CAMERA.point_map(depth_m))
    above = np.abs(points[..., :2] - (0.51, 0.08)).max(axis=-1) < 0.033
    depth_m[above & (points[..., 2] > 0.005)] = np.nan
    seen = surroundings(depth_m)
    for scene in (seen.closed(), seen.opened(np.array([0.5, 0.0, 0.03]))):
        for x in (0.481, 0.51, 0.539):
            for y in (0.051, 0.08, 0.109):
                assert is_filled(scene, x, y, 0.139)


def test_the_targets_own_shadow_and_holes_are_open_to_the_fingers():
    # At the view's edge its shadow is long.
    target = (0.66, 0.70, -0.02, 0.02, 0.20)
    depth_m = render([target], OVERHEAD)
    points = OVERHEAD.apply(CAMERA.point_map(depth_m))
    depth_m[(np.hypot(points[..., 0] - 0.68, points[..., 1]) < 0.016)] = np.nan
    seen = surroundings(depth_m)
    middle = np.array([0.68, 0.0, 0.18])
    assert is_filled(seen.closed(), 0.72, 0.0, 0.05)
    assert is_filled(seen.closed(), 0.68, 0.0, 0.1)
    assert not is_filled(seen.opened(middle), 0.72, 0.0, 0.05)
    assert not is_filled(seen.opened(middle), 0.68, 0.0, 0.1)
    # Other shadows stay closed.
    other = np.array([0.40, 0.0, 0.05])
    assert is_filled(seen.opened(other), 0.72, 0.0, 0.05)


def test_the_robots_own_foot_is_no_obstacle():
    T_base_camera = Transform.from_translation(-0.4, 0.0, 0.3) @ OVERHEAD
    foot, post = (-0.08, 0.08, -0.08, 0.08, 0.2), (-0.08, -0.04, 0.22, 0.26, 0.15)
    depth_m = render([foot, post], T_base_camera)
    for free, blocked in (({}, True), ({"foot": [-0.15, -0.15, 0.0, 0.15, 0.15, 0.3]}, False)):
        found = Surroundings(ROBOT, dataclasses.replace(CELL, free_space=free))
        found.see(Observation([], depth_m, CAMERA, T_base_camera, 0.0))
        assert is_filled(found.closed(), 0.0, 0.0, 0.15) is blocked
        assert is_filled(found.closed(), -0.06, 0.24, 0.1)


def test_the_view_holds_the_image_and_the_workspace():
    x0, x1, y0, y1 = view_bounds(CAMERA, OVERHEAD, CELL, 0.08)
    assert (x0, x1) == pytest.approx((0.2, 0.8))  # the workspace is wider along x
    assert (y0, y1) == pytest.approx((-0.36, 0.36))
