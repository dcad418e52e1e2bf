"""A trained network: pictures in, ranked rectangles out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.depth import fill_invalid
from grasp_core.errors import ConfigError
from grasp_detection.learned.config import AUTO, LearnedConfig
from grasp_detection.learned.family import Family
from grasp_detection.learned.inputs import channels_of
from grasp_detection.learned.picture_means import PICTURE_MEANS, by_picture_means
from grasp_detection.learned.relief import relief
from grasp_detection.learned.runtime import Runtime, start_runtime
from grasp_detection.learned.score_calibration import Calibration
from grasp_detection.learned.weights import Weights, WeightsError, load_weights
from grasp_detection.learned.window import FloatArray, Window
from grasp_detection.ranking import UNSEEN, Ranking

_OF_CLASSES = 100  # grasps among which the best of each class is looked for


class LearnedModel:
    """A network with its weights, its input size and its calibration.

    See :class:`grasp_detection.ranking.PictureDetector`.

    Attributes:
        name: Detector the network belongs to.
        family: What is particular to it.
        metadata: What the weights say of themselves.
        modality: Input channels: ``d``, ``rgb`` or ``rgbd``.
        size: Side of the input it was trained with, pixels.
        view: What it looks at in a frame, ``picture`` or ``overhead``.
        parameters: Number of trained numbers.
        runtime: What carries the network out, or the first of its parts.
    """

    def __init__(
        self, name: str, family: Family, weights: Weights, config: LearnedConfig | None = None
    ) -> None:
        """Build the network.

        Args:
            name: Detector the network belongs to.
            family: The network.
            weights: Trained for it.
            config: Runtime, device, and how answers are read; None for the defaults.

        Raises:
            ConfigError: No GPU where one was asked for.
            MissingDependency: The runtime is not installed.
            WeightsError: The weights were made for another network.
        """
        self.name = name
        self.metadata: Mapping[str, Any] = weights.metadata
        self.family = family.knowing(weights.metadata.get("measured", {}))
        self.modality = str(weights.metadata["modality"])
        self.size = int(weights.metadata["size"])
        if self.size % family.stride:
            raise WeightsError(
                f"weights {weights.name}: size is {self.size}, must be a multiple of "
                f"{family.stride} for detector {name}"
            )
        self._config = config or family.config_class()
        self.view = weights.view("" if self._config.view == AUTO else self._config.view)
        self._calibration = Calibration.from_json(weights.metadata["calibration"])
        channels = channels_of(self.modality)
        network = self.family.build(channels, 0.0)
        weights.load_into(network)
        self.parameters = sum(p.numel() for p in network.parameters())
        runtime, device = self._config.runtime, self._config.device
        self._runtimes: dict[str, Runtime] = {
            part: start_runtime(
                one.network, one.channels, one.outputs, runtime, device, family.quickest
            )
            for part, one in self.family.parts(network, channels).items()
        }
        self.runtime = next(iter(self._runtimes.values()))

    @classmethod
    def load(cls, name: str, family: Family, config: LearnedConfig) -> LearnedModel:
        """Load the weights that a configuration names.

        Raises:
            ConfigError: No GPU where one was asked for.
            MissingDependency: The runtime is not installed.
            WeightsError: The weights are missing, broken or made for another network.
        """
        return cls(name, family, load_weights(name, config.weights), config)

    @property
    def view_m(self) -> float:
        """How much of the scene the side of its input shows, metres; weights for overhead say."""
        return float(self.metadata["view_m"])

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
        if self.metadata.get("means") == PICTURE_MEANS:
            ahead_m = relief_m if depth_m is None else -fill_invalid(depth_m)
            seen = None if ahead_m is None or self.modality == "rgb" else window.cut(ahead_m)
            return by_picture_means(seen_color, seen, self.modality)
        seen_depth = None
        if depth_m is not None and self.modality != "rgb":
            seen_depth = window.cut(relief(depth_m) if relief_m is None else relief_m)
        return self.family.inputs(seen_color, seen_depth, self.modality)

    def overhead_inputs(self, relief_m: NDArray[np.float32]) -> NDArray[np.float32]:
        """What a depth network sees of a scene from straight above, shape (C, H, W), float32."""
        return self.family.inputs(None, relief_m, self.modality)

    def predict(self, channels: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """What the network puts out, by name, for channels of shape (C, H, W), float32."""
        found = self.family.answer(self._run, channels[None], self._config)
        return {name: array[0] for name, array in found.items()}

    def _run(self, part: str, inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return self._runtimes[part](inputs)

    def read(
        self,
        outputs: Mapping[str, NDArray[np.float32]],
        limit: int,
        to_scene: Callable[[FloatArray], FloatArray],
        *,
        min_quality: float = 0.0,
    ) -> Ranking:
        """Rank the grasps that :meth:`predict` shows, down to a calibrated quality.

        Args:
            outputs: See :meth:`predict`.
            limit: Most candidates returned.
            to_scene: From rectangles of the input to those of what it shows, shape (N, 5).
            min_quality: Lower ones are dropped.
        """
        least = self._calibration.least_score(min_quality)
        found = self.family.read(
            outputs,
            self.size,
            self._config,
            limit=limit,
            min_score=max(0.0, float(np.nextafter(least, -np.inf))),
        )
        return Ranking(
            to_scene(found.rows),
            self._calibration(found.score),
            found.raw_score,
            found.score,
            found.labels,
            self.family.level if found.level is None else found.level,
        )

    def rank(
        self,
        color: NDArray[np.uint8] | None,
        depth_m: NDArray[np.float32] | None,
        limit: int,
        relief_m: NDArray[np.float32] | None = None,
    ) -> Ranking:
        """Rank the grasps of a picture, of which the largest square in the middle is seen."""
        window = self._middle(color, depth_m)
        outputs = self.predict(self.inputs(color, depth_m, window, relief_m))
        return self.read(outputs, limit, window.to_picture)

    @property
    def classes(self) -> tuple[str, ...]:
        """See :class:`grasp_detection.ranking.ClassDetector`."""
        return tuple(self.family.classes) if self.family.segments else ()

    def rank_by_class(
        self, color: NDArray[np.uint8] | None, depth_m: NDArray[np.float32] | None
    ) -> tuple[Ranking, NDArray[np.uint8]]:
        """See :class:`grasp_detection.ranking.ClassDetector`."""
        window = self._middle(color, depth_m)
        outputs = self.predict(self.inputs(color, depth_m, window))
        ranking = self.read(outputs, _OF_CLASSES, window.to_picture)
        seen = self.family.areas(outputs, window.size)
        image = color if color is not None else depth_m
        height, width = (0, 0) if image is None else image.shape[:2]
        areas = cv2.warpAffine(
            seen,
            window.matrix,
            (width, height),
            flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(UNSEEN,),
        )
        return ranking, np.asarray(areas, np.uint8)

    def _middle(
        self, color: NDArray[np.uint8] | None, depth_m: NDArray[np.float32] | None
    ) -> Window:
        """The largest square in the middle of a picture."""
        image = color if color is not None else depth_m
        if image is None:
            raise ConfigError("a picture needs colour or depth")
        return Window.centred(image.shape[0], image.shape[1], self.size)

    def about(self) -> dict[str, Any]:
        """See :class:`grasp_detection.ranking.PictureDetector`."""
        metadata = self.metadata
        return {
            "modality": self.modality,
            "parameters": self.parameters,
            "weights_split": metadata.get("split"),
            "weights_dataset": metadata.get("dataset"),
            "weights_sha256": metadata.get("sha256"),
        }

    def pictures_seen(self, dataset: str) -> set[str] | None:
        """See :class:`grasp_detection.ranking.PictureDetector`."""
        metadata = self.metadata
        if metadata.get("dataset") is None or metadata.get("trained_on") is None:
            return None
        seen = set(map(str, metadata.get("init_seen", {}).get(dataset, ())))
        if metadata["dataset"] == dataset:
            for part in ("trained_on", "validated_on"):
                seen |= set(map(str, metadata.get(part, ())))
        return seen
