"""Networks carried out by OpenVINO: it fuses the layers whose cost is memory, not arithmetic."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from grasp_core.optional import needed_by
from grasp_detection.learned.config import OPENVINO, OPENVINO_BF16

_SIZES = 4  # of pictures for which a network is compiled: a sixth faster than one for any size
_TRACED_PX = 64  # side of the picture that conversion runs on; any other size works afterwards


class OpenVinoRuntime:
    """A network converted to OpenVINO, for pictures of any size; see :class:`Runtime`."""

    device = "cpu"

    def __init__(
        self, network: nn.Module, channels: int, outputs: Sequence[str], *, half: bool = False
    ) -> None:
        """Convert and compile; it will use as many threads as torch does now.

        Args:
            network: In evaluation mode.
            channels: Input channels.
            outputs: Names of what it puts out, in order.
            half: Compute in bfloat16, where the processor has it: what comes out differs by some
                hundredths.

        Raises:
            MissingDependency: OpenVINO is not installed.
        """
        with needed_by("runtime openvino", "openvino", "set runtime to torch"):
            import openvino
            from openvino.frontend import FrontEndManager
            from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
        self.name = OPENVINO_BF16 if half else OPENVINO
        self._outputs = tuple(outputs)
        picture = torch.zeros(1, channels, _TRACED_PX, _TRACED_PX)
        # The two steps of openvino.convert_model that do the work; it would check the trace by
        # running the network twice more, and report the conversion over the net.
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            traced = torch.jit.trace(network.eval().cpu(), picture, check_trace=False)
        frontend = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(traced)  # has to live until the conversion is over
        self._model = frontend.convert(frontend.load(decoder))
        self._core = openvino.Core()
        self._settings: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._any_size = self._compiled((-1, channels, -1, -1))
        self._by_size: dict[tuple[int, ...], Any] = {}

    def __call__(self, channels: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """See :class:`Runtime`; the first of a size takes longer."""
        size = channels.shape
        if size not in self._by_size and len(self._by_size) < _SIZES:
            self._by_size[size] = self._compiled(size)
        found = self._by_size.get(size, self._any_size)(channels)
        return {name: np.asarray(found[index]) for index, name in enumerate(self._outputs)}

    def _compiled(self, size: tuple[int, ...]) -> Any:
        model = self._model.clone()
        model.reshape({model.input(0): list(size)})
        return self._core.compile_model(model, "CPU", self._settings)
