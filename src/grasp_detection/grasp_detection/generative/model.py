"""A trained generative network: pictures in, maps or ranked rectangles out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from grasp_core.errors import ConfigError
from grasp_detection.calibration import Calibration
from grasp_detection.generative.inputs import channels_of, to_channels
from grasp_detection.generative.maps import BLUR, WIDTH_UNIT, read
from grasp_detection.generative.relief import relief
from grasp_detection.generative.window import Window
from grasp_detection.networks.device import choose_device
from grasp_detection.networks.registry import find_network
from grasp_detection.ranking import Ranking
from grasp_detection.weights import Weights, load_weights


class GenerativeModel:
    """A network with its weights, its input size and its calibration.

    Attributes:
        name: Detector the network belongs to.
        metadata: What the weights say of themselves.
        modality: Input channels: ``d``, ``rgb`` or ``rgbd``.
        size: Side of the input it was trained with, pixels.
        parameters: Number of trained numbers.
    """

    def __init__(self, name: str, weights: Weights, device: str = "auto") -> None:
        """Build the network.

        Args:
            name: Detector the network belongs to.
            weights: Trained for that network.
            device: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.

        Raises:
            ConfigError: No such network, or no GPU where one was asked for.
            WeightsError: The weights were made for another network.
        """
        self.name = name
        self.metadata: Mapping[str, Any] = weights.metadata
        self.modality = str(weights.metadata["modality"])
        self.size = int(weights.metadata["size"])
        self._calibration = Calibration.from_json(weights.metadata["calibration"])
        self._device = choose_device(device)
        network = find_network(name).build(channels_of(self.modality), 0.0)
        weights.load_into(network)
        self._network = network.eval().to(self._device)
        self.parameters = sum(p.numel() for p in network.parameters())

    def window(self, height: int, width: int) -> Window:
        """What it sees of a picture unless told otherwise: the largest square in the middle."""
        return Window.centred(height, width, self.size)

    def maps(
        self,
        color: NDArray[np.uint8] | None,
        depth_m: NDArray[np.float32] | None,
        window: Window,
    ) -> NDArray[np.float32]:
        """Predict the maps of a window; see :mod:`grasp_detection.generative.maps`.

        Args:
            color: Shape (H, W, 3), uint8, RGB; may be None for depth networks.
            depth_m: Shape (H, W), float32, metres, NaN invalid; may be None for RGB networks.
            window: The part of the picture to look at.

        Returns:
            Shape (4, size, size), float32, pixels of the window's input.

        Raises:
            ConfigError: A channel that the network needs is not there.
        """
        seen_color = None if color is None or self.modality == "d" else window.cut(color)
        seen_depth = None
        if depth_m is not None and self.modality != "rgb":
            seen_depth = window.cut(relief(depth_m))
        channels = to_channels(seen_color, seen_depth, self.modality)
        with torch.inference_mode():
            predicted = self._network(torch.from_numpy(channels)[None].to(self._device))
        return np.asarray(predicted[0].float().cpu().numpy())

    def rank(
        self,
        color: NDArray[np.uint8] | None,
        depth_m: NDArray[np.float32] | None,
        limit: int,
        *,
        window: Window | None = None,
        nms_jaccard: float = 0.3,
        nms_angle: float = np.pi / 6,
    ) -> Ranking:
        """Rank the grasps of a picture; see :class:`grasp_detection.ranking.PictureDetector`."""
        image = color if color is not None else depth_m
        if image is None:
            raise ConfigError("a picture needs colour or depth")
        window = window or self.window(*image.shape[:2])
        rows, scores = read(
            self.maps(color, depth_m, window),
            unit_px=WIDTH_UNIT * self.size,
            blur_px=BLUR * self.size,
            limit=limit,
            nms_jaccard=nms_jaccard,
            nms_angle=nms_angle,
        )
        return Ranking(window.to_picture(rows), self._calibration(scores), scores)


def load_picture_detector(name: str, weights: str, device: str = "auto") -> GenerativeModel:
    """Load a learned detector for bare pictures.

    Args:
        name: Name of the detector.
        weights: Shipped name, ``default``, or the path of a safetensors file.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        ConfigError: No such network, or no GPU where one was asked for.
        WeightsError: The weights are missing, broken or made for another network.
    """
    find_network(name)
    return GenerativeModel(name, load_weights(name, weights), device)
