"""The family of fully convolutional networks that predict a grasp for every pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from grasp_core.config import setting
from grasp_detection.learned.config import LearnedConfig
from grasp_detection.learned.family import (
    Arrays,
    Candidates,
    Family,
    TargetSettings,
    Tensors,
)
from grasp_detection.learned.window import FloatArray
from grasp_detection.maps.config import MapsConfig
from grasp_detection.maps.grasp_maps import BLUR, WIDTH_UNIT, paint, read
from grasp_detection.maps.losses import p_huber

MAPS = "maps"


@dataclass(frozen=True)
class MapsTargets(TargetSettings):
    """How labels are painted."""

    bell: bool = setting(
        True, "quality falls off from each label's centre; else it is 1 on the middle third"
    )


@dataclass(frozen=True)
class MapsFamily(Family):
    """A network whose output is :mod:`grasp_detection.maps.grasp_maps`, and its loss.

    Attributes:
        network: From the number of input channels and the dropout to the network; it maps shape
            (B, C, H, W) to (B, 4, H, W).
        loss: From predicted and true maps to a scalar.
    """

    network: Callable[[int, float], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor] = p_huber

    outputs: ClassVar[tuple[str, ...]] = (MAPS,)
    config_class: ClassVar[type[LearnedConfig]] = MapsConfig
    target_class: ClassVar[type[TargetSettings]] = MapsTargets
    answers_are_targets: ClassVar[bool] = True

    @property
    def network_name(self) -> str:
        """See :class:`Family`."""
        return self.network.__name__

    def build(self, channels: int, dropout: float) -> nn.Module:
        """See :class:`Family`."""
        return self.network(channels, dropout)

    def targets(
        self,
        rows: FloatArray,
        size: int,
        whole: int,
        settings: TargetSettings,
        quality: FloatArray | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """See :class:`Family`: maps of shape (4, size, size)."""
        bell = cast(MapsTargets, settings).bell
        return {MAPS: paint(rows, size, unit_px=WIDTH_UNIT * whole, quality=quality, bell=bell)}

    def losses(self, outputs: Tensors, targets: Tensors) -> dict[str, Tensor]:
        """See :class:`Family`."""
        return {MAPS: self.loss(outputs[MAPS], targets[MAPS])}

    def read(
        self,
        outputs: Arrays,
        size: int,
        config: LearnedConfig,
        *,
        limit: int = 1,
        min_score: float = 0.0,
    ) -> Candidates:
        """See :class:`Family`."""
        rows, scores, quality = read(
            outputs[MAPS],
            unit_px=WIDTH_UNIT * size,
            blur_px=BLUR * size,
            limit=limit,
            min_quality=min_score,
            certainty=cast(MapsConfig, config).certainty,
            nms_jaccard=config.nms_jaccard,
            nms_angle=config.nms_angle,
        )
        return Candidates(rows, scores, quality)
