"""How the parameters that learn are moved: AdamW in one cycle, a pretrained trunk more slowly."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from grasp_detection.learned.training.config import TrainingConfig

_TRUNK = "trunk."
_WARM_SHARE = 0.15  # of the steps, in which the learning rate rises


def one_cycle(
    network: nn.Module, config: TrainingConfig, steps: int, *, pretrained: bool
) -> tuple[AdamW, OneCycleLR]:
    """An optimiser of what learns in a network, and its schedule.

    Args:
        network: With one parameter that requires a gradient at least.
        config: Of the run.
        steps: Of the whole cycle.
        pretrained: Whether the network's trunk was taught before.
    """
    rate = config.learning_rate
    groups: list[dict[str, Any]] = [
        {"params": [], "lr": rate},
        {"params": [], "lr": rate * (config.trunk_rate if pretrained else 1.0)},
    ]
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups[name.startswith(_TRUNK)]["params"].append(parameter)
    groups = [group for group in groups if group["params"]]
    optimiser = AdamW(groups, rate, weight_decay=config.weight_decay, fused=True)
    highest = [group["lr"] for group in groups]
    schedule = OneCycleLR(optimiser, highest, total_steps=max(2, steps), pct_start=_WARM_SHARE)
    return optimiser, schedule
