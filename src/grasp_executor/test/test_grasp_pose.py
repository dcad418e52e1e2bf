"""From rectangle to pose: exact geometry at any tilt, depth limits, refusals, clearance."""

import math

import numpy as np
import pytest

from grasp_core.camera import PinholeCamera
from grasp_core.cell import Cell
from grasp_core.errors import BadCalibration, Collision, InvalidDepth, OutsideWorkspace, TooWide
from grasp_core.grasp import Grasp
from grasp_core.projection import PlanarGrasp, plane_to_rectangle
from grasp_core.rectangle import GraspRectangle
from grasp_core.robot import GripperProfile
from grasp_core.transform import Transform
from grasp_executor.config import PickConfig
from grasp_executor.grasp_pose import (
    check_camera_pose,
    check_hand_clearance,
    clear_of_palm,
    target_from,
)
from grasp_executor.interfaces import Observation

CAMERA = PinholeCamera(640, 480, 615.0, 615.0, 319.5, 239.5)
CELL, CONFIG = Cell(), PickConfig()
GRIPPER = GripperProfile(joints=("l", "r"), finger_links=("l", "r"))
TARGET = np.array([0.5, 0.05, 0.06])
YAW = 0.6
CLOSING = np.array([math.cos(YAW), math.sin(YAW), 0.0])
DOWN = np.array([0.0, 0.0, -1.0])


def overhead(tilt_deg):
    """``T_base_camera`` 0.75 m from (0.5, 0, 0), tilted about the base y axis."""
    look_down = Transform.from_rotation(np.array([[0, -1, 0], [-1, 0, 0], [0, 0, -1]]).T)
    tilt = Transform.from_rpy((0.0, math.radians(tilt_deg), 0.0))
    back = Transform.from_translation(0.0, 0.0, -0.75)
    return Transform.from_translation(0.5, 0.0, 0.0) @ tilt @ look_down @ back


def observed(T_base_camera, *, width_m=0.05, top_z=0.06, depth=True, grasp=None):
    T_camera_base = T_base_camera.inverse()
    plane = PlanarGrasp(
        T_camera_base.apply([TARGET[0], TARGET[1], top_z]),
        T_camera_base.rotate(CLOSING),
        T_camera_base.rotate(DOWN),
        width_m,
    )
    rectangle, depth_m = plane_to_rectangle(plane, CAMERA, 0.02)
    grasp = grasp or Grasp(rectangle, 0.9, depth_m=depth_m if depth else math.nan)
    image = np.full((480, 640), depth_m, np.float32)
    return grasp, Observation([grasp], image, CAMERA, T_base_camera, 1.0)


def observed_pose(T_base_camera, T_base_grasp, width_m=math.nan):
    """A candidate with a 6-DoF pose of its own."""
    rectangle = GraspRectangle(1.0, 1.0, 5.0, 5.0, 0.0)
    T_camera_grasp = T_base_camera.inverse() @ T_base_grasp
    grasp = Grasp(rectangle, 0.9, T_camera_grasp=T_camera_grasp, width_m=width_m)
    return observed(T_base_camera, grasp=grasp)


@pytest.mark.parametrize("tilt_deg", [0.0, 20.0, 40.0])
def test_pose_and_width_are_exact_at_any_tilt(tilt_deg):
    grasp, observation = observed(overhead(tilt_deg))
    target = target_from(grasp, observation, GRIPPER, CELL, CONFIG)
    expected = (*TARGET[:2], TARGET[2] - CONFIG.finger_depth_m)
    assert target.T_base_grasp.translation == pytest.approx(expected, abs=1e-6)
    assert target.T_base_grasp.rotation[:, 2] == pytest.approx(DOWN, abs=1e-9)
    assert abs(target.T_base_grasp.rotation[:, 1] @ CLOSING) == pytest.approx(1.0)
    assert target.width_m == pytest.approx(0.05, abs=1e-6)
    assert target.opening_m == pytest.approx(0.05 + CONFIG.opening_margin_m, abs=1e-6)
    assert target.top_z_m == pytest.approx(0.06, abs=1e-6)


def test_camera_axis_approach_follows_the_camera():
    grasp, observation = observed(overhead(20.0))
    config = PickConfig(approach="camera_axis")
    approach = target_from(grasp, observation, GRIPPER, CELL, config).T_base_grasp.rotation[:, 2]
    assert approach == pytest.approx(observation.T_base_camera.rotation[:, 2])


