"""Detectors of the node that run a generative network on a window of the camera's picture."""

from __future__ import annotations

from grasp_core.errors import BadImage
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp, Level
from grasp_core.rectangle import GraspRectangle
from grasp_detection.generative.config import GenerativeConfig
from grasp_detection.generative.model import GenerativeModel, load_picture_detector
from grasp_detection.generative.window import Window


class GenerativeDetector:
    """A learned detector; see :class:`grasp_detection.detector.Detector`.

    ``quality`` is the calibrated share of right grasps, ``raw_score`` the network's own score.
    ``depth_m`` and ``width_m`` are left open: what the network says of width is in pixels.
    """

    def __init__(self, name: str, config: GenerativeConfig) -> None:
        """Load the weights.

        Raises:
            ConfigError: No GPU where one was asked for.
            WeightsError: The weights are missing, broken or made for another network.
        """
        self.name = name
        self._config = config
        self._model: GenerativeModel = load_picture_detector(name, config.weights, config.device)

    def detect(self, frame: RgbdFrame) -> list[Grasp]:
        """Rank the grasps of one frame.

        Raises:
            BadImage: The configured window lies outside the picture.
        """
        config = self._config
        ranking = self._model.rank(
            frame.color,
            frame.depth_m,
            config.top_k,
            window=self.window(*frame.color.shape[:2]),
            nms_jaccard=config.nms_jaccard,
            nms_angle=config.nms_angle,
        )
        return [
            Grasp(
                GraspRectangle(*map(float, row)),
                quality=float(quality),
                raw_score=float(raw),
                level=Level.PIXEL,
                model=self.name,
            )
            for row, quality, raw in zip(
                ranking.rows, ranking.quality, ranking.raw_score, strict=True
            )
            if quality >= config.min_quality
        ]

    def window(self, height: int, width: int) -> Window:
        """The part of a picture of that size that the network sees.

        Raises:
            BadImage: The configured window lies outside the picture.
        """
        config, size = self._config, self._config.input_px or self._model.size
        if not config.window_px:
            return Window.centred(height, width, size)
        u0, v0, side = config.window_px
        if u0 + side > width or v0 + side > height:
            raise BadImage(
                f"window_px {list(config.window_px)} leaves the picture of {width}x{height} px: "
                "set left column, top row and side inside it"
            )
        return Window(u0, v0, side, size)
