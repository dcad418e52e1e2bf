"""Transforms by axioms, cameras and planes by round trips."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grasp_core.camera import PinholeCamera
from grasp_core.errors import BadCalibration, InvalidDepth
from grasp_core.projection import PlanarGrasp, plane_to_rectangle, rectangle_to_plane
from grasp_core.transform import Transform

vectors = arrays(np.float64, 3, elements=st.floats(-2.0, 2.0))
transforms = st.builds(lambda rpy, t: Transform.from_rpy(rpy, t), vectors, vectors)
CAMERAS = [
    PinholeCamera(640, 480, 615.0, 614.0, 320.5, 239.5),
    PinholeCamera(640, 480, 615.0, 614.0, 320.5, 239.5, (0.1, -0.2, 0.001, -0.002, 0.05)),
    PinholeCamera(640, 480, 615.0, 614.0, 320.5, 239.5, (0.2, 0.1, 0.0, 0.0, 0.1, 0.2, 0.1, 0.0)),
]


@given(transforms, transforms, transforms)
def test_composition_is_associative(a, b, c):
    assert ((a @ b) @ c).matrix == pytest.approx((a @ (b @ c)).matrix, abs=1e-9)


@given(transforms, vectors)
def test_inverse_undoes(transform, point):
    assert transform.inverse().apply(transform.apply(point)) == pytest.approx(point, abs=1e-9)
    assert (transform @ transform.inverse()).matrix == pytest.approx(np.eye(4), abs=1e-9)


@given(transforms)
def test_quaternion_round_trip(transform):
    again = Transform.from_quaternion(transform.quaternion, transform.translation)
    assert again.matrix == pytest.approx(transform.matrix, abs=1e-9)


def test_quaternions_are_xyzw():
    quarter = Transform.from_quaternion((0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)))
    assert quarter.apply((1.0, 0.0, 0.0)) == pytest.approx((0.0, 1.0, 0.0))


@pytest.mark.parametrize(
    "matrix",
    [np.diag([1.0, 1.0, -1.0, 1.0]), np.diag([2.0, 1.0, 1.0, 1.0]), np.full((4, 4), np.nan)],
)
def test_what_is_no_rigid_transform_is_refused(matrix):
    with pytest.raises(ValueError, match=r"rotation|finite"):
        Transform(matrix)


@pytest.mark.parametrize("camera", CAMERAS)
def test_projection_undoes_deprojection(camera):
    rng = np.random.default_rng(1)
    pixels = rng.uniform([0, 0], [639, 479], (200, 2))
    depth = rng.uniform(0.3, 2.0, 200)
    points = camera.deproject(pixels, depth)
    assert points[:, 2] == pytest.approx(depth)
    assert camera.project(points) == pytest.approx(pixels, abs=1e-5)


@pytest.mark.parametrize("depth", [0.0, -1.0, math.nan, math.inf])
def test_a_surface_needs_a_depth(depth):
    with pytest.raises(InvalidDepth):
        CAMERAS[0].deproject((1.0, 1.0), depth)


@pytest.mark.parametrize("focal", [0.0, -600.0, math.nan])
def test_an_uncalibrated_camera_is_refused(focal):
    with pytest.raises(BadCalibration, match="calibrate"):
        PinholeCamera(640, 480, focal, focal, 320.0, 240.0)


def test_depth_of_another_size_is_refused():
    with pytest.raises(BadCalibration, match="aligned"):
        CAMERAS[0].point_map(np.ones((240, 320)))


def test_cropped_camera_sees_the_same_rays():
    cropped = CAMERAS[1].cropped(100, 50, 300, 200)
    assert cropped.rays((20.0, 30.0)) == pytest.approx(CAMERAS[1].rays((120.0, 80.0)))


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("tilt_deg", [0.0, 20.0, 40.0])
def test_grasps_survive_the_way_through_the_image(camera, tilt_deg):
    T = Transform.from_rpy((math.radians(tilt_deg), 0.1, 0.3))
    closing = T.rotate((math.cos(0.7), math.sin(0.7), 0.0))
    grasp = PlanarGrasp(np.array([0.05, 0.02, 0.7]), closing, T.rotate((0.0, 0.0, 1.0)), 0.06)
    rectangle, depth = plane_to_rectangle(grasp, camera, jaw_m=0.02)
    again = rectangle_to_plane(rectangle, depth, camera, grasp.approach)
    assert again.centre == pytest.approx(grasp.centre, abs=1e-7)
    assert again.width_m == pytest.approx(grasp.width_m, abs=1e-7)
    assert abs(again.closing @ grasp.closing) == pytest.approx(1.0)


def test_grasp_frame_axes():
    grasp = PlanarGrasp(np.zeros(3), np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]), 0.05)
    pose = grasp.pose(0.02)
    assert pose.rotation[:, 2] == pytest.approx(grasp.approach)
    assert pose.rotation[:, 1] == pytest.approx(grasp.closing)
    assert pose.translation == pytest.approx((0.0, 0.0, 0.02))


def test_a_plane_seen_edge_on_is_refused():
    rectangle, _ = plane_to_rectangle(
        PlanarGrasp(np.array([0, 0, 0.7]), np.array([1.0, 0, 0]), np.array([0, 0, 1.0]), 0.05),
        CAMERAS[0],
        0.02,
    )
    with pytest.raises(BadCalibration, match="along the grasp plane"):
        rectangle_to_plane(rectangle, 0.7, CAMERAS[0], (1.0, 0.0, 0.05))
