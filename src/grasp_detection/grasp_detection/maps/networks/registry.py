"""Networks by the name of their detector: a new one is a file of its own and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from grasp_core.errors import ConfigError
from grasp_detection.maps.losses import (
    p_huber,
    smooth_l1,
    squared,
    weighted_squared,
    weighted_squared_angle,
)
from grasp_detection.maps.networks.dsc_graspnet import DscGraspNet
from grasp_detection.maps.networks.efcn import Efcn, EfcnAngle, EfcnFull
from grasp_detection.maps.networks.fast import Fast
from grasp_detection.maps.networks.gg_cnn2 import GgCnn2
from grasp_detection.maps.networks.gr_convnet import GrConvNet


@dataclass(frozen=True)
class Architecture:
    """A network and how it is taught.

    Attributes:
        build: From the number of input channels and the dropout to the network.
        loss: From predicted and true maps to what is to become small.
        quickest: Runtime that is quickest on a CPU, as `grasp bench` measures.
    """

    build: Callable[[int, float], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor] = p_huber
    quickest: str = "openvino"


_NETWORKS: dict[str, Architecture] = {
    "dsc_graspnet": Architecture(DscGraspNet, p_huber),
    "efcn": Architecture(Efcn, weighted_squared),
    "efcn_angle": Architecture(EfcnAngle, weighted_squared_angle),
    "efcn_full": Architecture(EfcnFull, weighted_squared),
    "fast": Architecture(Fast, p_huber),
    "gg_cnn2": Architecture(GgCnn2, squared),
    "gr_convnet": Architecture(GrConvNet, smooth_l1),
}


def network_names() -> list[str]:
    """Names of all networks, sorted."""
    return sorted(_NETWORKS)


def find_network(name: str) -> Architecture:
    """The network of a detector, and how it is taught.

    Raises:
        ConfigError: No such network.
    """
    if name not in _NETWORKS:
        raise ConfigError(f"no network {name!r}; valid names are {', '.join(network_names())}")
    return _NETWORKS[name]
