"""How good a network is on whole, unvaried pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from grasp_core.rectangle import matches
from grasp_detection.learned.training.config import TrainingConfig
from grasp_detection.learned.training.pictures import SampleCache, validation_inputs
from grasp_detection.maps.maps import BLUR, WIDTH_UNIT, paint, read

_BATCH = 16


@torch.inference_mode()
def validate(
    network: nn.Module,
    loss: Callable[[Tensor, Tensor], Tensor],
    cache: SampleCache,
    indices: Sequence[int],
    config: TrainingConfig,
    size: int,
    device: torch.device,
) -> tuple[float, float]:
    """Loss, and the share of views whose best rectangle is right.

    Views without labels count for neither: no answer to them could be right.

    Args:
        network: In evaluation mode.
        loss: Of predicted and true maps.
        cache: Where the views are.
        indices: Which of them.
        config: Modality, and how targets are painted.
        size: Side of the input, pixels.
        device: Where the network is.
    """
    right: list[bool] = []
    losses: list[float] = []
    for inputs, windows, samples in validation_inputs(
        cache, indices, config.modality, size, _BATCH
    ):
        predicted = network(inputs.to(device)).cpu()
        for maps, window, sample in zip(predicted, windows, samples, strict=True):
            if not len(sample.grasps):
                continue
            inside = window.to_input(sample.grasps)
            target = torch.from_numpy(
                paint(inside, size, quality=sample.grasp_quality, bell=config.bell)
            )
            losses.append(float(loss(maps[None], target[None])))
            found, *_ = read(maps.numpy(), unit_px=WIDTH_UNIT * size, blur_px=BLUR * size)
            right.append(bool(len(found) and matches(found, inside).all()))
    return float(np.mean(losses)), float(np.mean(right))
