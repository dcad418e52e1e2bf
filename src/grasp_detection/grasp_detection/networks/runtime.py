"""Runtimes: what carries a trained network out.

OpenVINO fuses the memory-bound layers of these networks and serves CPUs; torch serves GPUs, and
CPUs where OpenVINO is not installed. Both give the same maps up to rounding.
"""

from __future__ import annotations

import importlib.util
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from grasp_core.errors import ConfigError, MissingDependency
from grasp_detection.generative.config import RUNTIMES
from grasp_detection.networks.device import choose_device

AUTO, OPENVINO, TORCH = RUNTIMES
_TRACED_PX = 64  # side of the picture that conversion runs on; any other size works afterwards


class Runtime(Protocol):
    """A network that maps arrays to arrays.

    Attributes:
        name: One of :data:`grasp_detection.generative.config.RUNTIMES`, without ``auto``.
        device: Where it computes, for people to read.
    """

    name: str
    device: str

    def __call__(self, channels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shape (B, C, H, W) -> (B, 4, H, W), float32."""
        ...


def start_runtime(network: nn.Module, channels: int, runtime: str, device: str) -> Runtime:
    """Prepare a network for use.

    Args:
        network: In evaluation mode, with its weights.
        channels: Input channels.
        runtime: ``auto`` for what is quickest on the device, ``openvino`` or ``torch``.
        device: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.

    Raises:
        ConfigError: No such runtime or device, or they do not go together.
        MissingDependency: OpenVINO was asked for and is not installed.
    """
    if runtime not in RUNTIMES:
        raise ConfigError(f"no runtime {runtime!r}; valid are {', '.join(RUNTIMES)}")
    # OpenVINO asked for by name is meant for the CPU.
    where = choose_device("cpu" if runtime == OPENVINO and device == AUTO else device)
    if runtime == TORCH or where.type != "cpu":
        if runtime == OPENVINO:
            raise ConfigError("runtime openvino computes on a CPU: set device to cpu or auto")
        return TorchRuntime(network, where)
    if runtime == AUTO and importlib.util.find_spec("openvino") is None:
        return TorchRuntime(network, where)
    return OpenVinoRuntime(network, channels)


class TorchRuntime:
    """The network as it is."""

    name = TORCH

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        self._network = network.eval().to(device)
        self._device = device
        self.device = str(device)

    def __call__(self, channels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shape (B, C, H, W) -> (B, 4, H, W), float32."""
        with torch.inference_mode():
            maps = self._network(torch.from_numpy(channels).to(self._device))
        return np.asarray(maps.float().cpu().numpy())


class OpenVinoRuntime:
    """The network converted to OpenVINO, for pictures of any size."""

    name, device = OPENVINO, "cpu"

    def __init__(self, network: nn.Module, channels: int) -> None:
        """Convert and compile; it will use as many threads as torch does now.

        Raises:
            MissingDependency: OpenVINO is not installed.
        """
        try:
            import openvino
            from openvino.frontend import FrontEndManager
            from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
        except ImportError as error:
            raise MissingDependency(
                f"runtime openvino needs {error.name}, which is not installed: run make setup, "
                "or pip install openvino, or set runtime to torch"
            ) from error
        picture = torch.zeros(1, channels, _TRACED_PX, _TRACED_PX)
        # The two steps of openvino.convert_model that do the work; it would check the trace by
        # running the network twice more, and report the conversion over the net.
        with torch.no_grad():
            traced = torch.jit.trace(network.eval().cpu(), picture, check_trace=False)
        frontend = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(traced)  # has to live until the conversion is over
        model = frontend.convert(frontend.load(decoder))
        model.reshape({model.input(0): [-1, channels, -1, -1]})
        settings: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._model = openvino.Core().compile_model(model, "CPU", settings)

    def __call__(self, channels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shape (B, C, H, W) -> (B, 4, H, W), float32."""
        return np.asarray(self._model(channels)[0])
