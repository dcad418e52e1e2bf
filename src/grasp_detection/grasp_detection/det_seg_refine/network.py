"""The network: trunk and pyramid, proposals, the head that judges them, and what is added to it.

In-place activated batch normalisation, which saves a GPU's memory, is batch normalisation and a
leaky ReLU here: the same function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_detection.det_seg_refine.orientations import CLASSES
from grasp_detection.det_seg_refine.refinement import RefinementHead, most_likely
from grasp_detection.det_seg_refine.segmentation import SegmentationBranch
from grasp_detection.learned.layers import FeatureDropout
from grasp_detection.learned.proposals import ProposalSettings, RegionProposals
from grasp_detection.learned.roi_align import roi_align
from grasp_detection.learned.trunk import PyramidLevels, ResNet, find_layout

BINS = 14  # of RoIAlign; pooled by two
FINEST = 4  # stride of the pyramid's finest level, pixels
SLOPE = 0.01  # of every leaky ReLU


@dataclass(frozen=True)
class Sizes:
    """Widths of the layers.

    Attributes:
        stages: Of the trunk, and levels of the pyramid.
        pyramid: Channels of every level.
        hidden: Neurons of each layer of the head.
        segmentation: Channels of every Mini-DeepLab module.
        refinement: Neurons of the first layer of the refinement head.
        map_px: Sides of the two maps that the refinement head sees, cells.
        in_grasp_frame: It sees them in the grasp's own frame; else the whole picture, as the paper
            has it.
    """

    stages: int = 3
    pyramid: int = 64
    hidden: int = 320
    segmentation: int = 32
    refinement: int = 128
    map_px: int = 28
    in_grasp_frame: bool = True


class GraspHead(nn.Module):
    """Which orientation class each proposal has, and how it must be corrected for each class.

    Args:
        channels: Of the features.
        hidden: Neurons of each layer.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        cells = (BINS // 2) ** 2
        self.layers = nn.Sequential(
            nn.Linear(cells * channels, hidden, bias=False),
            nn.BatchNorm1d(hidden),
            nn.LeakyReLU(SLOPE),
            nn.Linear(hidden, hidden, bias=False),
            nn.BatchNorm1d(hidden),
            nn.LeakyReLU(SLOPE),
        )
        self.orientation = _branch(hidden, CLASSES + 1, 0.01)
        self.correction = _branch(hidden, 4 * CLASSES, 0.001)

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Shape (B, R, C, 14, 14) -> (B, R, 19) logits and (B, R, 18, 4) correction factors."""
        batch, count = seen.shape[:2]
        pooled = functional.avg_pool2d(seen.flatten(0, 1), 2)
        hidden = self.layers(pooled.flatten(1))
        orientation = self.orientation(hidden).reshape(batch, count, CLASSES + 1)
        return orientation, self.correction(hidden).reshape(batch, count, CLASSES, 4)


def _branch(hidden: int, outputs: int, spread: float) -> nn.Sequential:
    last = nn.Linear(hidden, outputs)
    nn.init.normal_(last.weight, std=spread)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(hidden, hidden), nn.LeakyReLU(SLOPE), last)


class DetSegRefine(nn.Module):
    """All three configurations.

    Args:
        channels: Input channels.
        dropout: Share of feature channels that the heads miss in training; the paper has none.
        trunk: Name of the trunk's layout.
        sizes: Widths of the layers.
        anchor_px: Square root of the area of the anchors of each level, pixels.
        anchor_ratios: Height over width of the anchors.
        proposals: How many boxes.
        classes: Semantic classes with the background; 0 without a segmentation branch.
        refines: Whether there is a refinement head.

    Height and width of the input must be multiples of the coarsest stride.
    """

    def __init__(
        self,
        channels: int,
        dropout: float,
        trunk: str,
        sizes: Sizes,
        anchor_px: Sequence[float],
        anchor_ratios: Sequence[float],
        proposals: ProposalSettings,
        classes: int,
        *,
        refines: bool,
    ) -> None:
        super().__init__()
        layout, levels = find_layout(trunk), range(sizes.stages)
        self.trunk = ResNet(channels, layout, sizes.stages)
        self.pyramid = PyramidLevels([layout.channels(stage) for stage in levels], sizes.pyramid)
        self.proposals = RegionProposals(
            sizes.pyramid, [FINEST * 2**level for level in levels], anchor_px, anchor_ratios,
            proposals,
        )  # fmt: skip
        self.dropout = FeatureDropout(dropout)
        self.head = GraspHead(sizes.pyramid, sizes.hidden)
        self.segmentation = (
            SegmentationBranch(sizes.pyramid, sizes.stages, sizes.segmentation, classes)
            if classes
            else None
        )
        self.refinement = (
            RefinementHead(sizes.map_px, sizes.refinement, in_grasp_frame=sizes.in_grasp_frame)
            if refines
            else None
        )

    def forward(self, x: Tensor, labels: Tensor | None = None) -> tuple[Tensor, ...]:
        """Look at a picture.

        Args:
            x: Shape (B, channels, H, W).
            labels: Shape (B, G, 4), boxes that are proposed, too, NaN in rows that are not used.
                Where they are given, be it none (G = 0), the way to the proposals comes out, too.

        Returns:
            Proposals (B, R, 4), logits (B, R, 19) and corrections (B, R, 18, 4); with
            segmentation, logits (B, S, H / 4, W / 4); with refinement, corrections (B, R, 5); with
            labels, logits (B, A), corrections (B, A, 4) and the anchors themselves (B, A, 4).
        """
        levels = self.pyramid(self.trunk(x))
        found = self.proposals(levels)
        boxes = found.boxes if labels is None else _with_labels(found.boxes, labels)
        # By the pyramid's rule, boxes below 112 px are looked at in its finest level: grasps are.
        seen = roi_align(self.dropout(levels[0]), boxes, FINEST, BINS)
        orientation, corrections = self.head(seen)
        outputs = [boxes, orientation, corrections]
        if self.segmentation is not None:
            semantic = self.segmentation(levels)
            outputs.append(semantic)
            if self.refinement is not None:
                grasps = most_likely(boxes, orientation.detach(), corrections.detach())
                outputs.append(self.refinement(semantic, grasps, FINEST))
        if labels is not None:
            outputs += [found.logits, found.corrections, found.anchors]
        return tuple(outputs)


def _with_labels(proposed: Tensor, labels: Tensor) -> Tensor:
    """Proposals, and labels after them; where there is none, the best proposal again."""
    known = torch.where(torch.isnan(labels), proposed[:, :1], labels.to(proposed))
    return torch.cat([proposed, known], dim=1)
