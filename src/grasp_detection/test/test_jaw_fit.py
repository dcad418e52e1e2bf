"""Whether jaws fit a place, on traced scenes whose answer is plain geometry."""

import math

import numpy as np
import pytest

from grasp_core.projection import PlanarGrasp, plane_to_rectangle
from grasp_core.rectangle import GraspRectangle
from grasp_core.support import Plane
from grasp_detection.evaluation.jaw_fit import JawRules, SeenScene, fit_jaws


def plane_of_table(T_world_camera):
    """The table z = 0 in the camera's optical frame."""
    normal = T_world_camera.rotation[2]
    return Plane(normal, float(T_world_camera.translation[2]))


@pytest.fixture
def look(scene, world_from_camera, gripper):
    """fit(solids..., at=(x, y, top), along=yaw, width=m, tilt=rad, hidden=mask) -> JawFit."""

    def fit(*standing, at, along=0.0, width=0.05, tilt=0.0, hidden=None, rules=None):
        frame, T_world_camera = scene(*standing, tilt=tilt), world_from_camera(tilt)
        depth_m = frame.depth_m.copy()
        if hidden is not None:
            depth_m[hidden] = np.nan
        seen = SeenScene(depth_m, frame.camera, plane_of_table(T_world_camera))
        to_camera = T_world_camera.inverse()
        planar = PlanarGrasp(
            to_camera.apply(at),
            to_camera.rotate((math.cos(along), math.sin(along), 0.0)),
            to_camera.rotate((0.0, 0.0, -1.0)),
            width,
        )
        rectangle, _ = plane_to_rectangle(planar, frame.camera, gripper.pad_width_m)
        return fit_jaws(rectangle, seen, seen.points(), gripper, rules or JawRules())

    return fit


@pytest.mark.parametrize("tilt", [0.0, 0.35])
def test_a_block_narrower_than_the_jaws_is_held(look, solids, tilt):
    box, _ = solids
    fit = look(box(0.0, 0.0, 0.04, 0.1, 0.05), at=(0.0, 0.0, 0.05), tilt=tilt)
    assert fit.closes
    assert fit.free
    assert fit.seen
    assert fit.why_not == ""
    assert fit.width_m == pytest.approx(0.04, abs=0.005)


def test_what_is_wider_than_the_jaws_is_not(look, solids):
    box, _ = solids
    fit = look(box(0.0, 0.0, 0.1, 0.2, 0.05), at=(0.0, 0.0, 0.05), width=0.08)
    assert not fit.closes
    assert fit.why_not == "a finger comes down on something"


def test_nothing_on_the_table_is_nothing(look):
    fit = look(at=(0.0, 0.0, 0.0))
    assert (fit.closes, fit.width_m) == (False, pytest.approx(math.nan, nan_ok=True))
    assert fit.why_not


def test_a_finger_on_a_neighbour_is_not_free_until_it_stands_aside(look, solids):
    box, _ = solids
    block = box(0.0, 0.0, 0.04, 0.1, 0.05)
    near = look(block, box(0.06, 0.0, 0.05, 0.1, 0.06), at=(0.0, 0.0, 0.05))
    assert not near.free
    assert "finger" in near.why_not
    assert look(block, box(0.12, 0.0, 0.05, 0.1, 0.06), at=(0.0, 0.0, 0.05)).free


def test_a_wall_under_the_palm_is_touched(look, solids):
    box, _ = solids
    block = box(0.0, 0.0, 0.04, 0.1, 0.05)
    fit = look(block, box(0.085, 0.0, 0.02, 0.1, 0.12), at=(0.0, 0.0, 0.05))
    assert not fit.free
    assert fit.why_not == "the palm comes down on something"


def test_a_corner_is_not_held_though_it_is_narrow(look, solids):
    box, _ = solids
    # Across the tip of a corner that points away along +x: sides at 45 degrees.
    corner = box(0.0, 0.0, 0.15, 0.15, 0.05, yaw=math.pi / 4)
    tip = 0.15 / math.sqrt(2.0)
    fit = look(corner, at=(tip - 0.02, 0.0, 0.05), along=math.pi / 2, width=0.05)
    assert not fit.closes
    assert fit.why_not == "the pads would meet slanting sides"


def test_a_round_thing_is_held_across_its_middle_only(look, solids):
    _, cylinder = solids
    can = cylinder(0.0, 0.0, 0.03, 0.08)
    assert look(can, at=(0.0, 0.0, 0.08), width=0.06).closes
    assert not look(can, at=(0.0, 0.024, 0.08), width=0.04).closes


def test_a_finger_where_nothing_was_seen_is_told(look, solids, scene):
    box, _ = solids
    block = box(0.0, 0.0, 0.04, 0.1, 0.05)
    hidden = np.zeros((480, 640), bool)
    hidden[:, 320 + 24 :] = True  # a hole from 3 cm beside the middle on
    fit = look(block, at=(0.0, 0.0, 0.05), hidden=hidden)
    assert fit.closes
    assert not fit.seen


def test_without_depth_between_the_jaws_nothing_is_said(scene, gripper):
    frame = scene()
    hole = np.full_like(frame.depth_m, np.nan)
    seen = SeenScene(hole, frame.camera, None)
    fit = fit_jaws(GraspRectangle(320, 240, 40, 20, 0.0), seen, seen.points(), gripper, JawRules())
    assert not fit.closes
    assert fit.middle is None
    assert fit.why_not == "no depth between the jaws"


def test_the_fingers_stand_beside_the_opening_where_they_are_told(look, solids):
    box, _ = solids
    fit = look(box(0.0, 0.0, 0.04, 0.1, 0.05), at=(0.0, 0.0, 0.05), width=0.05)
    assert fit.footprints.shape == (2, 4, 3)
    # Opened 20 mm wider than the rectangle: from 35 to 45 mm on either side.
    beside = np.abs(fit.footprints[:, :, 0] - fit.middle[0])
    assert beside.min() == pytest.approx(0.035, abs=0.003)
    assert beside.max() == pytest.approx(0.045, abs=0.003)
