"""The family of detectors with oriented anchors: losses, matching and reading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from grasp_core.rectangle import suppress
from grasp_detection.grasp_scorer.anchors import Anchors
from grasp_detection.grasp_scorer.network import STRIDE, PrimaryPredictor
from grasp_detection.learned.config import LearnedConfig
from grasp_detection.learned.family import (
    Arrays,
    Candidates,
    Family,
    TargetSettings,
    Tensors,
)
from grasp_detection.learned.window import FloatArray

DELTAS, LOGITS, GOOD = "deltas", "logits", "good"
PRIMARY_SCORE, REGRESSION = "primary_score", "regression"
_NEGATIVES = 3  # bad anchors that count for each good one
_REGRESSION_WEIGHT = 2.0  # alpha of equation 5
_CONSIDERED = 8  # times as many candidates as are wanted go through suppression


@dataclass(frozen=True)
class PrimaryPredictorFamily(Family):
    """The primary grasp predictor: each anchor's deformation, and its score by angle matching.

    Attributes:
        anchor_width: Jaw opening of the anchors in sides of the input: the training labels' mean.
        anchor_height: Jaw size of the anchors in sides of the input, likewise.
        orientations: Anchors in a cell.
    """

    anchor_width: float = 0.2
    anchor_height: float = 0.1
    orientations: int = 6

    outputs: ClassVar[tuple[str, ...]] = (DELTAS, LOGITS)
    stride: ClassVar[int] = STRIDE

    def build(self, channels: int, dropout: float) -> nn.Module:
        """See :class:`Family`."""
        return PrimaryPredictor(channels, dropout, self.orientations)

    def measure(self, labels: Iterable[FloatArray], size: int) -> dict[str, Any]:
        """See :class:`Family`: the mean box of all labels (section IV-C 1)."""
        boxes = np.concatenate([rows[:, 2:4] for rows in labels])
        width, height = boxes.mean(axis=0) / size
        return {"anchor_width": round(float(width), 6), "anchor_height": round(float(height), 6)}

    def targets(
        self,
        rows: FloatArray,
        size: int,
        whole: int,
        settings: TargetSettings,
        quality: FloatArray | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """See :class:`Family`: anchors are good or not; how good a label is does not count."""
        good, deltas = self._anchors(whole).match(rows, size)
        return {GOOD: good, DELTAS: deltas}

    def losses(self, outputs: Tensors, targets: Tensors) -> dict[str, Tensor]:
        """See :class:`Family`: equation 3, and the first term of equation 5.

        The bad anchors that count are those that look best, as in Liu et al., "SSD", 2016; the
        paper does not say which.
        """
        good = targets[GOOD] > 0.5
        count = max(1, int(good.sum()))
        off = functional.cross_entropy(
            outputs[LOGITS].movedim(2, 1), good.long(), reduction="none"
        )
        bad = off[~good]
        hardest = bad.topk(min(len(bad), _NEGATIVES * count)).values
        counted = torch.cat([off[good], hardest])
        errors = functional.smooth_l1_loss(outputs[DELTAS], targets[DELTAS], reduction="none")
        regression = (errors.sum(dim=2) * good).sum() / count
        return {PRIMARY_SCORE: counted.mean(), REGRESSION: _REGRESSION_WEIGHT * regression}

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
        bad, good = outputs[LOGITS][:, 0], outputs[LOGITS][:, 1]
        score = 1.0 / (1.0 + np.exp(np.clip(bad - good, -50.0, 50.0).astype(np.float64)))
        order = np.argsort(-score, axis=None, kind="stable")[: _CONSIDERED * limit]
        orientation, row, column = np.unravel_index(order, score.shape)
        scores = score[orientation, row, column]
        likely = scores > min_score
        orientation, row, column = orientation[likely], row[likely], column[likely]
        deltas = outputs[DELTAS][orientation, :, row, column].astype(np.float64)
        rows = self._anchors(size).decode(deltas, orientation, row, column)
        scores = scores[likely]
        kept = suppress(
            rows, scores, jaccard=config.nms_jaccard, angle=config.nms_angle, limit=limit
        )
        return Candidates(rows[kept], scores[kept], scores[kept])

    def _anchors(self, whole: int) -> Anchors:
        """Anchors in an input whose whole has that side, pixels."""
        return Anchors(
            self.anchor_width * whole, self.anchor_height * whole, self.orientations, self.stride
        )


PRIMARY_PREDICTOR = PrimaryPredictorFamily()
