"""What each network has of its own: a dense block on the trunk's features, and its last layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_detection.dsgd.angles import CLASSES
from grasp_detection.dsgd.sizes import Sizes
from grasp_detection.learned.dense_net import DenseBlock, draw_filters
from grasp_detection.learned.layers import ConvBnRelu, FeatureDropout
from grasp_detection.learned.proposals import ProposalSettings, RegionProposals
from grasp_detection.learned.roi_align import roi_align

GRASPABLE = 1  # of the two classes n of regions; 0 is not graspable
BINS = 14  # of the features of a region
MAP_STRIDE = 4  # of the pixel network's last layer, pixels
_SPREAD = 0.01  # standard deviation of what the last layers begin with
_UNIT_PX = 64.0  # of what the global network says
_OVERLAP = 0.7  # of proposed regions
_CONSIDERED = 3  # halves of k: boxes that go through suppression


class DenseHead(nn.Module):
    """A dense block, with half the channels and half the size ahead of it.

    Args:
        before: Channels of the features.
        growth: Channels that each layer adds.
        layers: How many.
        squeeze: Whether the channels are halved, as between the blocks of a DenseNet.
        pool: Whether the size is halved.
    """

    def __init__(
        self, before: int, growth: int, layers: int, *, squeeze: bool, pool: bool
    ) -> None:
        super().__init__()
        self._pool = pool
        inner = before // 2 if squeeze else before
        self.squeeze = nn.Conv2d(before, inner, 1, bias=False) if squeeze else nn.Identity()
        self.block = DenseBlock(inner, growth, layers)
        self.channels = self.block.channels
        self.norm = nn.BatchNorm2d(self.channels)
        draw_filters(self.modules())

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, before, H, W) -> (B, channels, H, W), or half of that size."""
        x = self.squeeze(x)
        if self._pool:
            x = functional.avg_pool2d(x, 2)
        return functional.relu(self.norm(self.block(x)))


class GlobalHead(nn.Module):
    """Global grasp prediction network: one rectangle and its angle class.

    Args:
        before: Channels of the trunk's coarsest features.
        stride: Of these features, pixels.
        sizes: Of the layers.
        mean_px: Width and height of the mean label, where the network begins.
        dropout: Share of feature channels that are missed in training.
    """

    def __init__(
        self,
        before: int,
        stride: int,
        sizes: Sizes,
        mean_px: Sequence[float],
        dropout: float,
    ) -> None:
        super().__init__()
        self._stride, self._mean_px = stride, tuple(mean_px)
        self.dense = _on_coarsest(before, sizes)
        self.dropout = FeatureDropout(dropout)
        self.box = _last(self.dense.channels, 4)
        self.angle = _last(self.dense.channels, CLASSES)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Shape (B, before, H, W) -> boxes (x, y, w, h), pixels of the input, and 20 logits."""
        squeezed = _squeezed(self.dropout(self.dense(features)))
        height, width = features.shape[2:]
        # In half precision places would be whole pixels at best: only the offset may be.
        offset = _UNIT_PX * self.box(squeezed).float()
        sides = torch.stack([torch.as_tensor(width), torch.as_tensor(height)]).to(offset)
        middle = (sides * self._stride - 1.0) / 2.0
        mean = torch.cat([middle, torch.tensor(self._mean_px).to(offset)])
        return mean + offset, self.angle(squeezed)


class EvaluationHead(nn.Module):
    """Grasp evaluation network: whether the rectangle in a grasp image is a grasp.

    Args:
        before: Channels of the trunk's coarsest features.
        sizes: Of the layers.
        dropout: Share of feature channels that are missed in training.
    """

    def __init__(self, before: int, sizes: Sizes, dropout: float) -> None:
        super().__init__()
        self.dense = _on_coarsest(before, sizes)
        self.dropout = FeatureDropout(dropout)
        self.confidence = _last(self.dense.channels, 2)

    def forward(self, features: Tensor) -> Tensor:
        """Shape (B, before, H, W) of a grasp image -> (B, 2) logits, invalid and valid."""
        judged: Tensor = self.confidence(_squeezed(self.dropout(self.dense(features))))
        return judged


class PixelHead(nn.Module):
    """Pixel grasp network: position, width, height and angle class of every pixel.

    Args:
        before: Channels of the trunk's finest features.
        stride: Of these features, pixels.
        sizes: Of the layers.
        dropout: Share of feature channels that are missed in training.
    """

    def __init__(self, before: int, stride: int, sizes: Sizes, dropout: float) -> None:
        super().__init__()
        paper = not sizes.pyramid
        self.dense = DenseHead(before, sizes.growth, sizes.pixel, squeeze=paper, pool=paper)
        channels, stride = self.dense.channels, stride * (2 if paper else 1)
        self.enlarging = nn.ModuleList()
        while stride > MAP_STRIDE:
            self.enlarging.append(ConvBnRelu(channels, channels // 2))
            channels, stride = channels // 2, stride // 2
        self.dropout = FeatureDropout(dropout)
        self.maps = nn.Conv2d(channels, 3, 3, padding=1)
        self.angle = nn.Conv2d(channels, CLASSES, 3, padding=1)
        for head in (self.maps, self.angle):
            _begin(head)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Shape (B, before, H / s, W / s) -> maps (B, 3, H, W) and logits (B, 20, H, W)."""
        x = self.dense(features)
        for layer in self.enlarging:
            x = layer(_enlarged(x, 2))
        x = self.dropout(x)
        return _enlarged(self.maps(x), MAP_STRIDE), _enlarged(self.angle(x), MAP_STRIDE)