@pytest.mark.parametrize("tilt_deg", [20.0, 40.0])
def test_both_fingertips_stop_above_the_support_on_a_tilted_approach(tilt_deg):
    T_base_camera = overhead(tilt_deg)
    # The jaws close along the slope of the camera's axis: one tip is lower than the other.
    rectangle = GraspRectangle(319.5, 239.5, 30.0, 16.0, math.pi / 2)
    image = np.full((480, 640), 0.69, np.float32)
    grasp = Grasp(rectangle, 0.9, depth_m=0.69)
    observation = Observation([grasp], image, CAMERA, T_base_camera, 1.0)
    config = PickConfig(approach="camera_axis", finger_depth_m=0.1)
    target = target_from(grasp, observation, GRIPPER, CELL, config)
    outer = target.opening_m / 2 + GRIPPER.finger_thickness_m
    pads = GRIPPER.pad_width_m / 2
    corners = [[x, y, 0.0] for x in (-pads, pads) for y in (-outer, outer)]
    lowest = target.T_base_grasp.apply(np.array(corners))[:, 2].min()
    assert lowest == pytest.approx(config.support_clearance_m, abs=1e-6)


@pytest.mark.parametrize("tip_z", [-0.009, 0.008])
def test_a_6dof_grasp_with_a_fingertip_in_the_support_is_refused(tip_z):
    T_base_camera = overhead(0.0)
    T_base_grasp = Transform.from_rpy((math.pi - 0.3, 0.0, 0.0), (0.5, 0.1, tip_z))
    grasp, observation = observed_pose(T_base_camera, T_base_grasp, width_m=0.06)
    with pytest.raises(Collision, match=r"a fingertip would end at a height of -"):
        target_from(grasp, observation, GRIPPER, CELL, CONFIG)


@pytest.mark.parametrize(
    ("top_z", "tip_z"), [(0.002, 0.002), (0.10, 0.07), (0.03, 0.004), (0.012, 0.004)]
)
def test_fingers_stop_above_the_support(top_z, tip_z):
    grasp, observation = observed(overhead(0.0), top_z=top_z)
    target = target_from(grasp, observation, GRIPPER, CELL, CONFIG)
    assert target.T_base_grasp.translation[2] == pytest.approx(tip_z, abs=1e-6)


def test_missing_depth_is_read_from_the_image():
    grasp, observation = observed(overhead(0.0), depth=False)
    target = target_from(grasp, observation, GRIPPER, CELL, CONFIG)
    assert target.top_z_m == pytest.approx(0.06, abs=1e-6)


def test_no_depth_anywhere_is_refused():
    grasp, observation = observed(overhead(0.0), depth=False)
    observation.depth_m[:] = np.nan
    with pytest.raises(InvalidDepth, match="measures nothing"):
        target_from(grasp, observation, GRIPPER, CELL, CONFIG)


def test_wide_objects_are_too_wide_and_nearly_wide_ones_open_fully():
    grasp, observation = observed(overhead(0.0), width_m=0.078)
    with pytest.raises(TooWide, match=r"78 mm wide; the jaws open 80 mm"):
        target_from(grasp, observation, GRIPPER, CELL, CONFIG)
    grasp, observation = observed(overhead(0.0), width_m=0.074)
    assert target_from(grasp, observation, GRIPPER, CELL, CONFIG).opening_m == 0.08


def test_points_outside_the_workspace_are_refused():
    grasp, observation = observed(overhead(0.0))
    cell = Cell(workspace_max=(0.45, 0.28, 0.3))
    with pytest.raises(OutsideWorkspace, match=r"\(0.500, 0.050, 0.030\)"):
        target_from(grasp, observation, GRIPPER, cell, CONFIG)


def test_a_6dof_grasp_is_taken_as_it_is():
    T_base_camera = overhead(30.0)
    T_base_grasp = Transform.from_rpy((math.pi - 0.3, 0.1, 0.4), (0.5, 0.1, 0.05))
    grasp, observation = observed_pose(T_base_camera, T_base_grasp, width_m=0.06)
    target = target_from(grasp, observation, GRIPPER, CELL, CONFIG)
    assert target.T_base_grasp.matrix == pytest.approx(T_base_grasp.matrix)
    assert target.opening_m == 0.06


def test_twin_exchanges_the_fingers_and_nothing_else():
    grasp, observation = observed(overhead(0.0))
    target = target_from(grasp, observation, GRIPPER, CELL, CONFIG)
    twin = target.twin()
    assert twin.T_base_grasp.translation == pytest.approx(target.T_base_grasp.translation)
    assert twin.T_base_grasp.rotation[:, 2] == pytest.approx(target.T_base_grasp.rotation[:, 2])
    assert twin.T_base_grasp.rotation[:, 1] == pytest.approx(-target.T_base_grasp.rotation[:, 1])


