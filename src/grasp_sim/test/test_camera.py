from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pybullet
import pytest

from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_sim.camera import camera_pose, depth_from_buffer, intrinsics, projection_matrix
from grasp_sim.config import SimConfig
from grasp_sim.picture import draw
from grasp_sim.renderer import egl_works
from grasp_sim.world import World

CUBE_M = 0.02


@pytest.fixture(scope="module", params=["tiny", "egl"])
def world(request: pytest.FixtureRequest, robot: RobotModel) -> Iterator[World]:
    if request.param == "egl" and not egl_works():
        pytest.skip("EGL does not work here")
    found = World(SimConfig(renderer=request.param), robot)
    assert found.renderer == request.param
    yield found
    found.close()


def test_pybullet_hands_over_images_as_arrays():
    """Where pip compiled it without numpy, every image would be a million Python numbers."""
    assert pybullet.isNumpyEnabled()


# An off-centre principal point, so that a wrong sign shows.
def view(tilt_deg: float, azimuth_deg: float) -> SimConfig:
    return SimConfig(
        camera_tilt_deg=tilt_deg, camera_azimuth_deg=azimuth_deg, camera_cx=300.0, camera_cy=251.0
    )


@pytest.mark.parametrize("tilt_deg", [0.0, 20.0, 40.0])
def test_depth_of_the_table_lies_in_its_plane(world: World, tilt_deg: float):
    config = view(tilt_deg, 90.0)
    camera, T_base_camera = intrinsics(config), camera_pose(config)
    world.rebuild()
    _, depth, bodies = draw(world, camera, T_base_camera)
    table = bodies == world.table_body
    assert table.mean() > 0.3
    points = T_base_camera.apply(camera.point_map(depth)[table])
    assert np.abs(points[:, 2]).max() < 0.0005


@pytest.mark.parametrize("tilt_deg", [0.0, 20.0, 40.0])
def test_cubes_appear_where_the_pinhole_model_says(world: World, tilt_deg: float):
    config = view(tilt_deg, 90.0)
    camera, T_base_camera = intrinsics(config), camera_pose(config)
    world.rebuild()
    places = [(0.4, -0.08), (0.6, -0.05), (0.6, 0.15), (0.45, 0.1), (0.53, 0.02)]
    cubes = [
        world.add_box(f"cube{x}{y}", [CUBE_M] * 3, Transform.from_translation(x, y, CUBE_M / 2))
        for x, y in places
    ]
    _, _, bodies = draw(world, camera, T_base_camera)
    errors = []
    for cube in cubes:
        corners = (
            CUBE_M / 2 * np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        )
        corners = T_base_camera.inverse().apply(world.pose(cube).apply(corners))
        outline = cv2.convexHull(camera.project(corners).astype(np.float32))
        moments = cv2.moments(outline)
        v, u = np.nonzero(bodies == cube.body)
        errors.append(
            (
                u.mean() - moments["m10"] / moments["m00"],
                v.mean() - moments["m01"] / moments["m00"],
            )
        )
    # Each is quantised to whole pixels; half a pixel of offset would be common to all.
    assert np.abs(errors).max() < 0.5
    assert np.abs(np.mean(errors, axis=0)).max() < 0.3


@pytest.mark.parametrize(("azimuth_deg", "down"), [(0.0, (1, 0, 0)), (180.0, (-1, 0, 0))])
def test_the_cameras_side_is_at_the_bottom(azimuth_deg: float, down: tuple[int, ...]):
    straight = camera_pose(SimConfig(camera_azimuth_deg=azimuth_deg))
    assert np.allclose(straight.rotation[:, 1], down)
    assert np.allclose(straight.rotation[:, 2], (0, 0, -1))
    tilted = camera_pose(SimConfig(camera_azimuth_deg=azimuth_deg, camera_tilt_deg=30.0))
    offset = tilted.translation - (0.5, 0.0, 0.0)
    assert np.isclose(np.linalg.norm(offset), 0.75)
    assert offset @ np.array(down) == pytest.approx(0.75 * 0.5)


def test_projection_puts_image_borders_half_a_pixel_outside():
    config = SimConfig(camera_cx=300.0, camera_cy=251.0)
    camera = intrinsics(config)
    for pixel, expected in (((-0.5, -0.5), (-1, 1)), ((639.5, 479.5), (1, -1))):
        x, y, z = camera.deproject(pixel, 0.8)
        clip = projection_matrix(camera) @ (x, -y, -z, 1.0)
        assert np.allclose(clip[:2] / clip[3], expected)


def test_depth_buffer_inverts_the_projection():
    camera = intrinsics(SimConfig())
    for depth in (0.06, 0.75, 3.9):
        clip = projection_matrix(camera) @ (0.0, 0.0, -depth, 1.0)
        buffer = np.array([clip[2] / clip[3] / 2.0 + 0.5, 1.0])
        metres = depth_from_buffer(buffer)
        assert metres[0] == pytest.approx(depth, rel=1e-5)
        assert np.isnan(metres[1])


def test_the_arm_at_rest_is_outside_the_view(world: World):
    config = SimConfig()
    for name, angle in zip(world.robot.arm.joints, world.robot.arm.observe, strict=True):
        world.client.resetJointState(world.robot_body, world.joints[name], angle)
    _, _, bodies = draw(world, intrinsics(config), camera_pose(config))
    assert not (bodies == world.robot_body).any()
