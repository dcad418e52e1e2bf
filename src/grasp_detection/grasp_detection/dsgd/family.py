"""The family: its networks alone, and the switch between them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from grasp_core.config import setting
from grasp_core.grasp import Level
from grasp_core.rectangle import matches
from grasp_detection.dsgd import losses as equations
from grasp_detection.dsgd.config import GLOBAL, PIXEL, REGION, SWITCH, DsgdConfig
from grasp_detection.dsgd.grasp_images import best_rows, grasp_images
from grasp_detection.dsgd.network import (
    ANCHORS,
    ANGLE_MAPS,
    BOXES,
    CORRECTIONS,
    EVALUATION,
    GLOBAL_ANGLE,
    GLOBAL_BOX,
    GLOBAL_OUTPUTS,
    GRASP_MAPS,
    LOGITS,
    MASKS,
    PIXEL_OUTPUTS,
    PROPOSED,
    RECTANGLES,
    REGION_ANGLES,
    REGION_CONFIDENCE,
    REGION_OUTPUTS,
    TRIED,
    Dsgd,
    Piece,
    Priors,
)
from grasp_detection.dsgd.reading import SIZE_UNIT, read_globally, read_pixels, read_regions
from grasp_detection.dsgd.sizes import SMALL, Sizes, paper_sizes
from grasp_detection.dsgd.targets import NO_CLASS, grasps_to_judge, paint, salient_regions, some
from grasp_detection.learned.boxes import iou
from grasp_detection.learned.config import LearnedConfig
from grasp_detection.learned.family import (
    WHOLE,
    Arrays,
    Candidates,
    Family,
    Part,
    RunPart,
    Stage,
    TargetSettings,
    Tensors,
)
from grasp_detection.learned.proposals import Proposals, ProposalSettings, proposal_losses
from grasp_detection.learned.roi_align import roi_align
from grasp_detection.learned.trunk import THIN_RESNET50
from grasp_detection.learned.window import FloatArray

# What it is taught, besides grasps to judge
LABELS, VALID, MAPS, CLASSES = "labels", "valid", "maps", "classes"
REGIONS, REGION_GRASPS, AREA = "regions", "region_grasps", "area"
# Losses
PREDICTED, EVALUATED, PIXELS = "predicted", "evaluated", "pixels"
SALIENCE, PLACE, TURN, CONFIDENCE, SEGMENTATION = (
    "salience", "place", "turn", "confidence", "segmentation",
)  # fmt: skip
FINE, COARSE = "fine", "coarse"
_REGIONS, _PIXELS, _PREDICTION, _EVALUATION = "regions", "pixels", "prediction", "evaluation"
_MOST_LABELS, _MOST_REGIONS, _TAUGHT_REGIONS = 64, 32, 8  # of a picture
_SALIENT = 0.5  # Jaccard index with a salient region from which a proposal is one
_JUDGING, _GLOBALLY = 0.3, 0.4  # of the epochs, for the evaluation and for the global networks
_BANDS = 3.0  # of scores: surely of a region, surely of a pixel, all others


@dataclass(frozen=True)
class DsgdTargets(TargetSettings):
    """How labels are painted."""

    bell: bool = setting(
        True, "position falls off from each label's centre; else it is 1 on the middle third"
    )


@dataclass(frozen=True, kw_only=True)
class DsgdFamily(Family):
    """What the networks have in common.

    Attributes:
        sizes: Of the layers; None for the paper's on the DenseNet that the trunk is.
        anchor_px: Square root of the area of the anchors, pixels of the input: the salient
            regions' median, half and twice it.
        anchor_ratios: Height over width of the anchors: quartiles of the salient regions.
        mean_px: Width and height of the mean label, pixels of the input.
        networks: Which there are, of ``region``, ``pixel`` and ``global``.
    """

    trunk: str = THIN_RESNET50
    sizes: Sizes | None = SMALL
    anchor_px: tuple[float, ...] = (16.0, 32.0, 64.0)
    anchor_ratios: tuple[float, ...] = (0.7, 1.4)
    mean_px: tuple[float, ...] = (40.0, 20.0)

    stride: ClassVar[int] = 32
    config_class: ClassVar[type[LearnedConfig]] = DsgdConfig
    target_class: ClassVar[type[TargetSettings]] = DsgdTargets
    networks: ClassVar[tuple[str, ...]]

    @property
    def network_name(self) -> str:
        """See :class:`Family`."""
        return f"{type(self).__name__} of {self.sizes or 'the paper'} on {self.trunk}"

    def build(self, channels: int, dropout: float) -> nn.Module:
        """See :class:`Family`; what comes out has names, in training it is more."""
        sizes = self.sizes or paper_sizes(self.trunk)
        priors = Priors(tuple(self.anchor_px), tuple(self.anchor_ratios), tuple(self.mean_px))
        return Dsgd(channels, dropout, self.trunk, sizes, priors, self.networks)

    def measure(self, labels: Iterable[FloatArray], size: int) -> dict[str, Any]:
        """See :class:`Family`: anchors by the salient regions, and the mean label."""
        known = list(labels)
        boxes = np.concatenate([salient_regions(rows).boxes for rows in known])[:, 2:]
        middle = float(np.median(np.sqrt(boxes.prod(axis=1))))
        ratios = np.quantile(boxes[:, 1] / boxes[:, 0], (0.25, 0.75))
        mean = np.concatenate([rows[:, 2:4] for rows in known]).mean(axis=0)
        return {
            "anchor_px": [round(middle * times, 3) for times in (0.5, 1.0, 2.0)],
            "anchor_ratios": [round(float(ratio), 4) for ratio in ratios],
            "mean_px": [round(float(side), 3) for side in mean],
        }

    def targets(
        self,
        rows: FloatArray,
        size: int,
        whole: int,
        settings: TargetSettings,
        quality: FloatArray | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """See :class:`Family`."""
        bell = cast(DsgdTargets, settings).bell
        told: dict[str, NDArray[np.float32]] = {}
        maps, classes = paint(rows, size, SIZE_UNIT * whole, quality, bell=bell)
        if PIXEL in self.networks:
            told |= {MAPS: maps, CLASSES: classes}
        if REGION in self.networks:
            found = salient_regions(rows)
            told |= {
                REGIONS: some(found.boxes, _MOST_REGIONS),
                REGION_GRASPS: some(found.grasps, _MOST_REGIONS),
                PROPOSED: some(found.boxes, _TAUGHT_REGIONS),
                AREA: (classes != NO_CLASS).astype(np.float32),
            }
        if GLOBAL in self.networks:
            tried, valid = grasps_to_judge(rows, size)
            told |= {
                LABELS: some(rows, _MOST_LABELS),
                TRIED: tried.astype(np.float32),
                VALID: valid.astype(np.float32),
            }
        return told

    def forward(
        self, network: nn.Module, inputs: Tensor, targets: Tensors | None = None
    ) -> dict[str, Tensor]:
        """See :class:`Family`."""
        taught = None
        if targets is not None:
            taught = {name: targets[name] for name in (PROPOSED, TRIED) if name in targets}
        return cast(dict[str, Tensor], network(inputs, taught))

    def losses(self, outputs: Tensors, targets: Tensors) -> dict[str, Tensor]:
        """See :class:`Family`: equations 5 to 13, of the networks that spoke."""
        losses: dict[str, Tensor] = {}
        if BOXES in outputs:
            losses |= _region_losses(outputs, targets)
        if GRASP_MAPS in outputs:
            losses[PIXELS] = equations.pixel_loss(
                outputs[GRASP_MAPS], outputs[ANGLE_MAPS], targets[MAPS], targets[CLASSES]
            )
        if GLOBAL_BOX in outputs:
            losses |= _global_losses(outputs, targets)
        return losses

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
        return self._read(outputs, size, cast(DsgdConfig, config), limit, min_score)

    @abstractmethod
    def _read(
        self, outputs: Arrays, size: int, config: DsgdConfig, limit: int, least: float
    ) -> Candidates: ...


@dataclass(frozen=True, kw_only=True)
class RegionFamily(DsgdFamily):
    """Region grasp network (RGN) alone."""

    outputs: ClassVar[tuple[str, ...]] = REGION_OUTPUTS
    level: ClassVar[Level] = Level.REGION
    networks: ClassVar[tuple[str, ...]] = (REGION,)

    def parts(self, network: nn.Module, channels: int) -> dict[str, Part]:
        """See :class:`Family`."""
        whole = Piece(cast(Dsgd, network), lambda n, x: tuple(n.region(n.levels(x))))
        return {WHOLE: Part(whole, channels, REGION_OUTPUTS)}

    def _read(
        self, outputs: Arrays, size: int, config: DsgdConfig, limit: int, least: float
    ) -> Candidates:
        return read_regions(outputs, config, limit, least)


@dataclass(frozen=True, kw_only=True)
class PixelFamily(DsgdFamily):
    """Pixel grasp network (PGN) alone."""

    outputs: ClassVar[tuple[str, ...]] = PIXEL_OUTPUTS
    level: ClassVar[Level] = Level.PIXEL
    networks: ClassVar[tuple[str, ...]] = (PIXEL,)

    def parts(self, network: nn.Module, channels: int) -> dict[str, Part]:
        """See :class:`Family`."""
        whole = Piece(cast(Dsgd, network), lambda n, x: n.pixel(n.levels(x)[0]))
        return {WHOLE: Part(whole, channels, PIXEL_OUTPUTS)}

    def _read(
        self, outputs: Arrays, size: int, config: DsgdConfig, limit: int, least: float
    ) -> Candidates:
        return read_pixels(outputs, size, config, limit, least)


@dataclass(frozen=True, kw_only=True)
class GlobalFamily(DsgdFamily):
    """Global grasp network (GGN) alone: a prediction, and what the evaluation makes of it."""

    outputs: ClassVar[tuple[str, ...]] = GLOBAL_OUTPUTS
    level: ClassVar[Level] = Level.GLOBAL
    networks: ClassVar[tuple[str, ...]] = (GLOBAL,)

    def stages(self, epochs: int) -> tuple[Stage, ...]:
        """See :class:`Family`: both, then the evaluation alone, on failures of the prediction."""
        judging = max(1, round(_JUDGING * epochs))
        return (
            Stage("prediction", epochs - judging),
            Stage("evaluation", judging, ("evaluation.",), (EVALUATED,)),
        )

    def parts(self, network: nn.Module, channels: int) -> dict[str, Part]:
        """See :class:`Family`."""
        own = cast(Dsgd, network)
        prediction = Piece(own, lambda n, x: n.prediction(n.levels(x)[-1]))
        return {
            _PREDICTION: Part(prediction, channels, (GLOBAL_BOX, GLOBAL_ANGLE)),
            _EVALUATION: _evaluation_of(own, channels),
        }

    def answer(
        self, run: RunPart, inputs: NDArray[np.float32], config: LearnedConfig
    ) -> dict[str, NDArray[np.float32]]:
        """See :class:`Family`."""
        return _judged(run, inputs, run(_PREDICTION, inputs))

    def _read(
        self, outputs: Arrays, size: int, config: DsgdConfig, limit: int, least: float
    ) -> Candidates:
        return read_globally(outputs, least)


@dataclass(frozen=True, kw_only=True)
class SwitchFamily(DsgdFamily):
    """All networks on one trunk, of which the most sure one speaks."""

    outputs: ClassVar[tuple[str, ...]] = (*REGION_OUTPUTS, *PIXEL_OUTPUTS, *GLOBAL_OUTPUTS)
    level: ClassVar[Level] = Level.REGION
    networks: ClassVar[tuple[str, ...]] = (REGION, PIXEL, GLOBAL)

    def stages(self, epochs: int) -> tuple[Stage, ...]:
        """See :class:`Family`: region and pixel networks with the trunk, then the global ones."""
        later = max(1, round(_GLOBALLY * epochs))
        near = (SALIENCE, PLACE, TURN, CONFIDENCE, SEGMENTATION, PIXELS)
        return (
            Stage("near", epochs - later, ("trunk.", "neck.", "region.", "pixel."), near),
            Stage("global", later, ("prediction.", "evaluation."), (PREDICTED, EVALUATED)),
        )

    def parts(self, network: nn.Module, channels: int) -> dict[str, Part]:
        """See :class:`Family`: the regions' part puts out the features that the others look at."""
        own = cast(Dsgd, network)
        ends = (FINE, COARSE)[: len(own.strides)]  # where the trunk has one level it is both

        def regions(n: Dsgd, x: Tensor) -> tuple[Tensor, ...]:
            levels = n.levels(x)
            return (levels[0], levels[-1])[: len(ends)] + tuple(n.region(levels))

        pixels = Piece(own, lambda n, features: n.pixel(features))
        prediction = Piece(own, lambda n, features: n.prediction(features))
        return {
            _REGIONS: Part(Piece(own, regions), channels, (*ends, *REGION_OUTPUTS)),
            _PIXELS: Part(pixels, own.channels, PIXEL_OUTPUTS),
            _PREDICTION: Part(prediction, own.channels, (GLOBAL_BOX, GLOBAL_ANGLE)),
            _EVALUATION: _evaluation_of(own, channels),
        }

    def answer(
        self, run: RunPart, inputs: NDArray[np.float32], config: LearnedConfig
    ) -> dict[str, NDArray[np.float32]]:
        """See :class:`Family`: the pixel network runs where no region is sure, and so on."""
        settings, size = cast(DsgdConfig, config), inputs.shape[-1]
        found = run(_REGIONS, inputs)
        fine = found.pop(FINE)
        coarse = found.pop(COARSE, fine)
        first = {name: array[0] for name, array in found.items()}
        if _speaks(REGION, settings, read_regions(first, config, 1, 0.0)):
            return found
        if settings.speaker in (SWITCH, PIXEL):
            pixels = run(_PIXELS, fine)
            first = {name: array[0] for name, array in pixels.items()}
            if _speaks(PIXEL, settings, read_pixels(first, size, config, 1, 0.0)):
                return found | pixels
            found |= pixels
        return found | _judged(run, inputs, run(_PREDICTION, coarse))

    def _read(
        self, outputs: Arrays, size: int, config: DsgdConfig, limit: int, least: float
    ) -> Candidates:
        """The grasps of who speaks, those that are as sure as it asks for ahead of all others."""
        regions = read_regions(outputs, config, limit, 0.0)
        if _speaks(REGION, config, regions):
            return _scored(regions, config.region_threshold, 2, least)
        if PIXEL_OUTPUTS[0] in outputs and config.speaker != GLOBAL:
            pixels = read_pixels(outputs, size, config, limit, 0.0)
            # On an input of another size its confidence may differ by a little from the one by
            # which the global network was not asked.
            if _speaks(PIXEL, config, pixels) or GLOBAL_BOX not in outputs:
                return _scored(pixels, config.pixel_threshold, 1, least)
        return _scored(read_globally(outputs, 0.0), np.inf, 0, least)


