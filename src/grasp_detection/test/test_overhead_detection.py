"""A depth network on the scene from above, from several poses of the camera."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from grasp_core.cell import Cell
from grasp_core.height_map import Grid, HeightMap
from grasp_core.overhead import OverheadView
from grasp_core.projection import rectangle_to_plane
from grasp_core.transform import Transform
from grasp_detection.learned.overhead_input import OverheadInput
from grasp_detection.learned.weights import (
    Weights,
    WeightsError,
    find_weights,
    load_weights,
    save_weights,
)
from grasp_detection.registry import create_detector

CELL = Cell(workspace_min=(-0.22, -0.28, -0.01), workspace_max=(0.22, 0.28, 0.3))


@pytest.fixture(scope="module")
def fast():
    """The smallest network that ships with depth weights."""
    from grasp_core.gripper_profile import load_gripper

    hand = load_gripper("franka_hand")
    values = {"device": "cpu", "runtime": "torch"}
    return {
        known: create_detector("fast", hand, values, CELL if known else None)
        for known in (False, True)
    }


@pytest.mark.parametrize("tilt_deg", [0.0, 45.0])
@pytest.mark.parametrize("known", [False, True])
def test_a_bar_is_grasped_from_any_pose(fast, scene, solids, world_from_camera, tilt_deg, known):
    box, _ = solids
    pose = world_from_camera(math.radians(tilt_deg))
    frame = scene(box(0.03, 0.02, 0.12, 0.03, 0.04, 0.6), tilt=math.radians(tilt_deg))
    grasps = fast[known].detect(replace(frame, T_base_camera=pose if known else None))
    best = grasps[0]
    approach = pose.inverse().rotate((0.0, 0.0, -1.0))
    plane = rectangle_to_plane(best.rectangle, best.depth_m, frame.camera, approach)
    x, y, z = pose.apply(plane.centre)
    across = -(x - 0.03) * math.sin(0.6) + (y - 0.02) * math.cos(0.6)
    assert abs(across) < 0.005
    assert z == pytest.approx(0.04, abs=0.004)
    assert best.width_m == pytest.approx(0.03, abs=0.008)
    assert plane.width_m == pytest.approx(best.width_m, abs=1e-6)
    closing = pose.rotate(plane.closing)
    turned = math.atan2(closing[1], closing[0]) - 0.6 - math.pi / 2
    assert abs(math.sin(turned)) < math.sin(math.radians(15.0))
    assert best.quality > 0.5
    assert [one.quality for one in grasps] == sorted((g.quality for g in grasps), reverse=True)


def test_an_empty_table_is_told(fast, scene):
    assert fast[False].detect(scene()) == []
    assert fast[False].remark == "nothing stands on the support"


def test_a_network_that_proposes_nothing_is_told(gripper, scene, solids, tmp_path):
    box, _ = solids
    known = load_weights("fast", "synthetic_d")
    blind = {name: torch.zeros_like(tensor) for name, tensor in known.state.items()}
    save_weights(blind, known.metadata, tmp_path / "blind.safetensors")
    values = {
        "device": "cpu",
        "runtime": "torch",
        "weights": str(tmp_path / "blind.safetensors"),
    }
    detector = create_detector("fast", gripper, values)
    assert detector.detect(scene(box(0.03, 0.02, 0.12, 0.03, 0.04, 0.6))) == []
    assert detector.remark == "the network sees nothing to grasp on the support"


@pytest.mark.parametrize("size_m", [(0.1, 0.13, 0.04), (0.2, 0.2, 0.06)])
def test_what_is_wider_than_the_jaws_is_told_with_its_width(fast, scene, solids, size_m):
    box, _ = solids
    (found,) = fast[False].detect(scene(box(0.0, 0.0, *size_m)))
    assert found.quality == 0.0
    assert 0.08 <= found.width_m <= max(size_m)
    assert "wider than the jaws open" in fast[False].remark


def test_a_known_workspace_gives_inputs_of_one_size(fast, scene, solids, world_from_camera):
    box, cylinder = solids
    sizes = {
        fast[True].input_px(
            replace(scene(thing, tilt=tilt), T_base_camera=world_from_camera(tilt))
        )
        for thing in (box(0.1, 0.1, 0.05, 0.05, 0.05), cylinder(-0.1, 0.0, 0.03, 0.1))
        for tilt in (0.0, 0.6)
    }
    assert len(sizes) == 1
    assert sizes == {216}  # 0.56 m at 2.6 mm a pixel, in steps of 8


# The input


def view_of(height_m, inside=None):
    grid = Grid(-0.1, 0.2, 0.002, *height_m.shape)
    inside = np.ones(height_m.shape, bool) if inside is None else inside
    scene = HeightMap(height_m, inside, grid, Transform.identity())
    return OverheadView(scene, inside, np.zeros_like(inside))


def test_places_of_the_input_are_those_of_the_scene():
    height_m = np.zeros((120, 100), np.float32)
    height_m[60:66, 30:36] = 0.05
    view = view_of(height_m)
    shown = OverheadInput.of(view, 383.0, 8, 1024)
    relief = shown.relief(view)
    assert relief.shape == (shown.height, shown.width)
    assert shown.height % 8 == shown.width % 8 == 0
    v, u = (float(at.mean()) for at in np.nonzero(relief > 0.04))
    x, y, width_m, height, angle = shown.to_metres(np.array([[u, v, 38.3, 19.15, 0.3]]))[0]
    assert (x, y) == pytest.approx((-0.1 + 33 * 0.002, 0.2 + 63 * 0.002), abs=0.002)
    assert (width_m, height) == pytest.approx((0.1, 0.05), abs=1e-6)
    assert angle == pytest.approx(-0.3), "rows run against y"


def test_what_is_outside_is_not_shown():
    height_m = np.full((100, 100), 0.05, np.float32)
    inside = np.zeros(height_m.shape, bool)
    inside[20:70, 30:80] = True
    view = view_of(height_m, inside)
    shown = OverheadInput.of(view, 383.0, 8, 1024)
    assert shown.grid.shape == (50, 50)
    x, _ = shown.to_metres(np.array([[0.0, shown.height / 2, 10.0, 5.0, 0.0]]))[0, :2]
    assert x == pytest.approx(-0.1 + 30 * 0.002, abs=0.002)
    small = OverheadInput.of(view, math.inf, 8, 64)
    assert (small.width, small.height) == (64, 64)


def test_the_picture_can_be_looked_at_instead(scene, solids, gripper):
    box, _ = solids
    values = {"device": "cpu", "runtime": "torch", "view": "picture"}
    detector = create_detector("fast", gripper, values, None)
    assert detector.detect(scene(box(0.03, 0.02, 0.12, 0.03, 0.04, 0.6)))
    assert "view" not in detector.stage_ms  # nothing was looked at from above


def test_weights_say_which_view_they_know():
    def view(**metadata):
        return Weights("w", {}, {"modality": "d", **metadata}).view()

    assert view() == "picture"
    assert view(view="overhead", view_m=0.5) == "overhead"
    for metadata, told in (
        ({"view": "sideways"}, "must be picture or overhead"),
        ({"view": "overhead"}, "needs modality d and view_m"),
        ({"view": "overhead", "view_m": 0.5, "modality": "rgb"}, "needs modality d and view_m"),
    ):
        with pytest.raises(WeightsError, match=told):
            view(**metadata)
    depth = Weights("w", {}, {"modality": "d", "view_m": 0.5})
    assert depth.view("overhead") == "overhead"
    with pytest.raises(WeightsError, match="needs modality d"):
        Weights("w", {}, {"modality": "rgb", "view_m": 0.5}).view("overhead")
    shipped = find_weights("dsc_graspnet", "default").with_suffix(".json")
    assert json.loads(shipped.read_text())["view"] == "overhead"
