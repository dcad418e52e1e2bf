"""DenseNets: trunks whose layers see what all layers of their block before them have made.

Other than the residual trunks they keep their normalisations, which stand ahead of the
convolutions and cannot be folded into them.
Source: Huang, Liu, van der Maaten, Weinberger, "Densely connected convolutional networks", CVPR
2017; the order of layers is that of its published weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

BLOCKS = 3  # of a trunk, as far as stride 16; the fourth one is the detectors' own
_BOTTLENECK = 4  # growth rates that the 1x1 convolution of a layer puts out


@dataclass(frozen=True)
class DenseLayout:
    """The shape of a DenseNet.

    Attributes:
        name: What it is called.
        growth: Growth rate: channels that each layer adds.
        layers: Of each of the four dense blocks.
    """

    name: str
    growth: int
    layers: tuple[int, int, int, int]

    @property
    def stem(self) -> int:
        """Channels before the first block."""
        return 2 * self.growth

    def channels(self, block: int) -> int:
        """Channels that a dense block puts out, counted from 0."""
        before = self.stem if not block else self.channels(block - 1) // 2
        return before + self.growth * self.layers[block]


DENSE_LAYOUTS = {
    layout.name: layout
    for layout in (
        DenseLayout("densenet121", 32, (6, 12, 24, 16)),
        DenseLayout("densenet161", 48, (6, 12, 36, 24)),
        DenseLayout("densenet169", 32, (6, 12, 32, 32)),
        DenseLayout("densenet201", 32, (6, 12, 48, 32)),
    )
}


class DenseLayer(nn.Module):
    """A 1x1 and a 3x3 convolution, each behind a normalisation and a ReLU.

    Args:
        before: Channels of all that it sees.
        growth: Channels that it adds.
    """

    def __init__(self, before: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(before)
        self.conv1 = nn.Conv2d(before, _BOTTLENECK * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(_BOTTLENECK * growth)
        self.conv2 = nn.Conv2d(_BOTTLENECK * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, before, H, W) -> (B, growth, H, W)."""
        inner = self.conv1(functional.relu(self.norm1(x)))
        added: Tensor = self.conv2(functional.relu(self.norm2(inner)))
        return added


class DenseBlock(nn.Module):
    """Layers of which each sees the block's input and what all layers before it have added.

    Source: Asif, Tang, Harrer, DSGD, AAAI 2019, equation 4.

    Args:
        before: Channels of the input.
        growth: Channels that each layer adds.
        layers: How many.
    """

    def __init__(self, before: int, growth: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            DenseLayer(before + number * growth, growth) for number in range(layers)
        )
        self.channels = before + layers * growth

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, before, H, W) -> (B, channels, H, W)."""
        for layer in self.layers:
            x = torch.cat([x, layer(x)], dim=1)
        return x


class Transition(nn.Module):
    """Between two blocks: half the channels at half the size.

    Args:
        before: Channels of the input.
    """

    def __init__(self, before: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(before)
        self.conv = nn.Conv2d(before, before // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, before, H, W) -> (B, before / 2, H / 2, W / 2)."""
        return functional.avg_pool2d(self.conv(functional.relu(self.norm(x))), 2)


class DenseNet(nn.Module):
    """A trunk: what the first three dense blocks put out, at strides 4, 8 and 16.

    Args:
        channels: Input channels.
        layout: Its shape.
    """

    def __init__(self, channels: int, layout: DenseLayout) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, layout.stem, 7, 2, 3, bias=False)
        self.norm1 = nn.BatchNorm2d(layout.stem)
        self.blocks, self.transitions = nn.ModuleList(), nn.ModuleList()
        before = layout.stem
        for block in range(BLOCKS):
            if block:
                self.transitions.append(Transition(layout.channels(block - 1)))
                before = layout.channels(block - 1) // 2
            self.blocks.append(DenseBlock(before, layout.growth, layout.layers[block]))
        draw_filters(self.modules())

    def forward(self, x: Tensor) -> list[Tensor]:
        """Shape (B, channels, H, W) -> features of strides 4, 8, 16, (B, C, H / s, W / s).

        They are not normalised: whoever uses them does it.
        """
        x = functional.relu(self.norm1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, 2, 1)
        features: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            if number:
                x = cast(Tensor, self.transitions[number - 1](x))
            x = block(x)
            features.append(x)
        return features


def draw_filters(modules: Iterable[nn.Module]) -> None:
    """Draw the filters of convolutions without biases, as normalised layers need them."""
    for module in modules:
        if isinstance(module, nn.Conv2d) and module.bias is None:
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