class RegionHead(nn.Module):
    """Salient region network, and the region grasp prediction network on what it proposes.

    Args:
        before: Channels of the trunk's features.
        strides: Of each level of them, fine to coarse, pixels.
        sizes: Of the layers.
        anchor_px: Square root of the area of the anchors, pixels: one a level, or all of the only
            one.
        anchor_ratios: Height over width of the anchors.
        dropout: Share of feature channels that are missed in training.
    """

    def __init__(
        self,
        before: int,
        strides: Sequence[int],
        sizes: Sizes,
        anchor_px: Sequence[float],
        anchor_ratios: Sequence[float],
        dropout: float,
    ) -> None:
        super().__init__()
        self._stride = strides[0]
        self._repeats = len(anchor_px) // len(strides)
        each = [stride for stride in strides for _ in range(self._repeats)]
        self.settings = ProposalSettings(
            _CONSIDERED * sizes.proposed // 2, sizes.proposed, _OVERLAP
        )
        self.proposals = RegionProposals(before, each, anchor_px, anchor_ratios, self.settings)
        self.dropout = FeatureDropout(dropout)
        self.dense = DenseHead(
            before, sizes.growth, sizes.region, squeeze=not sizes.pyramid, pool=True
        )
        channels = self.dense.channels
        self.masks = nn.Sequential(  # SR1 and SR2
            nn.ConvTranspose2d(channels, sizes.mask, 2, 2),
            nn.ReLU(inplace=True),
            nn.Conv2d(sizes.mask, 2, 1),
        )
        self.box, self.angle = _last(channels, 8), _last(channels, 2 * CLASSES)
        self.confidence = _last(channels, 2)

    def forward(self, levels: Sequence[Tensor], labels: Tensor | None = None) -> list[Tensor]:
        """Look at the regions of a picture.

        Args:
            levels: Features, fine to coarse, (B, before, H / s, W / s).
            labels: Shape (B, G, 4), regions that are proposed, too, NaN in rows that are not used.
                Where they are given, be it none (G = 0), the way to the proposals comes out, too.

        Returns:
            Proposed regions (B, R, 4); of class n of each, the rectangle's correction factors
            (B, R, n, 4), angle logits (B, R, n, 20), and confidence logits (B, R, n); mask logits
            (B, R, n, 14, 14); with labels, logits (B, A), corrections (B, A, 4) and the anchors
            (B, A, 4).
        """
        found = self.proposals([level for level in levels for _ in range(self._repeats)])
        boxes = found.boxes if labels is None else _with_labels(found.boxes, labels)
        seen = roi_align(self.dropout(levels[0]), boxes, self._stride, BINS)
        batch, count = boxes.shape[:2]
        dense = self.dense(seen.flatten(0, 1))
        squeezed = _squeezed(dense)
        outputs = [
            boxes,
            self.box(squeezed).reshape(batch, count, 2, 4),
            self.angle(squeezed).reshape(batch, count, 2, CLASSES),
            self.confidence(squeezed).reshape(batch, count, 2),
            self.masks(dense).reshape(batch, count, 2, BINS, BINS),
        ]
        if labels is not None:
            outputs += [found.logits, found.corrections, found.anchors]
        return outputs


def _with_labels(proposed: Tensor, labels: Tensor) -> Tensor:
    """Proposals, and labels after them; where there is none, the best proposal again."""
    known = torch.where(torch.isnan(labels), proposed[:, :1], labels.to(proposed))
    return torch.cat([proposed, known], dim=1)


def _on_coarsest(before: int, sizes: Sizes) -> DenseHead:
    return DenseHead(before, sizes.growth, sizes.global_, squeeze=not sizes.pyramid, pool=True)


def _squeezed(x: Tensor) -> Tensor:
    """Mean over places, shape (B, C, H, W) -> (B, C)."""
    return x.mean(dim=(2, 3))


def _enlarged(x: Tensor, times: int) -> Tensor:
    return functional.interpolate(x, scale_factor=times, mode="bilinear", align_corners=False)


def _last(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    _begin(layer)
    return layer


def _begin(layer: nn.Linear | nn.Conv2d) -> None:
    nn.init.normal_(layer.weight, std=_SPREAD)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
