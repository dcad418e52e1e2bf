"""From colour and relief to the network's input channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import ConfigError

_COLORS = ("red", "green", "blue")
CHANNELS = {
    "d": ("relief",),
    "rgb": _COLORS,
    "rgbd": (*_COLORS, "relief"),
    "rgd": (*_COLORS[:2], "relief"),  # as networks for three channels see depth
}
RELIEF_M = (-0.1, 0.3)  # what lies lower or higher looks the same
RELIEF_UNIT_M = 0.1
MAX_INPUT_PX = 1024  # side of what is shown to a network


def channels_of(modality: str) -> int:
    """Number of input channels.

    Raises:
        ConfigError: No such modality.
    """
    if modality not in CHANNELS:
        raise ConfigError(f"no modality {modality!r}; valid are {', '.join(CHANNELS)}")
    return len(CHANNELS[modality])


def to_channels(
    color: NDArray[np.uint8] | None,
    relief_m: NDArray[np.float32] | None,
    modality: str,
) -> NDArray[np.float32]:
    """Stack the input channels.

    Args:
        color: Shape (H, W, 3), uint8, RGB; needed unless the modality is ``d``.
        relief_m: Shape (H, W), float32, metres; see
            :func:`grasp_detection.learned.relief.relief`; needed unless the modality is
            ``rgb``.
        modality: One of :data:`CHANNELS`.

    Returns:
        Shape (C, H, W), float32: colour in [-1, 1] relative to its mean over the picture, then
        relief in :data:`RELIEF_UNIT_M`, clipped to :data:`RELIEF_M`.
    """
    planes: list[NDArray[np.float32]] = []
    if modality != "d":
        if color is None:
            raise ConfigError(f"modality {modality!r} needs colour, which is not there")
        scaled = np.asarray(color, np.float32).transpose(2, 0, 1) / np.float32(255.0)
        planes += list(scaled - scaled.mean(axis=(1, 2), keepdims=True))
        planes = planes[: sum(name in _COLORS for name in CHANNELS[modality])]
    if modality != "rgb":
        if relief_m is None:
            raise ConfigError(f"modality {modality!r} needs depth, which is not there")
        planes.append(np.clip(relief_m, *RELIEF_M) / np.float32(RELIEF_UNIT_M))
    return np.ascontiguousarray(np.stack(planes), np.float32)
