"""Networks by the name of their detector: a new one is a file of its own and one line here."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from grasp_core.errors import ConfigError
from grasp_detection.networks.dsc_graspnet import DscGraspNet

# From the number of input channels and the dropout to the network.
_NETWORKS: dict[str, Callable[[int, float], nn.Module]] = {
    "dsc_graspnet": DscGraspNet,
}


def network_names() -> list[str]:
    """Names of all networks, sorted."""
    return sorted(_NETWORKS)


def find_network(name: str) -> Callable[[int, float], nn.Module]:
    """What builds a network from its number of input channels and its dropout.

    Raises:
        ConfigError: No such network.
    """
    if name not in _NETWORKS:
        raise ConfigError(f"no network {name!r}; valid names are {', '.join(network_names())}")
    return _NETWORKS[name]
