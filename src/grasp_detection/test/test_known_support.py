"""The table as cell and camera pose say it is, against what the depth image shows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from grasp_core.cell import Cell
from grasp_core.known_support import prior_support, see_support
from grasp_core.support import find_support
from grasp_core.transform import Transform
from grasp_detection.antipodal.detector import AntipodalDetector
from grasp_detection.config import DetectorConfig
from grasp_detection.pose_report import PoseReport

CELL = Cell()
T_BASE_WORLD = Transform.from_translation(0.5, 0.0, 0.0)  # the camera looks at the workspace
TILT = 0.5


@pytest.fixture(scope="module")
def seen(scene, solids, world_from_camera):
    """A cluttered table whose camera's pose is right."""
    box, cylinder = solids
    frame = scene(
        box(0.02, 0.01, 0.09, 0.04, 0.05, 0.5),
        cylinder(-0.12, 0.08, 0.03, 0.08),
        box(0.12, -0.1, 0.2, 0.12, 0.1, 0.1),
        tilt=TILT,
    )
    noise = np.random.default_rng(4).normal(0.0, 0.002, frame.depth_m.shape)
    return replace(
        frame,
        depth_m=(frame.depth_m + noise).astype(np.float32),
        T_base_camera=T_BASE_WORLD @ world_from_camera(TILT),
    )


def moved(frame, up_m=0.0, rpy=(0.0, 0.0, 0.0)):
    """The frame with a pose that is wrong: lifted, or turned about the workspace's middle."""
    middle = Transform.from_translation(0.5, 0.0, 0.0)
    error = middle @ Transform.from_rpy(rpy, (0.0, 0.0, up_m)) @ middle.inverse()
    return replace(frame, T_base_camera=error @ frame.T_base_camera)


def found_in(frame, cell=CELL):
    return see_support(frame.depth_m, frame.camera, frame.T_base_camera, cell)


def findings(frame, cell=CELL, complaint="", **settings):
    report = PoseReport(cell, DetectorConfig(**settings))
    report.saw(frame, complaint)
    return report.findings()


def test_a_right_pose_agrees(seen):
    found = found_in(seen)
    assert abs(found.offset_m) < 0.002
    assert found.angle < math.radians(0.4)
    warnings, values = findings(seen)
    assert warnings == []
    assert (values["camera_pose"], values["support"]) == ("known", "agrees")


@pytest.mark.parametrize("up_m", [0.03, -0.03, 0.1])
def test_a_wrong_height_is_measured_and_told(seen, up_m):
    found = found_in(moved(seen, up_m))
    assert found.offset_m == pytest.approx(up_m, abs=0.003)
    assert found.angle < math.radians(0.5)
    (warning,), values = findings(moved(seen, up_m))
    assert f"{abs(1000 * found.offset_m):.0f} mm {'above' if up_m > 0 else 'below'}" in warning
    assert "support_z_m of cell tabletop" in warning
    assert values["support"] == "disagrees"
    assert values["support_offset_mm"] == pytest.approx(1000.0 * up_m, abs=3.0)


def test_a_wrong_support_height_is_the_same_seen_from_the_other_side(seen):
    assert found_in(seen, replace(CELL, support_z_m=0.03)).offset_m == pytest.approx(
        -0.03, abs=0.003
    )


@pytest.mark.parametrize("rpy", [(1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.7, 0.7, 0.0)])
def test_a_wrong_turn_is_measured_and_told(seen, rpy):
    wrong = moved(seen, rpy=[math.radians(5.0) * part for part in rpy])
    found = found_in(wrong)
    assert math.degrees(found.angle) == pytest.approx(5.0, abs=0.4)
    assert abs(found.offset_m) < 0.006
    (warning,), values = findings(wrong)
    assert f"turned {math.degrees(found.angle):.1f} degrees" in warning
    assert "wrong calibration" in warning
    assert "support_z_m" not in warning
    assert values["support_angle_deg"] == pytest.approx(5.0, abs=0.4)


