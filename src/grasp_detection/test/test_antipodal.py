"""The antipodal detector on scenes whose best grasp is known."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from grasp_core.cell import Cell
from grasp_core.depth import depth_to_metres
from grasp_core.height_map import Grid, HeightMap
from grasp_core.projection import rectangle_to_plane
from grasp_core.rectangle import angle_difference
from grasp_core.transform import Transform
from grasp_detection.antipodal import search
from grasp_detection.antipodal.config import AntipodalConfig
from grasp_detection.antipodal.detector import AntipodalDetector

TILTS = [0.0, math.radians(20.0), math.radians(40.0)]


def metric(grasp, frame, T_world_camera):
    """What the executor makes of a candidate: centre, yaw of the closing axis, width."""
    approach = T_world_camera.inverse().rotate((0.0, 0.0, -1.0))
    plane = rectangle_to_plane(grasp.rectangle, grasp.depth_m, frame.camera, approach)
    closing = T_world_camera.rotate(plane.closing)
    return T_world_camera.apply(plane.centre), math.atan2(closing[1], closing[0]), plane.width_m


@pytest.fixture
def detector(gripper):
    return AntipodalDetector(gripper)


@pytest.mark.parametrize("tilt", TILTS)
@pytest.mark.parametrize("yaw", [0.0, 0.5, 1.2, 2.4])
def test_box_is_grasped_across_its_short_side(
    detector, scene, solids, world_from_camera, tilt, yaw
):
    box, _ = solids
    frame = scene(box(0.04, -0.02, 0.10, 0.035, 0.05, yaw), tilt=tilt)
    grasps = detector.detect(frame)
    centre, closing, width = metric(grasps[0], frame, world_from_camera(tilt))
    along = (centre[0] - 0.04) * math.cos(yaw) + (centre[1] + 0.02) * math.sin(yaw)
    across = -(centre[0] - 0.04) * math.sin(yaw) + (centre[1] + 0.02) * math.cos(yaw)
    assert abs(along) < 0.02
    assert abs(across) < 0.004
    assert centre[2] == pytest.approx(0.05, abs=0.002)
    assert angle_difference(closing, yaw + math.pi / 2) < math.radians(8.0)
    assert width == pytest.approx(0.035, abs=0.008)
    assert grasps[0].quality > 0.9


def test_cylinder_is_grasped_through_its_axis(detector, scene, solids, world_from_camera):
    _, cylinder = solids
    frame = scene(cylinder(-0.05, 0.03, 0.025, 0.06))
    centre, _, width = metric(detector.detect(frame)[0], frame, world_from_camera(0.0))
    assert np.hypot(centre[0] + 0.05, centre[1] - 0.03) < 0.004
    assert width == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize("tilt", TILTS)
def test_rectangle_and_depth_give_the_metric_grasp_back(
    detector, scene, solids, world_from_camera, tilt
):
    box, cylinder = solids
    frame = scene(
        box(0.1, 0.05, 0.08, 0.04, 0.05, 0.7), cylinder(-0.1, -0.06, 0.02, 0.07), tilt=tilt
    )
    grasps = detector.detect(frame)
    assert len(grasps) > 5
    for grasp in grasps:
        _, _, width = metric(grasp, frame, world_from_camera(tilt))
        assert width == pytest.approx(grasp.width_m, abs=0.001)


def test_order_is_by_quality_and_quality_a_probability(detector, scene, solids):
    box, _ = solids
    qualities = [g.quality for g in detector.detect(scene(box(0, 0, 0.06, 0.04, 0.05)))]
    assert len(qualities) > 1
    assert qualities == sorted(qualities, reverse=True)
    assert all(0.0 <= q <= 1.0 for q in qualities)


def test_detection_is_deterministic(detector, gripper, scene, solids):
    box, _ = solids
    frame = scene(box(0.02, 0.01, 0.07, 0.03, 0.04, 0.3), tilt=0.3)
    again = AntipodalDetector(gripper).detect(frame)
    assert detector.detect(frame) == again


def test_both_depth_encodings_give_the_same_grasps(detector, scene, solids):
    box, _ = solids
    frame = scene(box(0.0, 0.0, 0.08, 0.04, 0.05, 0.4))
    millimetres = np.rint(frame.depth_m * 1000.0).astype(np.uint16)
    as_16 = depth_to_metres(millimetres, "16UC1")
    as_32 = depth_to_metres((millimetres * np.float32(0.001)).astype(np.float32), "32FC1")
    assert detector.detect(replace(frame, depth_m=as_16)) == detector.detect(
        replace(frame, depth_m=as_32)
    )


def test_too_wide_object_is_reported_with_its_width(gripper, detector, scene, solids):
    box, _ = solids
    frame = scene(box(0.0, 0.0, 0.16, 0.12, 0.06))
    grasps = detector.detect(frame)
    assert len(grasps) == 1
    assert grasps[0].quality == 0.0
    assert grasps[0].width_m == pytest.approx(0.12, abs=0.01)
    silent = AntipodalDetector(gripper, AntipodalConfig(report_too_wide=False))
    assert silent.detect(frame) == []


def test_width_at_the_limit_of_the_gap(detector, scene, solids):
    box, _ = solids
    fits = detector.detect(scene(box(0.0, 0.0, 0.13, 0.066, 0.06)))
    assert fits[0].quality > 0.0
    assert fits[0].width_m <= 0.074
    too_wide = detector.detect(scene(box(0.0, 0.0, 0.13, 0.086, 0.06)))
    assert too_wide[0].quality == 0.0


def test_neighbour_blocks_the_fingers(detector, scene, solids, world_from_camera):
    """A cube beside a wall on both x sides can only be grasped along y."""
    box, _ = solids
    frame = scene(
        box(0.0, 0.0, 0.04, 0.04, 0.04),
        box(0.032, 0.0, 0.012, 0.16, 0.04),
        box(-0.032, 0.0, 0.012, 0.16, 0.04),
    )
    near = []
    for grasp in detector.detect(frame):
        centre, closing, _ = metric(grasp, frame, world_from_camera(0.0))
        if np.hypot(*centre[:2]) < 0.01:
            near.append(angle_difference(closing, math.pi / 2))
    assert near
    assert max(near) < math.radians(15.0)


def test_tall_neighbour_blocks_the_palm(detector, scene, solids, world_from_camera):
    """The fingers are free, but a tower under the palm is not."""
    box, _ = solids
    low = box(0.0, 0.0, 0.03, 0.03, 0.03)
    for height, expected in ((0.03, True), (0.12, False)):
        tower = box(0.07, 0.0, 0.03, 0.03, height)
        frame = scene(low, tower)
        found = []
        for grasp in detector.detect(frame):
            centre, closing, _ = metric(grasp, frame, world_from_camera(0.0))
            at_cube = np.hypot(*centre[:2]) < 0.012
            found.append(at_cube and angle_difference(closing, 0.0) < math.radians(20.0))
        assert any(found) is expected


def test_two_objects_are_both_found(detector, scene, solids, world_from_camera):
    box, _ = solids
    frame = scene(box(-0.05, 0.0, 0.03, 0.05, 0.04), box(0.05, 0.0, 0.03, 0.05, 0.04))
    xs = [metric(g, frame, world_from_camera(0.0))[0][0] for g in detector.detect(frame)]
    assert min(abs(x + 0.05) for x in xs) < 0.005
    assert min(abs(x - 0.05) for x in xs) < 0.005


def test_object_cut_by_the_image_border_is_not_grasped_over_the_border(detector, scene, solids):
    """Its hidden part might be anything; the visible sides remain."""
    box, _ = solids
    frame = scene(box(0.40, 0.0, 0.10, 0.04, 0.05))
    grasps = detector.detect(frame)
    assert grasps
    for grasp in grasps:
        assert grasp.rectangle.jaw_ends[:, 0].max() < frame.camera.width


def test_workspace_limits_the_centres(gripper, scene, solids, world_from_camera):
    box, _ = solids
    frame = scene(box(-0.1, 0.0, 0.04, 0.04, 0.04), box(0.1, 0.0, 0.04, 0.04, 0.04))
    cell = Cell(workspace_min=(0.0, -0.2, -0.01), workspace_max=(0.2, 0.2, 0.3))
    posed = replace(frame, T_base_camera=world_from_camera(0.0))
    grasps = AntipodalDetector(gripper, cell=cell).detect(posed)
    assert grasps
    assert all(metric(g, frame, world_from_camera(0.0))[0][0] > 0.0 for g in grasps)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda depth: np.full_like(depth, np.nan),
        np.zeros_like,
        lambda depth: np.full_like(depth, np.inf),
        lambda depth: depth,
        lambda depth: np.where(np.indices(depth.shape)[1] % 3 > 0, np.nan, depth),
        lambda depth: np.random.default_rng(0).uniform(0.3, 2.0, depth.shape),
    ],
    ids=["nan", "zeros", "infinite", "empty table", "sparse empty table", "noise alone"],
)
def test_nothing_to_grasp_is_an_empty_list_without_warnings(detector, scene, spoil):
    frame = scene()
    frame = replace(frame, depth_m=spoil(frame.depth_m).astype(np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert detector.detect(frame) == []


def test_sensor_noise_and_holes_keep_the_grasp(detector, scene, solids, world_from_camera):
    box, _ = solids
    frame = scene(box(0.03, 0.02, 0.09, 0.035, 0.05, 0.6))
    rng = np.random.default_rng(3)
    depth = frame.depth_m + rng.normal(0.0, 0.0015, frame.depth_m.shape)
    depth[rng.random(depth.shape) < 0.05] = np.nan
    noisy = replace(frame, depth_m=depth.astype(np.float32))
    centre, closing, _ = metric(detector.detect(noisy)[0], noisy, world_from_camera(0.0))
    assert np.hypot(centre[0] - 0.03, centre[1] - 0.02) < 0.025
    assert angle_difference(closing, 0.6 + math.pi / 2) < math.radians(15.0)


def test_a_scene_too_large_for_the_cells_is_searched_in_coarser_ones(gripper, scene, solids):
    box, _ = solids
    detector = AntipodalDetector(gripper, AntipodalConfig(cell_m=0.0005))
    far_apart = (box(x, y, 0.04, 0.04, 0.05, 0.0) for x in (-0.2, 0.2) for y in (-0.15, 0.15))
    grasps = detector.detect(scene(*far_apart))
    assert "looked at in cells of 0.8 mm" in detector.remark
    assert grasps[0].quality > 0.9


def test_an_empty_table_is_told(detector, scene):
    assert detector.detect(scene()) == []
    assert detector.remark == "nothing stands on the support"


def test_a_map_of_great_heights_is_searched_no_higher_than_objects_are(gripper, monkeypatch):
    """Depth in another unit makes ceilings of hundreds of metres; their levels filled memory."""
    config = AntipodalConfig()
    height_m = np.zeros((70, 60), np.float32)
    height_m[35:45, 20:40] = 0.05
    grid = Grid(0.0, 0.0, config.cell_m, 70, 60)
    seen = np.ones(height_m.shape, bool)
    levels = []
    inner = search._sections_at

    def counted(turned, level, *others):
        levels.append(level)
        return inner(turned, level, *others)

    monkeypatch.setattr(search, "_sections_at", counted)
    counts = []
    for corner_m in (0.05, 400.0):
        height_m[0, 0] = corner_m
        whole = HeightMap(height_m.copy(), seen, grid, Transform.identity())
        first = next(search.turned_maps(whole, seen, gripper, config))
        counts.append(len(search.find_sections(first, gripper, config)))
    assert counts[0] == counts[1] > 0
    assert max(levels) < config.max_object_height_m


def test_a_cluttered_noisy_view_is_rated_as_ever(detector, scene, solids):
    """A drift changes figures."""
    box, cylinder = solids
    frame = scene(
        box(0.02, 0.01, 0.09, 0.04, 0.05, 0.5),
        cylinder(-0.12, 0.08, 0.03, 0.08),
        box(0.15, -0.1, 0.2, 0.12, 0.06, 0.1),
        tilt=0.35,
    )
    depth_m = frame.depth_m.copy()
    depth_m[np.random.default_rng(3).random(depth_m.shape) < 0.1] = np.nan
    grasps = detector.detect(replace(frame, depth_m=depth_m))
    rows = [
        [r.u, r.v, r.width, r.angle, g.raw_score, g.depth_m, g.width_m]
        for g in grasps
        for r in [g.rectangle]
    ]
    expected = [
        (336.34372, 216.39455, 37.58374, 1.187719, 6.253783, 0.706461, 0.046),
        (214.29907, 149.95364, 54.28574, -0.461005, 6.24382, 0.702156, 0.062),
        (347.53284, 211.47174, 36.30156, 1.000114, 6.222415, 0.708561, 0.044),
    ]
    np.testing.assert_allclose(rows[:3], expected, atol=1e-4)
    assert 20 <= len(grasps) <= 26
