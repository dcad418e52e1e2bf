"""Weights or a trunk to start a training from, instead of drawing all numbers by chance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from grasp_core.errors import ConfigError
from grasp_detection.learned.family import Family
from grasp_detection.learned.inputs import CHANNELS
from grasp_detection.learned.trunk_files import RANDOM, Trunk, load_trunk
from grasp_detection.learned.weights import Weights


def find_start(family: Family, trunk: str, initial: Weights | None) -> Trunk | None:
    """The trunk that a training starts from; None for none.

    Args:
        family: The network.
        trunk: As asked for: a shipped name, a file, ``random``, or empty for the family's own.
        initial: Weights to start from, which bring a trunk.

    Raises:
        ConfigError: The network has no trunk, or there is none of that name.
        WeightsError: It is not there, or broken.
    """
    if not family.trunk:
        if trunk:
            raise ConfigError(f"--trunk {trunk} means nothing for a network without one")
        return None
    if initial is not None or trunk == RANDOM:
        return None
    return load_trunk(trunk or family.trunk)


def kept_trunk(initial: Weights | None) -> dict[str, Any]:
    """The trunk's layout that weights to start from have, where they have one."""
    measured = {} if initial is None else initial.metadata.get("measured", {})
    return {name: value for name, value in measured.items() if name == "trunk"}


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