def test_bounds_are_parameters(seen):
    off = moved(seen, 0.03)
    assert findings(off)[0]
    assert not findings(off, max_support_offset_m=0.04)[0]
    turned = moved(seen, rpy=(math.radians(2.0), 0.0, 0.0))
    assert not findings(turned)[0]
    assert "a hand_eye file" in findings(turned, max_support_angle=0.02)[0][0]
    assert "TF, or /a.yaml" in findings(turned, max_support_angle=0.02, hand_eye="/a.yaml")[0][0]


def test_a_hidden_table_and_a_frame_without_depth_say_nothing(scene, solids, seen):
    box, _ = solids
    covered = scene(box(0.0, 0.0, 2.0, 2.0, 0.3), tilt=TILT)
    covered = replace(covered, T_base_camera=seen.T_base_camera)
    blind = replace(seen, depth_m=np.full_like(seen.depth_m, np.nan))
    away = moved(seen, 0.5)
    for frame in (covered, blind, away):
        assert found_in(frame) is None
        assert findings(frame) == ([], {"camera_pose": "known", "support": "not seen"})


def test_a_table_that_objects_hide_for_the_most_part_is_still_found(scene, solids, seen):
    box, _ = solids
    crowd = [box(x, y, 0.11, 0.11, 0.06) for x in (-0.16, 0.0, 0.16) for y in (-0.2, 0.0, 0.2)]
    frame = replace(scene(*crowd, tilt=TILT), T_base_camera=seen.T_base_camera)
    assert abs(found_in(frame).offset_m) < 0.002


def test_an_unknown_pose_is_told_with_its_reason(seen):
    unknown = replace(seen, T_base_camera=None)
    assert findings(unknown, complaint="no transform") == (
        ["the camera's pose is not known: no transform"],
        {"camera_pose": "unknown"},
    )


def test_nothing_is_said_before_a_frame_came_or_when_told_to_forget(seen):
    report = PoseReport(CELL, DetectorConfig())
    assert report.findings() == ([], {})
    report.saw(moved(seen, 0.03), "")
    assert report.findings()[0]
    report.forget()
    assert report.findings() == ([], {})


def test_a_prior_is_the_support_as_seen_near_it(seen):
    T_camera_support = find_support(seen.depth_m, seen.camera)
    for frame in (seen, moved(seen, 0.03)):
        off_m, off = prior_support(frame, CELL, 1.05).distance_to(T_camera_support)
        assert off_m < 0.003
        assert off < math.radians(0.4)
    assert prior_support(replace(seen, T_base_camera=None), CELL, 1.05) is None
    assert prior_support(seen, CELL, 0.3) is None, "seen at a steeper angle than allowed"


def height_over(T_camera_support):
    """Of the camera above a support, metres."""
    return T_camera_support.inverse().translation[2]


def test_the_largest_plane_is_no_support_when_things_stand_lower(
    scene, solids, gripper, seen, world_from_camera
):
    """A crate's top fills most of the picture, and a bar lies on the table beside it."""
    box, _ = solids
    crate, bar = box(0.0, 0.23, 1.6, 0.7, 0.2), box(0.03, -0.2, 0.10, 0.035, 0.05, 0.3)
    frame = scene(crate, bar, tilt=TILT)
    posed = replace(frame, T_base_camera=seen.T_base_camera)
    above_table = world_from_camera(TILT).translation[2]
    for support in (
        find_support(frame.depth_m, frame.camera),
        prior_support(posed, CELL, 1.05),
    ):
        assert height_over(support) == pytest.approx(above_table, abs=0.003)
    pixel = frame.camera.project(posed.T_base_camera.inverse().apply((0.53, -0.2, 0.05)))
    for shown in (frame, posed):
        on_bar = [
            grasp.quality
            for grasp in AntipodalDetector(gripper, cell=CELL).detect(shown)
            if math.dist((grasp.rectangle.u, grasp.rectangle.v), pixel) < 40.0
        ]
        assert max(on_bar) > 0.8
