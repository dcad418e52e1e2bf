"""A trained generative network: pictures in, maps or ranked rectangles out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import ConfigError
from grasp_detection.learned.inputs import ONE_MEAN, channels_of, to_channels
from grasp_detection.learned.relief import relief
from grasp_detection.learned.runtime import AUTO, Runtime, start_runtime
from grasp_detection.learned.score_calibration import Calibration
from grasp_detection.learned.weights import Weights, load_weights
from grasp_detection.learned.window import Window
from grasp_detection.maps.maps import BLUR, CERTAINTY, WIDTH_UNIT, read
from grasp_detection.maps.networks.registry import find_network
from grasp_detection.ranking import Ranking


class GenerativeModel:
    """A network with its weights, its input size and its calibration.

    Attributes:
        name: Detector the network belongs to.
        metadata: What the weights say of themselves.
        modality: Input channels: ``d``, ``rgb`` or ``rgbd``.
        size: Side of the input it was trained with, pixels.
        parameters: Number of trained numbers.
        runtime: What carries the network out.
    """

    def __init__(
        self,
        name: str,
        weights: Weights,
        device: str = AUTO,
        runtime: str = AUTO,
        certainty: float = CERTAINTY,
    ) -> None:
        """Build the network.

        Args:
            name: Detector the network belongs to.
            weights: Trained for that network.
            device: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.
            runtime: See :func:`grasp_detection.learned.runtime.start_runtime`.
            certainty: How much the length of the angle vector counts in ranking; see
                :func:`grasp_detection.maps.maps.read`. Calibrated for 1.

        Raises:
            ConfigError: No such network or runtime, or no GPU where one was asked for.
            MissingDependency: The runtime is not installed.
            WeightsError: The weights were made for another network.
        """
        self.name = name
        self.metadata: Mapping[str, Any] = weights.metadata
        self.modality = str(weights.metadata["modality"])
        self.size = int(weights.metadata["size"])
        self._certainty = certainty
        self._calibration = Calibration.from_json(weights.metadata["calibration"])
        channels = channels_of(self.modality)
        architecture = find_network(name)
        network = architecture.build(channels, 0.0)
        weights.load_into(network)
        self.parameters = sum(p.numel() for p in network.parameters())
        self.runtime: Runtime = start_runtime(
            network, channels, runtime, device, architecture.quickest
        )

    def window(self, height: int, width: int) -> Window:
        """What it sees of a picture unless told otherwise: the largest square in the middle."""
        return Window.centred(height, width, self.size)

    def inputs(
        self,
        color: NDArray[np.uint8] | None,
        depth_m: NDArray[np.float32] | None,
        window: Window,
        relief_m: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """What the network sees of a picture.

        Args:
            color: Shape (H, W, 3), uint8, RGB; may be None for depth networks.
            depth_m: Shape (H, W), float32, metres, NaN invalid; may be None for RGB networks.
            window: The part of the picture to look at.
            relief_m: Relief of ``depth_m`` where it is known already.

        Returns:
            Shape (C, size, size), float32, at the size of the window's input.

        Raises:
            ConfigError: A channel that the network needs is not there.
        """
        seen_color = None if color is None or self.modality == "d" else window.cut(color)
        seen_depth = None
        if depth_m is not None and self.modality != "rgb":
            seen_depth = window.cut(relief(depth_m) if relief_m is None else relief_m)
        one_mean = self.metadata.get("color_mean") == ONE_MEAN
        return to_channels(seen_color, seen_depth, self.modality, one_mean=one_mean)

    def predict(self, channels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Maps, shape (4, H, W), of channels, shape (C, H, W), float32.

        See :mod:`grasp_detection.maps.maps`.
        """
        return np.asarray(self.runtime(channels[None])[0])

    def rank(
        self,
        color: NDArray[np.uint8] | None,
        depth_m: NDArray[np.float32] | None,
        limit: int,
        *,
        window: Window | None = None,
        relief_m: NDArray[np.float32] | None = None,
        nms_jaccard: float = 0.3,
        nms_angle: float = np.pi / 6,
    ) -> Ranking:
        """Rank the grasps of a picture; see :class:`grasp_detection.ranking.PictureDetector`."""
        image = color if color is not None else depth_m
        if image is None:
            raise ConfigError("a picture needs colour or depth")
        window = window or self.window(*image.shape[:2])
        maps = self.predict(self.inputs(color, depth_m, window, relief_m))
        return self.read(maps, limit, window, nms_jaccard=nms_jaccard, nms_angle=nms_angle)

    def read(
        self,
        maps: NDArray[np.float32],
        limit: int,
        window: Window,
        *,
        min_quality: float = 0.0,
        nms_jaccard: float = 0.3,
        nms_angle: float = np.pi / 6,
    ) -> Ranking:
        """Rank the grasps that :meth:`predict` shows, down to a calibrated quality."""
        least = self._calibration.least_score(min_quality)
        rows, scores, raw = read(
            maps,
            certainty=self._certainty,
            min_quality=max(0.0, float(np.nextafter(least, -np.inf))),
            unit_px=WIDTH_UNIT * self.size,
            blur_px=BLUR * self.size,
            limit=limit,
            nms_jaccard=nms_jaccard,
            nms_angle=nms_angle,
        )
        return Ranking(window.to_picture(rows), self._calibration(scores), raw, scores)


def load_picture_detector(
    name: str,
    weights: str,
    device: str = AUTO,
    runtime: str = AUTO,
    certainty: float = CERTAINTY,
) -> GenerativeModel:
    """Load a learned detector for bare pictures.

    Args:
        name: Name of the detector.
        weights: Shipped name, ``default``, or the path of a safetensors file.
        device: ``auto``, ``cpu`` or ``cuda``.
        runtime: See :func:`grasp_detection.learned.runtime.start_runtime`.
        certainty: See :class:`GenerativeModel`.

    Raises:
        ConfigError: No such network or runtime, or no GPU where one was asked for.
        MissingDependency: The runtime is not installed.
        WeightsError: The weights are missing, broken or made for another network.
    """
    find_network(name)
    return GenerativeModel(name, load_weights(name, weights), device, runtime, certainty)
