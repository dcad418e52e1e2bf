"""The family of the grasp scorer: losses, matching and reading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from grasp_core.rectangle import matches, suppress
from grasp_detection.grasp_scorer.anchors import Anchors
from grasp_detection.grasp_scorer.config import FINAL, GraspScorerConfig
from grasp_detection.grasp_scorer.network import STRIDE, GraspScorer, ScorerSizes
from grasp_detection.learned.config import LearnedConfig
from grasp_detection.learned.family import (
    Arrays,
    Candidates,
    Family,
    TargetSettings,
    Tensors,
    named,
)
from grasp_detection.learned.trunk import THIN_RESNET50
from grasp_detection.learned.window import FloatArray

# What the network puts out; in training the final logits come twice, to move it in two ways.
DELTAS, PRIMARY_LOGITS, FINAL_LOGITS, GUIDE = "deltas", "primary", "final", "guide"
GOOD, LABELS, ANCHOR_PX = "good", "labels", "anchor_px"  # what it is taught, besides deformations
PRIMARY_SCORE, REGRESSION, SCORER = "primary_score", "regression", "scorer"
_NEGATIVES = 3  # bad anchors that count for each good one
_REGRESSION_WEIGHT = 2.0  # alpha of equation 5
_SCORED = 64  # T: grasps of a picture that the scorer learns from, those of highest primary score
_CELLS = 400  # of the paper's pictures; parts of them and larger ones have their share of T
_JACCARD, _TURN = 0.25, float(np.radians(15.0))  # thresholds of Jaccard matching in training
_MOST_LABELS = 256  # of a picture that grasps are matched with
_CONSIDERED = 8  # times as many candidates as are wanted go through suppression

THIN = ScorerSizes(image=256, grasp=64, hidden=256)
PAPER = ScorerSizes(image=1024, grasp=512, hidden=512)


@dataclass(frozen=True, kw_only=True)
class GraspScorerFamily(Family):
    """Primary grasp predictor and scorer.

    Attributes:
        anchor_width: Jaw opening of the anchors in sides of the input: the training labels' mean.
        anchor_height: Jaw size of the anchors in sides of the input, likewise.
        orientations: Anchors in a cell.
        sizes: Widths of the scorer's layers.
    """

    trunk: str = THIN_RESNET50
    anchor_width: float = 0.2
    anchor_height: float = 0.1
    orientations: int = 6
    sizes: ScorerSizes = THIN

    outputs: ClassVar[tuple[str, ...]] = (DELTAS, PRIMARY_LOGITS, FINAL_LOGITS)
    stride: ClassVar[int] = STRIDE
    config_class: ClassVar[type[LearnedConfig]] = GraspScorerConfig

    @property
    def network_name(self) -> str:
        """See :class:`Family`."""
        return f"GraspScorer of {self.sizes} on {self.trunk}"

    def build(self, channels: int, dropout: float) -> nn.Module:
        """See :class:`Family`."""
        return GraspScorer(channels, dropout, self.orientations, self.trunk, self.sizes)

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
        """See :class:`Family`: anchors are good or not; how good a label is does not count.

        Labels are kept for Jaccard matching, which must wait for the network's answer; of very
        many, every so many.
        """
        anchors = self._anchors(whole)
        good, deltas = anchors.match(rows, size)
        step = max(1, -(-len(rows) // _MOST_LABELS))
        kept = np.full((_MOST_LABELS, 5), np.nan, np.float32)
        kept[: len(rows[::step])] = rows[::step]
        box = np.array([anchors.width, anchors.height], np.float32)
        return {GOOD: good, DELTAS: deltas, LABELS: kept, ANCHOR_PX: box}

    def forward(
        self, network: nn.Module, inputs: Tensor, targets: Tensors | None = None
    ) -> dict[str, Tensor]:
        """See :class:`Family`."""
        found = network(inputs)
        return named((*self.outputs, GUIDE)[: len(found)], found)

    def losses(self, outputs: Tensors, targets: Tensors) -> dict[str, Tensor]:
        """See :class:`Family`: equations 3, 5 and 4.

        Equation 5's second term, by which the scorer guides the regression, counts in training
        alone: it says how strict the scorer is, not how good the grasps are.
        """
        good = targets[GOOD] > 0.5
        at = self._most_promising(outputs[PRIMARY_LOGITS])
        right = self._jaccard_matched(outputs[DELTAS].detach(), at, targets)
        regression = self._regression(outputs[DELTAS], targets[DELTAS], good)
        if GUIDE in outputs:
            aim = torch.ones_like(right)
            regression = regression + functional.cross_entropy(_picked(outputs[GUIDE], at), aim)
        return {
            PRIMARY_SCORE: _primary_score(outputs[PRIMARY_LOGITS], good),
            REGRESSION: regression,
            SCORER: functional.cross_entropy(_picked(outputs[FINAL_LOGITS], at), right),
        }

    @staticmethod
    def _regression(deltas: Tensor, wanted: Tensor, good: Tensor) -> Tensor:
        """First term of equation 5."""
        errors = functional.smooth_l1_loss(deltas, wanted, reduction="none").sum(dim=2)
        return _REGRESSION_WEIGHT * (errors * good).sum() / max(1, int(good.sum()))

    @staticmethod
    def _most_promising(logits: Tensor) -> Tensor:
        """Flat places of the T anchors of highest primary score of each picture, (B, T)."""
        margin = (logits[:, :, 1] - logits[:, :, 0]).detach()
        scored = _share_of(_SCORED, margin.shape)
        return margin.flatten(1).topk(scored, dim=1).indices

    def _jaccard_matched(self, deltas: Tensor, at: Tensor, targets: Tensors) -> Tensor:
        """Whether the grasps at some places meet a label, shape (B * T,), 0 or 1."""
        shape = (deltas.shape[1], *deltas.shape[3:])
        right: list[NDArray[np.bool_]] = []
        for found, places, labels, box in zip(
            deltas.float().cpu().numpy(),
            at.cpu().numpy(),
            targets[LABELS].cpu().numpy(),
            targets[ANCHOR_PX].cpu().numpy(),
            strict=True,
        ):
            orientation, row, column = np.unravel_index(places, shape)
            anchors = Anchors(float(box[0]), float(box[1]), self.orientations, self.stride)
            chosen = found[orientation, :, row, column].astype(np.float64)
            grasps = anchors.decode(chosen, orientation, row, column)
            known = labels[np.isfinite(labels[:, 0])]
            right.append(matches(grasps, known, jaccard=_JACCARD, angle=_TURN))
        return torch.from_numpy(np.concatenate(right)).long().to(deltas.device)

    def read(
        self,
        outputs: Arrays,
        size: int,
        config: LearnedConfig,
        *,
        limit: int = 1,
        min_score: float = 0.0,
    ) -> Candidates:
        """See :class:`Family`: ranked by the final score, or by the primary one if asked to."""
        final = _likelihood(outputs[FINAL_LOGITS])
        settings = cast(GraspScorerConfig, config)
        score = primary = _likelihood(outputs[PRIMARY_LOGITS])
        known = np.arange(final.size)
        if settings.rank_by == FINAL:
            score = final
            if settings.scored:
                order = np.argsort(-primary, axis=None, kind="stable")
                known = order[: _share_of(settings.scored, final.shape)]
        order = known[np.argsort(-score.flat[known], kind="stable")][: _CONSIDERED * limit]
        order = order[score.flat[order] > min_score]
        at = np.unravel_index(order, score.shape)
        orientation, row, column = at
        deltas = outputs[DELTAS][orientation, :, row, column].astype(np.float64)
        rows = self._anchors(size).decode(deltas, orientation, row, column)
        kept = suppress(
            rows, score[at], jaccard=config.nms_jaccard, angle=config.nms_angle, limit=limit
        )
        return Candidates(rows[kept], score[at][kept], final[at][kept])

    def _anchors(self, whole: int) -> Anchors:
        """Anchors in an input whose whole has that side, pixels."""
        return Anchors(
            self.anchor_width * whole, self.anchor_height * whole, self.orientations, self.stride
        )


def _share_of(count: int, shape: Sequence[int]) -> int:
    """What ``count`` anchors of the paper's map are of one of shape (..., k, S, S)."""
    k, height, width = shape[-3:]
    return min(k * height * width, max(1, round(count * height * width / _CELLS)))