def _speaks(who: str, config: DsgdConfig, found: Candidates) -> bool:
    """Whether the answer is what one of the near networks found."""
    if config.speaker != SWITCH:
        return config.speaker == who
    threshold = config.region_threshold if who == REGION else config.pixel_threshold
    return bool(len(found.score)) and float(found.score[0]) > threshold


def _scored(found: Candidates, threshold: float, band: int, least: float) -> Candidates:
    """Candidates by a score that says of all networks alike how good they are.

    One calibration serves all three: confidences above the switch's thresholds have ranges of
    scores of their own, all others share one.
    """
    score = (found.score + band * (found.score > threshold)) / _BANDS
    kept = score > least
    return replace(
        found, rows=found.rows[kept], score=score[kept], raw_score=found.raw_score[kept]
    )


def _evaluation_of(network: Dsgd, channels: int) -> Part:
    piece = Piece(network, lambda n, images: n.evaluation(n.levels(images)[-1]))
    return Part(piece, channels, (EVALUATION,))


def _judged(
    run: RunPart, inputs: NDArray[np.float32], found: dict[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """A global prediction with the evaluation of its grasp image."""
    box, angle = (torch.from_numpy(found[name]) for name in (GLOBAL_BOX, GLOBAL_ANGLE))
    images = grasp_images(torch.from_numpy(inputs), best_rows(box, angle)[:, None])
    return found | run(_EVALUATION, np.ascontiguousarray(images[:, 0].numpy()))


def _region_losses(outputs: Tensors, targets: Tensors) -> dict[str, Tensor]:
    """Equations 9, 10 and 11."""
    boxes, regions = outputs[BOXES], targets[REGIONS]
    best, number = iou(boxes, torch.nan_to_num(regions)).max(dim=2)
    graspable = best >= _SALIENT
    grasps = torch.nan_to_num(targets[REGION_GRASPS])
    label = grasps.gather(1, number[..., None].expand(-1, -1, 5))
    found = Proposals(boxes, outputs[LOGITS], outputs[CORRECTIONS], outputs[ANCHORS])
    score, place = proposal_losses(found, regions, ProposalSettings())
    masks = roi_align(targets[AREA][:, None], boxes, 1, outputs[MASKS].shape[-1])[:, :, 0]
    share = equations.LAMBDA
    return {
        SALIENCE: (1.0 - share) * place + share * score,
        PLACE: equations.rectangle_loss(outputs[RECTANGLES], boxes, label, graspable),
        TURN: equations.angle_loss(outputs[REGION_ANGLES], label, graspable),
        CONFIDENCE: equations.confidence_loss(outputs[REGION_CONFIDENCE], graspable),
        SEGMENTATION: equations.mask_loss(outputs[MASKS], masks, graspable),
    }


def _global_losses(outputs: Tensors, targets: Tensors) -> dict[str, Tensor]:
    """Equations 5 and 6."""
    labels, tried = targets[LABELS], outputs[TRIED]
    own = [
        matches(row[None].double().cpu().numpy(), known[torch.isfinite(known[:, 0])].cpu().numpy())
        for row, known in zip(tried[:, -1], labels, strict=True)
    ]
    right = torch.from_numpy(np.stack(own)).to(labels)
    # The prediction comes last; in validation it is alone.
    valid = torch.cat([targets[VALID], right], dim=1)[:, -tried.shape[1] :]
    return {
        PREDICTED: equations.prediction_loss(outputs[GLOBAL_BOX], outputs[GLOBAL_ANGLE], labels),
        EVALUATED: equations.evaluation_loss(outputs[EVALUATION], valid),
    }


DSGD, DSGD_LITE = SwitchFamily(), SwitchFamily(trunk="densenet121", sizes=None)
REGIONS_ALONE = RegionFamily()
REGIONS_FULL = RegionFamily(trunk="densenet161", sizes=None)
PIXELS_ALONE = PixelFamily()
PIXELS_FULL = PixelFamily(trunk="densenet121", sizes=None)
GLOBAL_ALONE = GlobalFamily()
GLOBAL_FULL = GlobalFamily(trunk="densenet121", sizes=None)