@pytest.mark.parametrize(
    "pose",
    [
        Transform.from_rpy((0.0, 0.0, 0.0), (0.5, 0.0, 0.7)),  # looks up
        Transform.from_rpy((math.pi, 0.0, 0.0), (0.5, 0.0, -0.2)),  # under the table
        Transform.from_rpy((-math.pi / 2, 0.0, 0.0), (0.5, 0.0, 0.7)),  # looks at the horizon
    ],
)
def test_impossible_camera_poses_are_refused(pose):
    with pytest.raises(BadCalibration, match="hand-eye"):
        check_camera_pose(pose, CELL)
    check_camera_pose(overhead(40.0), CELL)


def column(center_closing_m, height_z, count=50):
    """Points at a place along +Y of the target's grasp frame, which is -CLOSING here."""
    xy = TARGET[:2] - center_closing_m * CLOSING[:2]
    return np.tile([*xy, height_z], (count, 1))


@pytest.mark.parametrize(
    ("points", "part"),
    [
        (column(0.040, 0.05), "left finger"),
        (column(-0.040, 0.05), "right finger"),
        (column(0.080, 0.09), "palm"),
        (column(0.080, 0.05), None),  # beside the fingers, below the palm
        (column(0.0, 0.05), None),  # between the fingers
        (column(0.040, 0.02), None),  # below the fingertip
        (column(0.040, 0.05, count=3), None),  # a few stray points
    ],
)
def test_hand_clearance(points, part):
    grasp, observation = observed(overhead(0.0))
    target = target_from(grasp, observation, GRIPPER, CELL, CONFIG)
    if part is None:
        check_hand_clearance(target, points, GRIPPER, CONFIG)
        return
    with pytest.raises(Collision, match=f"the {part} would pass"):
        check_hand_clearance(target, points, GRIPPER, CONFIG)


def row(first_m, last_m, step_m=0.002):
    """Points along the closing axis, some across the pad, above the fingertips."""
    places = np.arange(first_m, last_m, step_m)
    return np.concatenate([column(place, 0.05, count=3) for place in places])


@pytest.mark.parametrize(
    ("points", "failure", "what"),
    [
        (row(-0.06, 0.06), TooWide, "11[0-9] mm wide"),  # a box on its wide side
        (row(-0.02, 0.07), TooWide, "[89][0-9] mm wide"),  # off the middle, and too wide anyway
        (row(-0.02, 0.045), Collision, "finger would pass"),  # narrow enough elsewhere
        # A neighbour, with room for a finger between.
        (np.concatenate([row(-0.02, 0.02), row(0.033, 0.08)]), Collision, "finger would pass"),
        (row(0.035, 0.13), Collision, "finger would pass"),  # nothing is between the jaws
    ],
)
def test_what_is_wider_than_the_jaws_is_told_before_they_close(points, failure, what):
    grasp, observation = observed(overhead(0.0))
    target = target_from(grasp, observation, GRIPPER, CELL, CONFIG)
    with pytest.raises(failure, match=what):
        check_hand_clearance(target, points, GRIPPER, CONFIG)


@pytest.mark.parametrize(
    ("post_z", "depth_m"),
    [
        (0.070, 0.030),  # below the palm anyway
        (0.085, 0.014),  # 10 mm in the palm, and 6 mm of clearance
        (0.095, 0.030),  # too high: a grasp so shallow would hold nothing
    ],
)
def test_beside_something_higher_the_grasp_is_shallower(post_z, depth_m):
    grasp, observation = observed(overhead(0.0))
    target = target_from(grasp, observation, GRIPPER, CELL, CONFIG)
    points = column(0.080, post_z)
    clear = clear_of_palm(target, points, GRIPPER, CONFIG)
    assert clear.top_z_m - clear.T_base_grasp.translation[2] == pytest.approx(depth_m, abs=1e-6)
    if post_z < 0.09:
        check_hand_clearance(clear, points, GRIPPER, CONFIG)
    else:
        with pytest.raises(Collision, match="the palm"):
            check_hand_clearance(clear, points, GRIPPER, CONFIG)


def test_a_pose_of_its_own_is_not_made_shallower():
    T_base_camera = overhead(0.0)
    T_base_grasp = Transform.from_rpy((math.pi, 0.0, 0.0), (0.5, 0.1, 0.05))
    grasp, observation = observed_pose(T_base_camera, T_base_grasp)
    target = target_from(grasp, observation, GRIPPER, CELL, CONFIG)
    points = np.tile([0.5, 0.17, 0.11], (50, 1))
    assert clear_of_palm(target, points, GRIPPER, CONFIG) is target