def _primary_score(logits: Tensor, good: Tensor) -> Tensor:
    """Equation 3.

    The bad anchors that count are those that look best, as in Liu et al., "SSD", 2016; the paper
    does not say which.
    """
    off = functional.cross_entropy(logits.movedim(2, 1), good.long(), reduction="none")
    bad = off[~good]
    hardest = bad.topk(min(len(bad), _NEGATIVES * max(1, int(good.sum())))).values
    return torch.cat([off[good], hardest]).mean()


def _picked(logits: Tensor, at: Tensor) -> Tensor:
    """Logits of shape (B, k, 2, S, S) at flat places (B, T), shape (B * T, 2)."""
    flat = logits.movedim(2, -1).flatten(1, 3)
    return flat.gather(1, at[:, :, None].expand(-1, -1, 2)).flatten(0, 1)


def _likelihood(logits: NDArray[np.float32]) -> FloatArray:
    """Softmax of logits of shape (k, 2, S, S): that an anchor is good, shape (k, S, S)."""
    margin = np.clip((logits[:, 1] - logits[:, 0]).astype(np.float64), -50.0, 50.0)
    return np.asarray(1.0 / (1.0 + np.exp(-margin)))


GRASP_SCORER = GraspScorerFamily()
GRASP_SCORER_FULL = GraspScorerFamily(trunk="resnet50", sizes=PAPER)
