"""The scene seen straight down, from any pose of the camera, and the support that it stands on."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from grasp_core.camera import PinholeCamera
from grasp_core.cell import Cell
from grasp_core.frame import RgbdFrame
from grasp_core.overhead import TALLEST_M, look_down
from grasp_core.support import NoSupport, Plane, find_support
from grasp_core.transform import Transform

CAMERA = PinholeCamera(320, 240, 310.0, 310.0, 159.5, 119.5)
CELL = Cell(workspace_min=(-0.2, -0.2, -0.01), workspace_max=(0.2, 0.2, 0.3))


def camera_pose(tilt, distance_m=0.75):
    """T_base_camera: looks at the origin, leaning towards -y."""
    forward = np.array([0.0, math.sin(tilt), -math.cos(tilt)])
    right = np.array([1.0, 0.0, 0.0])
    rotation = np.column_stack([right, np.cross(forward, right), forward])
    return Transform.from_rotation(rotation, -distance_m * forward)


def boxes_on_table(boxes, T_base_camera, camera=CAMERA):
    """Traced frame of boxes (low corner, high corner) on the plane z = 0, with the pose."""
    v, u = np.mgrid[0 : camera.height, 0 : camera.width]
    rays = T_base_camera.rotate(camera.rays(np.stack([u, v], -1)).reshape(-1, 3))
    origin = T_base_camera.translation
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = np.where(rays[:, 2] < 0.0, -origin[2] / rays[:, 2], np.inf)
        for low, high in boxes:
            a, b = (low - origin) / rays, (high - origin) / rays
            near, far = np.minimum(a, b).max(axis=1), np.maximum(a, b).min(axis=1)
            depth = np.where((near <= far) & (near > 0.0), np.minimum(depth, near), depth)
    depth_m = depth.reshape(camera.height, camera.width).astype(np.float32)
    depth_m[~np.isfinite(depth_m)] = np.nan
    color = np.zeros((camera.height, camera.width, 3), np.uint8)
    return RgbdFrame(color, depth_m, camera, T_base_camera=T_base_camera)


BLOCK = (np.array([-0.05, 0.02, 0.0]), np.array([0.03, 0.06, 0.04]))


def height_at(view, point):
    """Height and whether seen at a point of the base frame."""
    scene = view.height_map
    T_base_support = view_frame(view)
    x, y, _ = T_base_support.inverse().apply(point)
    cells, inside = scene.grid.cells_of(np.array([[x, y, 0.0]]))
    assert inside.all()
    return scene.height_m.ravel()[cells[0]], scene.seen.ravel()[cells[0]]


def view_frame(view):
    """T_base_support of a view that was made of a posed frame."""
    return view.T_base_camera @ view.view.height_map.T_frame_support


class Seen:
    """A view with the pose of its camera."""

    def __init__(self, view, T_base_camera):
        self.view, self.T_base_camera = view, T_base_camera
        self.height_map = view.height_map


@pytest.mark.parametrize("tilt_deg", [0.0, 25.0, 50.0])
@pytest.mark.parametrize("known", [True, False])
def test_the_scene_is_the_same_from_any_pose(tilt_deg, known):
    pose = camera_pose(math.radians(tilt_deg))
    frame = boxes_on_table([BLOCK], pose)
    if not known:
        frame = replace(frame, T_base_camera=None)
    view = Seen(look_down(frame, CELL if known else None), pose)
    normal = view_frame(view).rotation[:, 2]
    np.testing.assert_allclose(normal, (0.0, 0.0, 1.0), atol=2e-3)
    for x, y in ((-0.04, 0.03), (0.02, 0.05), (-0.01, 0.04)):
        height_m, seen = height_at(view, (x, y, 0.0))
        assert seen
        assert height_m == pytest.approx(0.04, abs=0.002)
    height_m, seen = height_at(view, (0.0, -0.02, 0.0))
    assert seen
    assert height_m == pytest.approx(0.0, abs=0.002)


def test_what_lies_in_the_shadow_is_not_seen():
    tall = (np.array([-0.04, 0.0, 0.0]), np.array([0.04, 0.03, 0.12]))
    pose = camera_pose(math.radians(45.0))
    view = Seen(look_down(boxes_on_table([tall], pose), CELL), pose)
    _, seen = height_at(view, (0.0, 0.08, 0.0))
    assert not seen
    assert height_at(view, (0.0, 0.08, 0.0))[0] == 0.0
    assert height_at(view, (0.1, 0.08, 0.0))[1]


def test_with_a_cell_the_view_is_its_workspace():
    pose = camera_pose(0.3)
    far = (np.array([0.3, 0.0, 0.0]), np.array([0.36, 0.06, 0.04]))
    view = look_down(boxes_on_table([BLOCK, far], pose), CELL, margin_m=0.05)
    grid = view.height_map.grid
    assert grid.columns * grid.cell_m == pytest.approx(0.5, abs=0.003)
    assert grid.rows * grid.cell_m == pytest.approx(0.5, abs=0.003)
    assert view.contains(np.array([[0.19, 0.0], [0.21, 0.0]])).tolist() == [True, False]
    walled = replace(view, border_m=0.02)
    assert walled.contains(np.array([[0.19, 0.0], [0.17, 0.0]])).tolist() == [False, True]
    part = view.occupied(0.008, 0.02)
    assert part.height_map.grid.columns * grid.cell_m == pytest.approx(0.08 + 0.04, abs=0.008)
    assert part.height_map.height_m.max() == view.height_map.height_m.max()


def test_what_reaches_the_pictures_border_is_cut_off():
    across = (np.array([-1.0, -0.08, 0.0]), np.array([0.05, -0.04, 0.03]))
    frame = replace(boxes_on_table([across, BLOCK], camera_pose(0.0)), T_base_camera=None)
    view = look_down(frame)
    scene = view.height_map
    heights = np.where(view.cut, scene.height_m, 0.0)
    assert heights.max() == pytest.approx(0.03, abs=0.002), "the block is whole"
    assert not view.cut.all()


def test_what_is_taller_than_objects_stays_an_obstacle():
    pole = (np.array([0.1, 0.1, 0.0]), np.array([0.14, 0.14, 0.45]))
    view = look_down(boxes_on_table([BLOCK, pole], camera_pose(0.0)), CELL)
    assert view.height_map.height_m.max() == pytest.approx(TALLEST_M)
    assert view.cut[view.height_map.height_m > 0.2].all()


def test_lens_distortion_is_taken_into_account():
    bent = replace(CAMERA, distortion=(0.08, -0.05, 0.001, 0.001))
    pose = camera_pose(0.4)
    view = Seen(look_down(boxes_on_table([BLOCK], pose, bent), CELL), pose)
    assert height_at(view, (0.02, 0.05, 0.0))[0] == pytest.approx(0.04, abs=0.002)
    assert height_at(view, (0.0, -0.05, 0.0))[0] == pytest.approx(0.0, abs=0.002)


def test_a_very_large_scene_gets_coarser_cells_and_says_so():
    spread = [
        (np.array([x, y, 0.0]), np.array([x + 0.1, y + 0.1, 0.05]))
        for x, y in itertools.product((-1.0, 0.9), (-0.7, 0.6))
    ]
    frame = replace(boxes_on_table(spread, camera_pose(0.0, 2.2)), T_base_camera=None)
    view = look_down(frame)
    assert view.height_map.grid.cell_m > 0.002
    assert "mm" in view.remark
    assert np.prod(view.height_map.grid.shape) < 410_000


def test_an_empty_table_and_an_empty_picture_are_told():
    frame = boxes_on_table([], camera_pose(0.0))
    with pytest.raises(NoSupport, match="nothing stands on the support"):
        look_down(replace(frame, T_base_camera=None))
    nothing = replace(frame, depth_m=np.full_like(frame.depth_m, np.nan), T_base_camera=None)
    with pytest.raises(NoSupport, match="hardly any depth"):
        look_down(nothing)


def test_a_given_plane_is_the_support():
    pose = camera_pose(0.3)
    frame = replace(boxes_on_table([BLOCK], pose), T_base_camera=None)
    shelf = Plane(pose.rotation[2], float(pose.translation[2]) - 0.02)
    view = look_down(replace(frame, support=shelf))
    assert view.height_map.height_m.max() == pytest.approx(0.02, abs=0.002), "nothing else is seen"


# The support


def height_of_camera(T_camera_support):
    return float(T_camera_support.inverse().translation[2])


def test_a_table_on_a_floor_is_the_support_though_the_floor_is_larger():
    """Floor 0.7 m below the table, which fills a third of the picture."""
    table = (np.array([-0.25, -0.2, -0.02]), np.array([0.25, 0.2, 0.0]))
    camera = camera_pose(0.2)
    up = np.array([0.0, 0.0, 0.7])
    lifted = [(low + up, high + up) for low, high in (table, BLOCK)]
    pose = Transform.from_translation(0.0, 0.0, 0.7) @ camera
    frame = boxes_on_table(lifted, pose)
    found = find_support(frame.depth_m, frame.camera)
    assert height_of_camera(found) == pytest.approx(camera.translation[2], abs=0.004)


def test_the_top_of_a_large_box_is_no_support_for_what_lies_beside_it():
    crate = (np.array([-0.8, 0.0, 0.0]), np.array([0.8, 0.6, 0.15]))
    lying = (np.array([-0.05, -0.12, 0.0]), np.array([0.05, -0.08, 0.04]))
    pose = camera_pose(0.0)
    frame = boxes_on_table([crate, lying], pose)
    found = find_support(frame.depth_m, frame.camera)
    assert height_of_camera(found) == pytest.approx(pose.translation[2], abs=0.004)


def test_gravity_rules_out_walls():
    """A wall that faces the camera fills most of the picture."""
    wall = (np.array([-2.0, 0.25, 0.0]), np.array([2.0, 0.3, 2.0]))
    pose = camera_pose(math.radians(50.0))
    frame = boxes_on_table([wall, BLOCK], pose)
    found = find_support(frame.depth_m, frame.camera, up=pose.rotation[2])
    assert height_of_camera(found) == pytest.approx(pose.translation[2], abs=0.004)
    with pytest.raises(NoSupport, match="level"):
        find_support(frame.depth_m, frame.camera, up=np.array([1.0, 0.0, 0.0]))
