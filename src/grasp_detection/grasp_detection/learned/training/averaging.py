"""A running average of a network's weights and statistics: better than any single step."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class RunningAverage:
    """An exponential average over the steps that forgets its first values fast.

    Attributes:
        network: A copy of the network that holds the average, for validation.
        steps: Updates so far.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.steps = 0
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the weights after a step."""
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps)) if self.steps else 0.0
        kept, new = self.network.state_dict(), network.state_dict()
        floating = [name for name, tensor in kept.items() if tensor.is_floating_point()]
        torch._foreach_lerp_([kept[n] for n in floating], [new[n] for n in floating], 1.0 - decay)
        for name in kept.keys() - set(floating):
            kept[name].copy_(new[name])
        self.steps += 1

    def state(self) -> dict[str, Tensor]:
        """A copy of the average, on the CPU."""
        return {name: t.detach().cpu().clone() for name, t in self.network.state_dict().items()}
