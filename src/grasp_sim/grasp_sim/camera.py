"""The RGB-D camera: where it stands, and the exact matrices of its pinhole projection."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.transform import Transform
from grasp_sim.config import SimConfig

NEAR_M = 0.05
FAR_M = 4.0


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
    """``T_base_camera`` of a fixed camera's optical frame (+X right, +Y down, +Z forward).

    The camera looks at its target from the configured distance. It leans by the tilt towards the
    azimuth's side, and that side is at the bottom of the image, also when it looks straight down.
    """
    tilt, azimuth = math.radians(config.camera_tilt_deg), math.radians(config.camera_azimuth_deg)
    side = np.array([math.cos(azimuth), math.sin(azimuth), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    forward = -(math.sin(tilt) * side + math.cos(tilt) * up)
    down = math.cos(tilt) * side - math.sin(tilt) * up
    rotation = np.column_stack([np.cross(down, forward), down, forward])
    target = np.array(config.in_cell().camera_target)
    return Transform.from_rotation(rotation, target - config.camera_distance_m * forward)


def hand_camera_pose(config: SimConfig) -> Transform:
    """``T_tcp_camera`` of the optical frame of a camera on the hand."""
    return Transform.from_rpy(np.radians(config.hand_camera_rpy_deg), config.hand_camera_xyz_m)


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
