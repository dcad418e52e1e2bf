"""How good a network is on whole, unvaried pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from grasp_core.rectangle import matches
from grasp_detection.learned.family import Family, TargetSettings
from grasp_detection.learned.training.augment import move_areas
from grasp_detection.learned.training.pictures import (
    SampleCache,
    areas_of,
    tensors_of,
    validation_inputs,
)

_BATCH = 16


@torch.inference_mode()
def validate(
    family: Family,
    network: nn.Module,
    cache: SampleCache,
    indices: Sequence[int],
    modality: str,
    size: int,
    taught: TargetSettings,
    losses: Sequence[str] = (),
) -> tuple[float, float]:
    """Loss, and the share of views whose best rectangle is right.

    Views without labels count for neither: no answer to them could be right.

    Args:
        family: What the network is.
        network: In evaluation mode.
        cache: Where the views are.
        indices: Which of them.
        modality: Input channels.
        size: Side of the input, pixels.
        taught: How targets are made.
        losses: Names of those that count; empty for all.
    """
    device = next(iter(network.state_dict().values())).device
    reading = family.config_class()
    right: list[bool] = []
    errors: list[float] = []
    for inputs, windows, samples in validation_inputs(
        family, cache, indices, modality, size, _BATCH
    ):
        predicted = family.forward(network, inputs.to(device))
        predicted = {name: tensor.float().cpu() for name, tensor in predicted.items()}
        for index, (window, sample) in enumerate(zip(windows, samples, strict=True)):
            if not len(sample.grasps):
                continue
            inside = window.to_input(sample.grasps)
            told_by = family.targets(inside, size, size, taught, sample.grasp_quality)
            if family.segments:
                areas = move_areas(areas_of(family, sample), window.matrix, size)
                told_by |= family.area_targets(areas)
            targets = tensors_of(told_by)
            told = family.losses(
                {name: tensor[index : index + 1] for name, tensor in predicted.items()},
                {name: tensor[None] for name, tensor in targets.items()},
            )
            errors.append(sum(float(told[name]) for name in losses or told))
            outputs = {name: tensor[index].numpy() for name, tensor in predicted.items()}
            found = family.read(outputs, size, reading).rows
            right.append(bool(len(found) and matches(found, inside).all()))
    return float(np.mean(errors)), float(np.mean(right))
