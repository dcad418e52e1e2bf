"""Trunks: residual networks that others have pretrained, and a pyramid of their features.

Batch normalisation is folded into the convolutions, as it is in the files of
:mod:`grasp_detection.learned.trunk_files`: all of a trunk's numbers are filters and biases, and
all of them learn.
Source: He et al., "Deep residual learning for image recognition", CVPR 2016; Lin et al., "Feature
pyramid networks for object detection", CVPR 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_core.errors import ConfigError

_STEM = 64  # channels before the first stage
_STEM_STRIDE = 4
SCALE = 16  # stride of the third stage, the last one that most detectors of this stack use
STAGES = 3


@dataclass(frozen=True)
class TrunkLayout:
    """The shape of a residual network.

    Attributes:
        name: What it is called.
        blocks: Of each of the four stages.
        width: Channels inside the blocks of the first stage; each stage doubles them.
        bottleneck: Blocks of 1x1, 3x3 and 1x1 convolutions, four times as wide at the end; else of
            two 3x3 convolutions.
        stride_first: A stage halves the picture in its first convolution, as the original does;
            else in its first 3x3 one, as torchvision does.
        pool_ahead: The pool after the stem pads below and right only, as Caffe does; else on all
            sides.
    """

    name: str
    blocks: tuple[int, int, int, int]
    width: int
    bottleneck: bool = True
    stride_first: bool = False
    pool_ahead: bool = False

    def channels(self, stage: int) -> int:
        """Channels that a stage puts out, counted from 0."""
        return self.width * 2**stage * (4 if self.bottleneck else 1)


THIN_RESNET50 = "thin_resnet50"
_LAYOUTS = {
    layout.name: layout
    for layout in (
        TrunkLayout(THIN_RESNET50, (3, 4, 6, 3), 32, stride_first=True, pool_ahead=True),
        TrunkLayout("resnet18", (2, 2, 2, 2), 64, bottleneck=False),
        TrunkLayout("resnet50", (3, 4, 6, 3), 64),
        TrunkLayout("resnet101", (3, 4, 23, 3), 64),
    )
}


def layout_names() -> list[str]:
    """Names of all layouts, sorted."""
    return sorted(_LAYOUTS)


def find_layout(name: str) -> TrunkLayout:
    """A layout by name.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in _LAYOUTS:
        raise ConfigError(f"no trunk {name!r}; valid are {', '.join(layout_names())}")
    return _LAYOUTS[name]


class ResNet(nn.Module):
    """A trunk: features at strides 4, 8 and 16, or as far as a fourth stage of stride 32.

    Drawn at random, every block begins as the identity, which is what lets so many layers learn
    without normalisation (Zhang et al., "Fixup initialization", ICLR 2019).

    Args:
        channels: Input channels.
        layout: Its shape.
        stages: How many of its stages.
    """

    def __init__(self, channels: int, layout: TrunkLayout, stages: int = STAGES) -> None:
        super().__init__()
        self.layout = layout
        self.conv1 = nn.Conv2d(channels, _STEM, 7, 2, 3)
        self.stages = nn.ModuleList()
        before = _STEM
        for stage in range(stages):
            blocks = nn.ModuleList()
            for block in range(layout.blocks[stage]):
                stride = 2 if stage and not block else 1
                blocks.append(_Block(before, layout, stage, stride, first=not block))
                before = layout.channels(stage)
            self.stages.append(blocks)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        for module in self.modules():
            if isinstance(module, _Block):
                nn.init.zeros_(module.last.weight)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Shape (B, channels, H, W) -> features of strides 4, 8, 16.., (B, C, H / s, W / s)."""
        x = functional.relu(self.conv1(x.contiguous(memory_format=torch.channels_last)))
        if self.layout.pool_ahead:
            x = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1)), 3, 2)
        else:
            x = functional.max_pool2d(x, 3, 2, 1)
        features: list[Tensor] = []
        for blocks in self.stages:
            for block in cast(nn.ModuleList, blocks):
                x = block(x)
            features.append(x)
        return features


class _Block(nn.Module):
    """Convolutions a, b (and c) beside the input, or its projection p."""

    def __init__(
        self, before: int, layout: TrunkLayout, stage: int, stride: int, *, first: bool
    ) -> None:
        super().__init__()
        inner, after = layout.width * 2**stage, layout.channels(stage)
        ahead, behind = (stride, 1) if layout.stride_first else (1, stride)
        if layout.bottleneck:
            self.a = nn.Conv2d(before, inner, 1, ahead)
            self.b = nn.Conv2d(inner, inner, 3, behind, 1)
            self.c = nn.Conv2d(inner, after, 1)
        else:
            self.a = nn.Conv2d(before, inner, 3, stride, 1)
            self.b = nn.Conv2d(inner, after, 3, 1, 1)
        projects = first and (stride > 1 or before != after)
        self.p = nn.Conv2d(before, after, 1, stride) if projects else None

    @property
    def last(self) -> nn.Conv2d:
        """The convolution whose output is added to the input."""
        return self.c if hasattr(self, "c") else self.b

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, C, H, W) -> (B, C', H / stride, W / stride)."""
        inner = functional.relu(self.a(x))
        inner = self.c(functional.relu(self.b(inner))) if hasattr(self, "c") else self.b(inner)
        return functional.relu(inner + (x if self.p is None else self.p(x)))


class FeaturePyramid(nn.Module):
    """Brings coarse features, which know what is there, down to fine ones, which know where.

    Args:
        before: Channels of the features, fine to coarse, each of half the size of the one before.
        channels: Of what comes out.
    """

    def __init__(self, before: Sequence[int], channels: int) -> None:
        super().__init__()
        self.sides = nn.ModuleList(nn.Conv2d(one, channels, 1) for one in before)
        self.smooth = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Features, fine to coarse -> shape (B, channels, H, W), of the finest one's size."""
        smoothed: Tensor = self.smooth(_brought_down(self.sides, features)[0])
        return smoothed


class PyramidLevels(nn.Module):
    """A feature pyramid of which every level is used.

    Args:
        before: Channels of the features, fine to coarse, each of half the size of the one before.
        channels: Of every level.
    """

    def __init__(self, before: Sequence[int], channels: int) -> None:
        super().__init__()
        self.sides = nn.ModuleList(nn.Conv2d(one, channels, 1) for one in before)
        self.smooth = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in before)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Features, fine to coarse -> as many of the same sizes, with ``channels`` each."""
        levels = _brought_down(self.sides, features)
        return [smooth(level) for smooth, level in zip(self.smooth, levels, strict=True)]


def _brought_down(sides: nn.ModuleList, features: Sequence[Tensor]) -> list[Tensor]:
    """Each feature with what the coarser ones know added, fine to coarse."""
    levels = [sides[-1](features[-1])]
    for side, one in zip(reversed(sides[:-1]), reversed(features[:-1]), strict=True):
        coarser = functional.interpolate(levels[0], scale_factor=2, mode="nearest")
        levels.insert(0, side(one) + coarser)
    return levels
