"""Weights of the networks with maps that others have published, turned to our conventions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from grasp_detection.learned.inputs import CHANNELS, RELIEF_UNIT_M
from grasp_detection.learned.weights import WeightsError


def converter(stem: str) -> Callable[[Mapping[str, Tensor], str], dict[str, Tensor]]:
    """What converts the tensors of a network whose first convolution has this name."""

    def convert(state: Mapping[str, Tensor], modality: str) -> dict[str, Tensor]:
        return _converted(state, modality, stem)

    return convert


def _converted(state: Mapping[str, Tensor], modality: str, stem: str) -> dict[str, Tensor]:
    """Published tensors as this stack's network needs them.

    Three conventions differ. Published networks see depth in metres, away from the camera, before
    colour: their first filters are turned to relief, towards the camera, after colour. Their angle
    turns the other way round, v pointing up: the sign of sine changes. What is subtracted from
    colour and depth is for who feeds them: see :mod:`grasp_detection.learned.picture_means`.

    Raises:
        WeightsError: The network has other input channels.
    """
    adapted = dict(state)
    filters = adapted.get(f"{stem}.weight")
    planes = CHANNELS[modality]
    if filters is not None and filters.shape[1] != len(planes):
        raise WeightsError(
            f"the network sees {filters.shape[1]} channel(s), but modality {modality!r} has "
            f"{len(planes)}: give the one it was trained with"
        )
    if filters is not None and "relief" in planes:
        depth = -RELIEF_UNIT_M * filters[:, :1]
        adapted[f"{stem}.weight"] = torch.cat([filters[:, 1:], depth], dim=1)
    for part in ("weight", "bias"):
        name = f"sin_output.{part}"
        if name in adapted:
            adapted[name] = -adapted[name]
    return adapted
