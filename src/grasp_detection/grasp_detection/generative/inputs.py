"""From colour and depth to the network's input channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grasp_core.depth import fill_invalid
from grasp_core.errors import ConfigError

CHANNELS = {"d": 1, "rgb": 3, "rgbd": 4}
STRIDE = 8  # networks halve their input up to three times: its sides must be multiples of this
_DEPTH_REACH_M = 1.0


def channels_of(modality: str) -> int:
    """Number of input channels.

    Raises:
        ConfigError: No such modality.
    """
    if modality not in CHANNELS:
        raise ConfigError(f"no modality {modality!r}; valid are {', '.join(CHANNELS)}")
    return CHANNELS[modality]


def whole_depth(depth_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """Depth without holes: filled from their surroundings, 0 where nothing was measured at all."""
    return np.nan_to_num(fill_invalid(depth_m), nan=0.0)


def to_channels(
    color: NDArray[np.uint8] | None, depth_m: NDArray[np.float32] | None, modality: str
) -> NDArray[np.float32]:
    """Stack the input channels, each relative to its mean over the picture.

    Args:
        color: Shape (H, W, 3), uint8, RGB; needed unless the modality is ``d``.
        depth_m: Shape (H, W), float32, metres, finite; needed unless the modality is ``rgb``.
        modality: One of :data:`CHANNELS`.

    Returns:
        Shape (C, H, W), float32: colour in [-1, 1], then depth in metres, at most 1 m from the
        mean.
    """
    planes: list[NDArray[np.float32]] = []
    if modality != "d":
        if color is None:
            raise ConfigError(f"modality {modality!r} needs colour, which is not there")
        scaled = np.asarray(color, np.float32).transpose(2, 0, 1) / np.float32(255.0)
        planes += list(scaled - scaled.mean(axis=(1, 2), keepdims=True))
    if modality != "rgb":
        if depth_m is None:
            raise ConfigError(f"modality {modality!r} needs depth, which is not there")
        offset = depth_m - depth_m.mean()
        planes.append(np.clip(offset, -_DEPTH_REACH_M, _DEPTH_REACH_M))
    return np.ascontiguousarray(np.stack(planes), np.float32)
