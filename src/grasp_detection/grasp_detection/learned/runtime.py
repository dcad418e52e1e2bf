"""Runtimes: what carries a trained network out.

All give the same arrays up to rounding, of which there is more in half precision: that one has to
be asked for by name. Which is quickest depends on the network and the processor:
`grasp bench` measures it, and each network says what was measured.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from grasp_core.errors import ConfigError
from grasp_detection.learned.config import (
    AUTO,
    ONNXRUNTIME,
    OPENVINO,
    OPENVINO_BF16,
    RUNTIMES,
    TORCH,
)
from grasp_detection.learned.device import choose_device
from grasp_detection.learned.family import named

_FOR_CPU = (ONNXRUNTIME, OPENVINO, OPENVINO_BF16)


class Runtime(Protocol):
    """A network that maps an array to named arrays.

    Attributes:
        name: One of :data:`grasp_detection.learned.config.RUNTIMES`, without ``auto``.
        device: Where it computes, for people to read.
    """

    name: str
    device: str

    def __call__(self, channels: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Shape (B, C, H, W), float32 -> what the network puts out, by name, batch first."""
        ...


def start_runtime(
    network: nn.Module,
    channels: int,
    outputs: Sequence[str],
    runtime: str,
    device: str,
    quickest: str = OPENVINO,
) -> Runtime:
    """Prepare a network for use.

    Args:
        network: In evaluation mode, with its weights.
        channels: Input channels.
        outputs: Names of what it puts out, in order.
        runtime: ``auto``, ``onnxruntime``, ``openvino``, ``openvino_bf16`` or ``torch``.
        device: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.
        quickest: What ``auto`` means on a CPU, where it is installed; on a GPU, and where it is
            not installed, ``auto`` means torch.

    Raises:
        ConfigError: No such runtime or device, or they do not go together.
        MissingDependency: A runtime was asked for by name and is not installed.
    """
    if runtime not in RUNTIMES:
        raise ConfigError(f"no runtime {runtime!r}; valid are {', '.join(RUNTIMES)}")
    # A runtime for CPUs that is asked for by name is meant for the CPU.
    for_cpu = runtime in _FOR_CPU
    where = choose_device("cpu" if for_cpu and device == AUTO else device)
    if for_cpu and where.type != "cpu":
        raise ConfigError(f"runtime {runtime} computes on a CPU: set device to cpu or auto")
    if runtime == AUTO:
        there = importlib.util.find_spec(quickest) is not None
        runtime = quickest if where.type == "cpu" and there else TORCH
    if runtime in (OPENVINO, OPENVINO_BF16):
        from grasp_detection.learned.openvino_runtime import OpenVinoRuntime

        return OpenVinoRuntime(network, channels, outputs, half=runtime == OPENVINO_BF16)
    if runtime == ONNXRUNTIME:
        from grasp_detection.learned.onnx_runtime import OnnxRuntime

        return OnnxRuntime(network, channels, outputs)
    return TorchRuntime(network, outputs, where)


class TorchRuntime:
    """The network as it is."""

    name = TORCH

    def __init__(self, network: nn.Module, outputs: Sequence[str], device: torch.device) -> None:
        self._network = network.eval().to(device)
        self._outputs = tuple(outputs)
        self._device = device
        self.device = str(device)

    def __call__(self, channels: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """See :class:`Runtime`."""
        with torch.inference_mode():
            found = self._network(torch.from_numpy(channels).to(self._device))
        return {
            name: np.asarray(one.float().cpu().numpy())
            for name, one in named(self._outputs, found).items()
        }
