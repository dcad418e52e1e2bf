"""The RGB-D camera: exact pinhole projection of the world through PyBullet's renderers."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pybullet
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.transform import Transform
from grasp_sim.config import SimConfig
from grasp_sim.world import World

NEAR_M = 0.05
FAR_M = 4.0
_LIGHT_DIRECTION = (0.0, 0.0, 1.0)  # from straight above: elsewhere EGL shades half the table


def intrinsics(config: SimConfig) -> PinholeCamera:
    """Intrinsics of both images."""
    return PinholeCamera(
        config.image_width,
        config.image_height,
        config.camera_fx,
        config.camera_fy,
        config.camera_cx,
        config.camera_cy,
    )


def camera_pose(config: SimConfig) -> Transform:
    """``T_base_camera`` of the optical frame (+X right, +Y down, +Z forward).

    The camera looks at its target from the configured distance. It leans by the tilt towards the
    azimuth's side, and that side is at the bottom of the image, also when it looks straight down.
    """
    tilt, azimuth = math.radians(config.camera_tilt_deg), math.radians(config.camera_azimuth_deg)
    side = np.array([math.cos(azimuth), math.sin(azimuth), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    forward = -(math.sin(tilt) * side + math.cos(tilt) * up)
    down = math.cos(tilt) * side - math.sin(tilt) * up
    rotation = np.column_stack([np.cross(down, forward), down, forward])
    target = np.array(config.camera_target)
    return Transform.from_rotation(rotation, target - config.camera_distance_m * forward)


def projection_matrix(
    camera: PinholeCamera, near_m: float = NEAR_M, far_m: float = FAR_M
) -> NDArray[np.float64]:
    """OpenGL projection of a pinhole camera whose pixel centres have integer coordinates.

    Pixel u covers [u - 0.5, u + 0.5], so the image spans [-0.5, width - 0.5] and the principal
    point moves by half a pixel in normalised device coordinates.

    Args:
        camera: Intrinsics without distortion.
        near_m: Near plane, metres.
        far_m: Far plane, metres.

    Returns:
        Shape (4, 4), row-major; OpenGL camera axes (+X right, +Y up, -Z forward).

    Source: Hartley & Zisserman, 2nd ed., section 6.1; OpenGL 4.6 specification, section 13.8.
    """
    width, height = camera.width, camera.height
    matrix = np.zeros((4, 4))
    matrix[0, 0] = 2.0 * camera.fx / width
    matrix[0, 2] = 1.0 - 2.0 * (camera.cx + 0.5) / width
    matrix[1, 1] = 2.0 * camera.fy / height
    matrix[1, 2] = 2.0 * (camera.cy + 0.5) / height - 1.0
    matrix[2, 2] = -(far_m + near_m) / (far_m - near_m)
    matrix[2, 3] = -2.0 * far_m * near_m / (far_m - near_m)
    matrix[3, 2] = -1.0
    return matrix


def view_matrix(T_base_camera: Transform) -> NDArray[np.float64]:
    """OpenGL view matrix, shape (4, 4), row-major, of an optical frame."""
    return np.diag([1.0, -1.0, -1.0, 1.0]) @ T_base_camera.inverse().matrix


def depth_from_buffer(
    buffer: NDArray[np.floating], near_m: float = NEAR_M, far_m: float = FAR_M
) -> NDArray[np.float32]:
    """OpenGL depth buffer in [0, 1] to metres along the optical axis; NaN where it is empty."""
    value = np.asarray(buffer, dtype=np.float64)
    depth = far_m * near_m / (far_m - (far_m - near_m) * value)
    return np.where(value < 1.0 - 1e-7, depth, np.nan).astype(np.float32)


def draw(
    world: World, camera: PinholeCamera, T_base_camera: Transform
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int32]]:
    """Draw one image of a world.

    Returns:
        Colour (H, W, 3) uint8 RGB; depth (H, W) metres, NaN empty; body ids (H, W), -1 empty.
    """
    drawn, flag = camera, pybullet.ER_BULLET_HARDWARE_OPENGL
    if world.renderer == "tiny":
        # TinyRenderer samples pixels at a corner instead of the centre: measured (0.5, -0.5) px.
        drawn = dataclasses.replace(camera, cx=camera.cx - 0.5, cy=camera.cy + 0.5)
        flag = pybullet.ER_TINY_RENDERER
    _, _, color, depth, bodies = world.client.getCameraImage(
        camera.width,
        camera.height,
        viewMatrix=view_matrix(T_base_camera).T.ravel().tolist(),
        projectionMatrix=projection_matrix(drawn).T.ravel().tolist(),
        lightDirection=_LIGHT_DIRECTION,
        shadow=0,
        renderer=flag,
    )
    size = (camera.height, camera.width)
    rgb = _as_array(color, np.uint8).reshape(*size, 4)[..., :3]
    buffer = _as_array(depth, np.float32).reshape(size)
    return (
        np.ascontiguousarray(rgb),
        depth_from_buffer(buffer),
        _as_array(bodies, np.int32).reshape(size),
    )


def _as_array(values: Any, dtype: type[np.generic]) -> NDArray[Any]:
    # PyBullet returns tuples instead of arrays where it was built without numpy.
    return np.asarray(values, dtype=dtype)
