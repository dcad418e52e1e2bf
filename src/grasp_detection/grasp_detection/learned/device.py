"""Where a network computes."""

from __future__ import annotations

import torch

from grasp_core.errors import ConfigError


def choose_device(device: str, index: int = 0) -> torch.device:
    """The device of a name.

    Args:
        device: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.
        index: Which GPU, where there are several.

    Raises:
        ConfigError: A GPU was asked for and there is none.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ConfigError("device is 'cuda', but torch sees no GPU here: use auto or cpu")
    return torch.device("cuda", index)
