"""Networks carried out by ONNX Runtime."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from grasp_core.optional import needed_by

_INPUT = "channels"
_DYNAMIC = {0: "batch", 2: "height", 3: "width"}
_TRACED_PX = 64  # side of the picture that the export runs on; any other size works afterwards
_OPSET = 17
_ERRORS_ONLY = 3


class OnnxRuntime:
    """A network exported to ONNX, for pictures of any size; see :class:`Runtime`."""

    name, device = "onnxruntime", "cpu"

    def __init__(self, network: nn.Module, channels: int, outputs: Sequence[str]) -> None:
        """Export and load; it will use as many threads as torch does now.

        Raises:
            MissingDependency: ONNX or ONNX Runtime is not installed.
        """
        with needed_by("runtime onnxruntime", "onnx onnxruntime", "set runtime to torch"):
            import onnx  # noqa: F401 - what torch exports with
            import onnxruntime
        self._outputs = tuple(outputs)
        picture = torch.zeros(1, channels, _TRACED_PX, _TRACED_PX)
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            # The exporter that came after takes 10 to 30 s for these networks, not one.
            warnings.simplefilter("ignore", DeprecationWarning)
            exported = Path(folder) / "network.onnx"
            torch.onnx.export(
                network.eval().cpu(),
                (picture,),
                exported,
                dynamo=False,
                input_names=[_INPUT],
                output_names=list(outputs),
                dynamic_axes={_INPUT: _DYNAMIC},
                opset_version=_OPSET,
            )
            model = exported.read_bytes()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = _ERRORS_ONLY
        # Between pictures the cores belong to others.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, channels: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """See :class:`Runtime`."""
        found = self._session.run(list(self._outputs), {_INPUT: channels})
        return dict(zip(self._outputs, map(np.asarray, found), strict=True))
