"""Input channels of networks that others have taught: relative to the picture's own means.

They see colour relative to one mean of all its channels, where this stack takes each channel's
own, and depth relative to its mean over the picture, where this stack takes the support's plane:
under a camera that looks straight down a constant lies between the two, under a tilted one more.
Weights that were brought in keep what they were taught with.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import ConfigError
from grasp_detection.learned.inputs import RELIEF_UNIT_M

PICTURE_MEANS = "picture"  # `means` in the metadata of weights that were taught so
_LARGEST_M = 1.0  # what is further from the mean looks the same


def by_picture_means(
    color: NDArray[np.uint8] | None, ahead_m: NDArray[np.float32] | None, modality: str
) -> NDArray[np.float32]:
    """Stack the input channels.

    Args:
        color: Shape (H, W, 3), uint8, RGB; needed unless the modality is ``d``.
        ahead_m: Shape (H, W), float32, metres towards the camera from anywhere: depth with its
            sign turned, or relief; needed unless the modality is ``rgb``.
        modality: One of :data:`grasp_detection.learned.inputs.CHANNELS`.

    Returns:
        Shape (C, H, W), float32: colour in [-1, 1], then depth in
        :data:`~grasp_detection.learned.inputs.RELIEF_UNIT_M`, towards the camera.

    Raises:
        ConfigError: A channel that the modality needs is not there.

    Source: Morrison et al., GG-CNN, and Kumra et al., GR-ConvNet, as their code prepares pictures.
    """
    planes: list[NDArray[np.float32]] = []
    if modality != "d":
        if color is None:
            raise ConfigError(f"modality {modality!r} needs colour, which is not there")
        scaled = np.asarray(color, np.float32).transpose(2, 0, 1) / np.float32(255.0)
        planes += list(scaled - scaled.mean())
    if modality != "rgb":
        if ahead_m is None:
            raise ConfigError(f"modality {modality!r} needs depth, which is not there")
        off = np.clip(ahead_m - ahead_m.mean(), -_LARGEST_M, _LARGEST_M)
        planes.append(off / np.float32(RELIEF_UNIT_M))
    return np.ascontiguousarray(np.stack(planes), np.float32)
