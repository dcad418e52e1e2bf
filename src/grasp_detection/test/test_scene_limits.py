"""A region, depth limits and a known support: what of a picture counts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from grasp_core.errors import BadImage, ConfigError
from grasp_core.grasp import Grasp
from grasp_core.rectangle import GraspRectangle
from grasp_detection.antipodal.detector import AntipodalDetector
from grasp_detection.config import DetectorConfig
from grasp_detection.loading import LoadedDetector
from grasp_detection.scene_limits import SceneLimits


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"support_plane": (0.0, 0.0, -1.0)}, "support_plane"),
        ({"support_plane": (0.0, 0.0, -0.5, 0.7)}, "length 1"),
        ({"support_plane": (0.0, 0.0, 1.0, 0.7)}, "towards the camera"),
        ({"region_px": (100.0, 0.0, 50.0, 100.0)}, "left below right"),
        ({"depth_limits_m": (1.0, 0.5)}, "nearest and farthest"),
    ],
)
def test_limits_that_are_none_are_refused(values, told):
    with pytest.raises(ConfigError, match=told):
        SceneLimits(**values)
    with pytest.raises(ConfigError, match=told):
        DetectorConfig(**values)


def test_depth_counts_in_the_region_and_between_the_limits_alone(scene, solids):
    box, _ = solids
    frame = scene(box(0.0, 0.0, 0.06, 0.06, 0.05))
    limits = SceneLimits(region_px=(200.0, 100.0, 400.0, 300.0), depth_limits_m=(0.72, 1.0))
    seen = limits.applied(frame).depth_m
    assert np.isfinite(seen[105, 205])
    assert np.isnan(seen[95, 205])
    assert np.isnan(seen[239, 319]), "the box is nearer"
    assert np.isfinite(frame.depth_m).all()
    assert SceneLimits().applied(frame).depth_m is frame.depth_m
    with pytest.raises(BadImage, match="lies outside the picture of 640x480"):
        SceneLimits(region_px=(700.0, 0.0, 800.0, 100.0)).applied(frame)


def test_grasps_outside_the_region_are_left_out():
    grasps = [Grasp(GraspRectangle(u, 50.0, 20.0, 10.0, 0.0), 0.5) for u in (50.0, 150.0)]
    kept = SceneLimits(region_px=(100.0, 0.0, 200.0, 100.0)).kept(grasps)
    assert [grasp.rectangle.u for grasp in kept] == [150.0]


def test_a_region_decides_which_object_is_found(gripper, scene, solids):
    box, _ = solids
    frame = scene(box(-0.1, 0.0, 0.04, 0.04, 0.04), box(0.1, 0.0, 0.04, 0.04, 0.04))
    detector = LoadedDetector(AntipodalDetector(gripper))
    limits = SceneLimits(region_px=(320.0, 0.0, 640.0, 480.0))
    grasps = detector.detect(frame.color, frame.depth_m, frame.camera, limits=limits)
    assert grasps
    assert all(grasp.rectangle.u > 320.0 for grasp in grasps)
    assert any(
        grasp.rectangle.u < 320.0
        for grasp in detector.detect(frame.color, frame.depth_m, frame.camera)
    )


def test_a_given_plane_is_taken_and_an_empty_answer_says_why(gripper, scene, world_from_camera):
    frame = scene()
    detector = LoadedDetector(AntipodalDetector(gripper))
    pose = world_from_camera(0.0)
    plane = SceneLimits(support_plane=(*pose.rotation[2], float(pose.translation[2])))
    assert detector.detect(frame.color, frame.depth_m, frame.camera, limits=plane) == []
    assert detector.remark == "nothing stands on the support"
    assert plane.support is not None
    assert math.isclose(plane.support.offset_m, pose.translation[2])
    given = plane.applied(replace(frame, support=None))
    assert given.support is not None
