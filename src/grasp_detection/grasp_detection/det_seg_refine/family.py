"""The family: what its configurations are taught, and what their answers mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from grasp_core.config import setting
from grasp_core.grasp import Level
from grasp_core.rectangle import suppress, wrap_angle
from grasp_detection.datasets.instances import NAMELESS
from grasp_detection.det_seg_refine.config import ALL, CLASS, DetSegRefineConfig
from grasp_detection.det_seg_refine.losses import (
    box_loss,
    matched,
    orientation_loss,
    refinement_loss,
)
from grasp_detection.det_seg_refine.network import FINEST, DetSegRefine, Sizes
from grasp_detection.det_seg_refine.objects import Objects, first_of_each
from grasp_detection.det_seg_refine.orientations import angle_of
from grasp_detection.det_seg_refine.refinement import decode_turned, most_likely
from grasp_detection.det_seg_refine.segmentation import hard_pixel_loss
from grasp_detection.learned.boxes import decode
from grasp_detection.learned.config import LearnedConfig
from grasp_detection.learned.family import (
    Arrays,
    Candidates,
    Family,
    Stage,
    TargetSettings,
    Tensors,
    named,
)
from grasp_detection.learned.proposals import Proposals, ProposalSettings, proposal_losses
from grasp_detection.learned.trunk import THIN_RESNET50
from grasp_detection.learned.window import FloatArray

BOXES, ORIENTATION, CORRECTIONS = "boxes", "orientation", "corrections"
SEMANTIC, REFINEMENT = "semantic", "refinement"
LOGITS, ANCHOR_CORRECTIONS, ANCHORS = "proposal_logits", "anchor_corrections", "anchors"
LABELS, PROPOSED, AREAS, WRAP = "labels", "proposed", "areas", "wrap"  # what it is taught
PROPOSAL_SCORE, PROPOSAL_BOX = "proposal_score", "proposal_box"
BOX, ROTATION, SEGMENTATION, REFINE = "box", "rotation", "segmentation", "refine"
_SEGMENTATION_WEIGHT, _REFINE_WEIGHT = 0.8, 0.8  # lambda_sem and lambda_refine on Jacquard
_MOST_LABELS = 128  # of a picture that proposals are matched with
_TAUGHT_LABELS = 16  # of a picture that are proposed besides the proposals, in training
_CONSIDERED = 8  # times as many candidates as are wanted go through suppression
_REFINING = 0.3  # of the epochs, in which the refinement head learns

PAPER = Sizes(
    stages=4, pyramid=256, hidden=1024, segmentation=128, refinement=1024, map_px=128,
    in_grasp_frame=False,
)  # fmt: skip


@dataclass(frozen=True)
class DetSegRefineTargets(TargetSettings):
    """How the refinement head is taught."""

    wrap: bool = setting(
        True, "turns of equation 10 lie in [-pi/2, pi/2); else in [0, pi), as printed"
    )


@dataclass(frozen=True, kw_only=True)
class DetFamily(Family):
    """Grasp detection alone.

    Attributes:
        sizes: Widths of the layers.
        proposals: How many boxes are proposed.
        still: Beginnings of the names of what never learns.
        anchor_px: Square root of the area of the anchors of each level, pixels of the input: the
            training labels' median in the second level, half and twice it beside.
        anchor_ratios: Height over width of the anchors: quartiles of the training labels.
    """

    trunk: str = THIN_RESNET50
    sizes: Sizes = field(default_factory=Sizes)
    proposals: ProposalSettings = field(default_factory=ProposalSettings)
    still: tuple[str, ...] = ()
    anchor_px: tuple[float, ...] = (10.0, 20.0, 40.0)
    anchor_ratios: tuple[float, ...] = (0.45, 0.8)

    outputs: ClassVar[tuple[str, ...]] = (BOXES, ORIENTATION, CORRECTIONS)
    stride: ClassVar[int] = 32
    level: ClassVar[Level] = Level.REGION
    config_class: ClassVar[type[LearnedConfig]] = DetSegRefineConfig
    target_class: ClassVar[type[TargetSettings]] = DetSegRefineTargets

    @property
    def network_name(self) -> str:
        """See :class:`Family`."""
        return f"{type(self).__name__} of {self.sizes} on {self.trunk}"

    def build(self, channels: int, dropout: float) -> nn.Module:
        """See :class:`Family`."""
        return self._network(channels, dropout)

    def _network(
        self, channels: int, dropout: float, classes: int = 0, *, refines: bool = False
    ) -> nn.Module:
        return DetSegRefine(
            channels, dropout, self.trunk, self.sizes, self.anchor_px, self.anchor_ratios,
            self.proposals, classes, refines=refines,
        )  # fmt: skip

    def measure(self, labels: Iterable[FloatArray], size: int) -> dict[str, Any]:
        """See :class:`Family`: sizes and shapes of the anchors."""
        boxes = np.concatenate([rows[:, 2:4] for rows in labels])
        middle = float(np.median(np.sqrt(boxes[:, 0] * boxes[:, 1])))
        ratios = np.quantile(boxes[:, 1] / boxes[:, 0], (0.25, 0.75))
        return {
            "anchor_px": [round(middle * 2.0 ** (n - 1), 3) for n in range(self.sizes.stages)],
            "anchor_ratios": [round(float(ratio), 4) for ratio in ratios],
        }

    def stages(self, epochs: int) -> tuple[Stage, ...]:
        """See :class:`Family`."""
        return (Stage("all", epochs, self._learning()),)

    def _learning(self, *, besides: Sequence[str] = ()) -> tuple[str, ...]:
        """Beginnings of the names of what learns: all but what is still, or named here."""
        stages = (f"trunk.stages.{number}." for number in range(self.sizes.stages))
        heads = ("pyramid.", "proposals.", "head.", "segmentation.", "refinement.")
        apart = (*self.still, *besides)
        return tuple(
            part for part in ("trunk.conv1.", *stages, *heads) if not part.startswith(apart)
        )

    def targets(
        self,
        rows: FloatArray,
        size: int,
        whole: int,
        settings: TargetSettings,
        quality: FloatArray | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """See :class:`Family`: the labels themselves; how good they are does not count."""
        wrap = np.array(cast(DetSegRefineTargets, settings).wrap, np.float32)
        return {
            LABELS: _some(rows, _MOST_LABELS),
            PROPOSED: _some(rows, _TAUGHT_LABELS)[:, :4],
            WRAP: wrap,
        }

    def forward(
        self, network: nn.Module, inputs: Tensor, targets: Tensors | None = None
    ) -> dict[str, Tensor]:
        """See :class:`Family`: in training some labels are proposed, too."""
        none = torch.empty((len(inputs), 0, 4), device=inputs.device)
        names = (*self.outputs, LOGITS, ANCHOR_CORRECTIONS, ANCHORS)
        return named(names, network(inputs, none if targets is None else targets[PROPOSED]))

    def losses(self, outputs: Tensors, targets: Tensors) -> dict[str, Tensor]:
        """See :class:`Family`: equation 3."""
        boxes, labels = outputs[BOXES], targets[LABELS]
        label, valid = matched(boxes, labels)
        found = Proposals(boxes, outputs[LOGITS], outputs[ANCHOR_CORRECTIONS], outputs[ANCHORS])
        score, box = proposal_losses(found, labels[..., :4], self.proposals)
        return {
            PROPOSAL_SCORE: score,
            PROPOSAL_BOX: box,
            BOX: box_loss(outputs[CORRECTIONS], boxes, label, valid),
            ROTATION: orientation_loss(outputs[ORIENTATION], label, valid),
        }

    def read(
        self,
        outputs: Arrays,
        size: int,
        config: LearnedConfig,
        *,
        limit: int = 1,
        min_score: float = 0.0,
    ) -> Candidates:
        """See :class:`Family`: every proposal in every orientation, ranked by its probability."""
        rows, score = self._candidates(outputs, config, _CONSIDERED * limit, min_score)
        kept = suppress(
            rows, score, jaccard=config.nms_jaccard, angle=config.nms_angle, limit=limit
        )
        return Candidates(rows[kept], score[kept], score[kept])

    def _candidates(
        self, outputs: Arrays, config: LearnedConfig, most: int, min_score: float
    ) -> tuple[FloatArray, FloatArray]:
        """Grasps, shape (N, 5), and scores of the best proposals in whatever orientation."""
        score = _probabilities(outputs[ORIENTATION])
        order = np.argsort(-score, axis=None, kind="stable")[:most]
        order = order[score.flat[order] > min_score]
        proposal, number = np.unravel_index(order, score.shape)
        corrections = torch.from_numpy(outputs[CORRECTIONS][proposal, number]).double()
        boxes = decode(corrections, torch.from_numpy(outputs[BOXES][proposal]).double())
        angle = angle_of(torch.from_numpy(number))[:, None]
        rows = torch.cat([boxes, angle.double()], dim=1).numpy()
        return np.asarray(rows), score[proposal, number]


@dataclass(frozen=True, kw_only=True)
class DetSegFamily(DetFamily):
    """Grasp detection and segmentation."""

    classes: tuple[str, ...] = (NAMELESS,)

    outputs: ClassVar[tuple[str, ...]] = (*DetFamily.outputs, SEMANTIC)
    segments: ClassVar[bool] = True

    def build(self, channels: int, dropout: float) -> nn.Module:
        """See :class:`Family`."""
        return self._network(channels, dropout, 1 + len(self.classes))

    def measure_classes(self, names: Sequence[str]) -> dict[str, Any]:
        """See :class:`Family`: it learns to tell these apart."""
        return {"classes": list(names)}

    def area_targets(self, areas: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """See :class:`Family`."""
        return {AREAS: areas.astype(np.float32)}

    def losses(self, outputs: Tensors, targets: Tensors) -> dict[str, Tensor]:
        """See :class:`Family`: equations 3 and 8."""
        segmentation = hard_pixel_loss(outputs[SEMANTIC], targets[AREAS])
        return {
            **super().losses(outputs, targets),
            SEGMENTATION: _SEGMENTATION_WEIGHT * segmentation,
        }

    def read(
        self,
        outputs: Arrays,
        size: int,
        config: LearnedConfig,
        *,
        limit: int = 1,
        min_score: float = 0.0,
    ) -> Candidates:
        """See :class:`Family`: each grasp with the class of the object under its centre."""
        best_of = cast(DetSegRefineConfig, config).best_of
        most = limit if best_of == ALL else self.proposals.proposed
        found = super().read(outputs, size, config, limit=most, min_score=min_score)
        objects = Objects.of(outputs[SEMANTIC], self.classes, FINEST)
        instance, number = objects.at(found.rows)
        kept = np.arange(len(found.rows))
        if best_of != ALL:
            kept = first_of_each(number if best_of == CLASS else instance)[:limit]
        labels = tuple(objects.label(one) for one in number[kept].tolist())
        return Candidates(found.rows[kept], found.score[kept], found.raw_score[kept], labels)

    def areas(self, outputs: Arrays, size: int) -> NDArray[np.uint8]:
        """See :class:`Family`: logits are enlarged before they are compared."""
        planes = [cv2.resize(one, (size, size)) for one in outputs[SEMANTIC]]
        return np.asarray(np.argmax(planes, axis=0), np.uint8)


@dataclass(frozen=True, kw_only=True)
class DetSegRefineFamily(DetSegFamily):
    """All of it."""

    outputs: ClassVar[tuple[str, ...]] = (*DetSegFamily.outputs, REFINEMENT)

    def build(self, channels: int, dropout: float) -> nn.Module:
        """See :class:`Family`."""
        return self._network(channels, dropout, 1 + len(self.classes), refines=True)

    def stages(self, epochs: int) -> tuple[Stage, ...]:
        """See :class:`Family`: without refinement, then all but the trunk and its pyramid."""
        refining = max(1, round(_REFINING * epochs))
        first = (PROPOSAL_SCORE, PROPOSAL_BOX, BOX, ROTATION, SEGMENTATION)
        return (
            Stage("detect", epochs - refining, self._learning(besides=("refinement.",)), first),
            Stage("refine", refining, self._learning(besides=("trunk.", "pyramid."))),
        )

    def losses(self, outputs: Tensors, targets: Tensors) -> dict[str, Tensor]:
        """See :class:`Family`: equation 2."""
        grasps = most_likely(
            outputs[BOXES], outputs[ORIENTATION].detach(), outputs[CORRECTIONS].detach()
        )
        wrap = bool(targets[WRAP][0] > 0.5)
        refine = refinement_loss(outputs[REFINEMENT], grasps, targets[LABELS], wrap=wrap)
        return {**super().losses(outputs, targets), REFINE: _REFINE_WEIGHT * refine}

    def _candidates(
        self, outputs: Arrays, config: LearnedConfig, most: int, min_score: float
    ) -> tuple[FloatArray, FloatArray]:
        """Refined grasps, of the most likely orientation of each proposal, and their scores."""
        if not cast(DetSegRefineConfig, config).refine:
            return super()._candidates(outputs, config, most, min_score)
        score = _probabilities(outputs[ORIENTATION]).max(axis=1)
        order = np.argsort(-score, kind="stable")[:most]
        order = order[score[order] > min_score]
        chosen = (
            torch.from_numpy(outputs[name][order]).double()
            for name in (BOXES, ORIENTATION, CORRECTIONS, REFINEMENT)
        )
        boxes, orientation, corrections, refinement = (one[None] for one in chosen)
        grasps = decode_turned(refinement, most_likely(boxes, orientation, corrections))
        rows = np.asarray(grasps[0].numpy())
        rows[:, 4] = wrap_angle(rows[:, 4])
        return rows, score[order]


def _some(rows: FloatArray, most: int) -> NDArray[np.float32]:
    """All rows, or of very many every so many, shape (most, 5), NaN after them."""
    step = max(1, -(-len(rows) // most))
    kept = np.full((most, 5), np.nan, np.float32)
    kept[: len(rows[::step])] = rows[::step]
    return kept


def _probabilities(logits: NDArray[np.float32]) -> FloatArray:
    """Probability of each valid orientation, shape (R, 19) -> (R, 18)."""
    return np.asarray(torch.softmax(torch.from_numpy(logits).double(), dim=-1)[:, :-1].numpy())


_PAPER: dict[str, Any] = {
    "trunk": "resnet101",
    "sizes": PAPER,
    "still": ("trunk.conv1.", "trunk.stages.0."),  # the paper's conv1 and conv2
    "anchor_px": (16.0, 32.0, 64.0, 128.0),
}
DET, DET_FULL = DetFamily(), DetFamily(**_PAPER)
DET_SEG, DET_SEG_FULL = DetSegFamily(), DetSegFamily(**_PAPER)
DET_SEG_REFINE, DET_SEG_REFINE_FULL = DetSegRefineFamily(), DetSegRefineFamily(**_PAPER)
