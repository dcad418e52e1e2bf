"""Pictures of the world through PyBullet's renderers, exact to the pinhole model."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pybullet
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.transform import Transform
from grasp_sim.camera import depth_from_buffer, projection_matrix, view_matrix
from grasp_sim.world import World

_LIGHT_DIRECTION = (0.0, 0.0, 1.0)  # from straight above: elsewhere EGL shades half the table


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
