"""How a scene looks: a table top of any pattern, and light of any colour and direction.

The renderer draws one plain table in white light from above. Here its pixels are given a texture
that lies on the table as a real one would, and the whole picture is lit anew: from one side, and
less where something stands nearby.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.transform import Transform

_TILE_PX = 256
_TILE_M = (0.15, 0.6)  # side of the pattern before it repeats


def lit(
    color: NDArray[np.uint8],
    depth_m: NDArray[np.float32],
    on_table: NDArray[np.bool_],
    table_rgb: tuple[float, float, float],
    camera: PinholeCamera,
    T_base_camera: Transform,
    support_z_m: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Repaint the table and change the light.

    Args:
        color: Shape (H, W, 3), uint8, as rendered.
        depth_m: Shape (H, W), float32, metres, exact; NaN where there is nothing.
        on_table: Shape (H, W), pixels of the table top.
        table_rgb: Colour of the table as it was rendered, in [0, 1].
        camera: Intrinsics without distortion.
        T_base_camera: Pose of the optical frame.
        support_z_m: Height of the table top in the base frame, metres.
        rng: Source of pattern and light.

    Returns:
        Shape (H, W, 3), uint8.
    """
    seen = color.astype(np.float32) / np.float32(255.0)
    tile, tile_m = _tile(rng), float(rng.uniform(*_TILE_M))
    pattern = _on_plane(tile, camera, T_base_camera, support_z_m, tile_m)
    seen[on_table] = seen[on_table] * pattern[on_table] / np.asarray(table_rgb, np.float32)
    seen = seen * _light(seen.shape[0], seen.shape[1], rng)
    seen *= _shade(depth_m, camera, rng)[..., None]
    return np.asarray(cv2.convertScaleAbs(seen, alpha=255.0), np.uint8)


def _tile(rng: np.random.Generator) -> NDArray[np.float32]:
    """A square that repeats: shape (256, 256, 3), colours in [0, 1]."""
    pattern = _PATTERNS[int(rng.integers(len(_PATTERNS)))](rng)[..., None]
    dark, bright = np.sort(rng.uniform(0.05, 1.0, 2))
    low = np.clip(dark + rng.normal(0.0, 0.08, 3), 0.0, 1.0)
    high = np.clip(bright + rng.normal(0.0, 0.08, 3), 0.0, 1.0)
    return np.asarray(low + (high - low) * pattern, np.float32)


def _plain(rng: np.random.Generator) -> NDArray[np.float32]:
    return np.full((_TILE_PX, _TILE_PX), rng.random(), np.float32)


def _clouds(rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise of several scales; fine scales alone look like sand, coarse ones like stains."""
    total = np.zeros((_TILE_PX, _TILE_PX), np.float32)
    for cells in (4, 8, 16, 32, 64, 128):
        grid = rng.random((cells, cells), np.float32)
        wrapped = np.pad(grid, 1, mode="wrap")
        step = _TILE_PX // cells
        large = cv2.resize(wrapped, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        total += rng.uniform(0.0, 1.0) * large[step:-step, step:-step]
    return _stretched(total)


def _grain(rng: np.random.Generator) -> NDArray[np.float32]:
    """Long streaks, like wood."""
    streaks = rng.random((_TILE_PX, int(rng.choice([2, 4, 8]))), np.float32)
    across = cv2.resize(streaks, (_TILE_PX, _TILE_PX), interpolation=cv2.INTER_LINEAR)
    return _stretched(across + np.float32(rng.uniform(0.0, 0.5)) * _clouds(rng))


def _checks(rng: np.random.Generator) -> NDArray[np.float32]:
    """Squares, or stripes."""
    period = int(rng.choice([16, 32, 64]))
    index = np.arange(_TILE_PX) // period % 2
    other = index if rng.random() < 0.5 else np.zeros_like(index)
    return np.asarray(index[:, None] ^ other[None, :], np.float32)


_PATTERNS = (_plain, _plain, _clouds, _clouds, _grain, _checks)


def _stretched(values: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = values.min(), values.max()
    return np.asarray((values - low) / max(float(high - low), 1e-6), np.float32)


def _on_plane(
    tile: NDArray[np.float32],
    camera: PinholeCamera,
    T_base_camera: Transform,
    z_m: float,
    tile_m: float,
) -> NDArray[np.float32]:
    """The pattern as the camera sees it on a level plane of the base frame, shape (H, W, 3)."""
    T_camera_base = T_base_camera.inverse()
    columns = [T_camera_base.rotation[:, 0], T_camera_base.rotation[:, 1]]
    plane = np.column_stack([*columns, T_camera_base.apply((0.0, 0.0, z_m))])
    x = ((np.arange(camera.width) - camera.cx) / camera.fx).astype(np.float32)
    y = ((np.arange(camera.height) - camera.cy) / camera.fy).astype(np.float32)[:, None]
    along, across, depth = (
        np.float32(a) * x + np.float32(b) * y + np.float32(c) for a, b, c in np.linalg.inv(plane)
    )
    depth = np.where(np.abs(depth) < 1e-6, np.float32(1e-6), depth) * np.float32(tile_m)
    column, row = (np.mod(one / depth, 1.0) * np.float32(_TILE_PX) for one in (along, across))
    return np.asarray(
        cv2.remap(tile, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32
    )


def _light(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A factor for each pixel: strength, a slope over the picture, colour; (H, W, 3)."""
    direction = rng.uniform(-np.pi, np.pi)
    slope = rng.uniform(0.0, 0.35)
    across = slope * np.cos(direction) * np.linspace(-1.0, 1.0, width)
    down = slope * np.sin(direction) * np.linspace(-1.0, 1.0, height)
    plane = 1.0 + across.astype(np.float32) + down.astype(np.float32)[:, None]
    warmth = rng.normal(0.0, 0.06)
    tint = rng.uniform(0.6, 1.3) * np.array([1.0 + warmth, 1.0, 1.0 - warmth])
    return np.asarray(plane[..., None] * tint.astype(np.float32), np.float32)


def _shade(
    depth_m: NDArray[np.float32], camera: PinholeCamera, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A factor for each pixel: light from one side, and little of it in corners; (H, W)."""
    away = np.nan_to_num(depth_m, nan=float(np.nan_to_num(np.nanmax(depth_m), nan=1.0)))
    near = np.minimum(away, cv2.GaussianBlur(away, (0, 0), 1.0))
    right = cv2.Sobel(near, cv2.CV_32F, 1, 0, scale=camera.fx / 8.0) / near
    down = cv2.Sobel(near, cv2.CV_32F, 0, 1, scale=camera.fy / 8.0) / near
    side, steep = rng.uniform(-np.pi, np.pi), rng.uniform(0.2, 0.9)
    facing = (1.0 - steep) + steep * (np.cos(side) * right + np.sin(side) * down)
    facing = np.maximum(facing / np.sqrt(right**2 + down**2 + 1.0), 0.0)
    reach = int(rng.integers(15, 41))
    hidden = np.clip((away - cv2.blur(away, (reach, reach))) / 0.04, 0.0, 1.0)
    strength, corner = rng.uniform(0.1, 0.6), rng.uniform(0.0, 0.6)
    light = 1.0 - strength + strength * facing / max(1.0 - steep, 0.1)
    return np.asarray(np.clip(light, 0.3, 1.6) * (1.0 - corner * hidden), np.float32)
