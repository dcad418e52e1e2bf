"""Weights to start a training from, instead of drawing them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from grasp_detection.learned.inputs import CHANNELS
from grasp_detection.learned.weights import Weights


def start_from(weights: Weights, network: nn.Module, modality: str) -> None:
    """Give a network the weights of one that may have had other input channels.

    Filters of channels that both have are kept; those of new ones start at zero, so that a
    network that gets colour beside depth begins as good as it was on depth.

    Args:
        weights: Where to start.
        network: Network of the same architecture; its first convolution reads the input.
        modality: Input channels of ``network``.

    Raises:
        WeightsError: The networks differ in more than their input channels.
    """
    before, now = CHANNELS[weights.metadata["modality"]], CHANNELS[modality]
    stem = next(name for name, part in network.named_modules() if isinstance(part, nn.Conv2d))
    kept = weights.state.get(f"{stem}.weight")
    if before != now and kept is not None:
        filters = torch.zeros(len(kept), len(now), *kept.shape[2:])
        for plane, name in enumerate(now):
            if name in before:
                filters[:, plane] = kept[:, before.index(name)]
        weights = replace(weights, state={**weights.state, f"{stem}.weight": filters})
    weights.load_into(network)
