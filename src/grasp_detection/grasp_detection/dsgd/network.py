"""The network: a trunk, and of the region, pixel and global networks those that are wanted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_detection.dsgd.config import GLOBAL, PIXEL, REGION
from grasp_detection.dsgd.grasp_images import best_rows, grasp_images
from grasp_detection.dsgd.heads import EvaluationHead, GlobalHead, PixelHead, RegionHead
from grasp_detection.dsgd.sizes import Sizes
from grasp_detection.learned.trunk import PyramidLevels
from grasp_detection.learned.trunks import STRIDES, build_trunk, trunk_channels

# What it puts out
BOXES, RECTANGLES, REGION_ANGLES = "boxes", "rectangles", "region_angles"
REGION_CONFIDENCE, MASKS = "region_confidence", "masks"
LOGITS, CORRECTIONS, ANCHORS = "proposal_logits", "anchor_corrections", "anchors"
GRASP_MAPS, ANGLE_MAPS = "grasp_maps", "angle_maps"
GLOBAL_BOX, GLOBAL_ANGLE, TRIED, EVALUATION = "global_box", "global_angle", "tried", "evaluation"
REGION_OUTPUTS = (BOXES, RECTANGLES, REGION_ANGLES, REGION_CONFIDENCE, MASKS)
PIXEL_OUTPUTS = (GRASP_MAPS, ANGLE_MAPS)
GLOBAL_OUTPUTS = (GLOBAL_BOX, GLOBAL_ANGLE, EVALUATION)
PROPOSED = "proposed"  # regions that are proposed besides, in training


@dataclass(frozen=True)
class Priors:
    """What the network has to know of the training labels.

    Attributes:
        anchor_px: Square root of the area of the anchors, pixels of the input.
        anchor_ratios: Height over width of the anchors.
        mean_px: Width and height of the mean label, pixels of the input.
    """

    anchor_px: tuple[float, ...]
    anchor_ratios: tuple[float, ...]
    mean_px: tuple[float, ...]


class LastFeatures(nn.Module):
    """The coarsest features of a DenseNet, normalised, as the paper uses them.

    Args:
        channels: Of these features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Features, fine to coarse -> the coarsest one."""
        return [functional.relu(self.norm(features[-1]))]


class Dsgd(nn.Module):
    """All networks, or some of them, on one trunk.

    Args:
        channels: Input channels.
        dropout: Share of feature channels that each network misses in training.
        trunk: Name of the trunk's layout.
        sizes: Of the layers.
        priors: What is known of the training labels.
        parts: Which networks, of ``region``, ``pixel`` and ``global``.

    Height and width of the input must be multiples of 32.
    """

    def __init__(
        self,
        channels: int,
        dropout: float,
        trunk: str,
        sizes: Sizes,
        priors: Priors,
        parts: Collection[str],
    ) -> None:
        super().__init__()
        before = trunk_channels(trunk)
        self.trunk = build_trunk(trunk, channels)
        self.neck: nn.Module
        self.strides: tuple[int, ...]
        if sizes.pyramid:
            self.neck, self.strides = PyramidLevels(before, sizes.pyramid), STRIDES
        else:
            self.neck, self.strides = LastFeatures(before[-1]), STRIDES[-1:]
        self.channels = sizes.pyramid or before[-1]
        fine, coarse = self.strides[0], self.strides[-1]
        if REGION in parts:
            self.region = RegionHead(
                self.channels, self.strides, sizes, priors.anchor_px, priors.anchor_ratios, dropout
            )
        if PIXEL in parts:
            self.pixel = PixelHead(self.channels, fine, sizes, dropout)
        if GLOBAL in parts:
            self.prediction = GlobalHead(self.channels, coarse, sizes, priors.mean_px, dropout)
            self.evaluation = EvaluationHead(self.channels, sizes, dropout)

    def levels(self, x: Tensor) -> list[Tensor]:
        """Shape (B, channels, H, W) -> features that all networks look at, fine to coarse."""
        return cast(list[Tensor], self.neck(self.trunk(x)))

    def forward(self, x: Tensor, taught: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """What every network says of pictures; in training, of which anything is learning.

        Args:
            x: Shape (B, channels, H, W).
            taught: In training, regions (``proposed``, (B, G, 4)) and grasps (``tried``,
                (B, M, 5)) that are looked at besides, NaN in rows that are not used.
        """
        levels = self.levels(x)
        outputs: dict[str, Tensor] = {}
        if self._speaks("region"):
            none = torch.empty((len(x), 0, 4), device=x.device)
            found = self.region(levels, none if taught is None else taught[PROPOSED])
            names = (*REGION_OUTPUTS, LOGITS, CORRECTIONS, ANCHORS)
            outputs |= dict(zip(names, found, strict=True))
        if self._speaks("pixel"):
            outputs |= dict(zip(PIXEL_OUTPUTS, self.pixel(levels[0]), strict=True))
        if self._speaks("prediction", "evaluation"):
            outputs |= self._globally(x, levels[-1], None if taught is None else taught[TRIED])
        return outputs

    def _globally(self, x: Tensor, features: Tensor, others: Tensor | None) -> dict[str, Tensor]:
        """The global grasp, and what the evaluation network says of it and of others."""
        box, angle = self.prediction(features)
        own = best_rows(box.detach(), angle.detach())[:, None]
        tried = own if others is None else torch.cat([others.to(own), own], dim=1)
        images = grasp_images(x, tried)
        judged = self.evaluation(self.levels(images.flatten(0, 1))[-1])
        return {
            GLOBAL_BOX: box,
            GLOBAL_ANGLE: angle,
            TRIED: tried,
            EVALUATION: judged.reshape(*tried.shape[:2], 2),
        }

    def _speaks(self, *heads: str) -> bool:
        """Whether there are such heads, and not in training while none of them learns."""
        there = [head for name in heads if (head := getattr(self, name, None)) is not None]
        if not self.training:
            return bool(there)
        return any(p.requires_grad for head in there for p in head.parameters())


class Piece(nn.Module):
    """A way through a network that a runtime carries out by itself.

    Args:
        network: Whose numbers it shares.
        way: From the network and a tensor to what comes out, in order.
    """

    def __init__(
        self, network: Dsgd, way: Callable[[Dsgd, Tensor], tuple[Tensor, ...] | Tensor]
    ) -> None:
        super().__init__()
        self.network, self._way = network, way

    def forward(self, x: Tensor) -> tuple[Tensor, ...] | Tensor:
        """Shape (B, C, H, W) -> what the way puts out."""
        return self._way(self.network, x)
