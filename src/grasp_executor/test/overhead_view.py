"""What a camera over the table sees of blocks on it."""

from __future__ import annotations

import numpy as np

from grasp_core.camera import PinholeCamera
from grasp_core.transform import Transform

CAMERA = PinholeCamera(320, 240, 300.0, 300.0, 159.5, 119.5)
# 0.6 m above the table's middle, looking straight down; image up is +x.
OVERHEAD = Transform.from_rotation(np.array([[0, -1, 0], [-1, 0, 0], [0, 0, -1]]), (0.5, 0.0, 0.6))


def render(blocks, T_base_camera, support_z=0.0, camera=CAMERA):
    """Depth of axis-aligned blocks (x0, x1, y0, y1, top) on a plane, by the slab method."""
    v, u = np.mgrid[0 : camera.height, 0 : camera.width]
    rays = camera.rays(np.stack([u, v], axis=-1).astype(float))
    direction = rays @ T_base_camera.rotation.T
    origin = T_base_camera.translation
    depth = (support_z - origin[2]) / direction[..., 2]
    depth = np.where(depth > 0.0, depth, np.nan)
    for x0, x1, y0, y1, top in blocks:
        low, high = np.array([x0, y0, support_z]), np.array([x1, y1, top])
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (low - origin) / direction, (high - origin) / direction
        near, far = np.fmin(a, b).max(axis=-1), np.fmax(a, b).min(axis=-1)
        hit = (near <= far) & (near > 0.0)
        depth = np.where(hit, np.fmin(near, depth), depth)
    return depth.astype(np.float32)
