"""GR-ConvNet: convolutions, five residual blocks, transposed convolutions.

Source: Kumra, Joshi, Sahin, "Antipodal robotic grasping using generative residual convolutional
neural network", IROS 2020. Layers are named as in the published weight files, so that those can
be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_detection.learned.family import PublishedWeights
from grasp_detection.learned.layers import FeatureDropout
from grasp_detection.maps.family import MapsFamily
from grasp_detection.maps.losses import smooth_l1
from grasp_detection.maps.published_weights import converter

_BLOCKS = 5


class Residual(nn.Module):
    """Two 3x3 convolutions, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, C, H, W) in and out."""
        inner: Tensor = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return x + inner


class GrConvNet(nn.Module):
    """Maps of quality, cos 2 theta, sin 2 theta and width, at the size of the picture.

    Args:
        channels: Input channels: 1 for depth, 3 for RGB, 4 for RGB-D.
        dropout: Share of feature channels that the heads miss in training.
        base: Channels of the first layer.

    Height and width of the input must be multiples of 4.
    """

    def __init__(self, channels: int, dropout: float = 0.1, base: int = 32) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, base, 9, padding=4)
        self.bn1 = nn.BatchNorm2d(base)
        self.conv2 = nn.Conv2d(base, 2 * base, 4, stride=2, padding=1)
        self.bn2 = nn.BatchNorm2d(2 * base)
        self.conv3 = nn.Conv2d(2 * base, 4 * base, 4, stride=2, padding=1)
        self.bn3 = nn.BatchNorm2d(4 * base)
        for number in range(1, _BLOCKS + 1):
            setattr(self, f"res{number}", Residual(4 * base))
        self.conv4 = nn.ConvTranspose2d(
            4 * base, 2 * base, 4, stride=2, padding=1, output_padding=1
        )
        self.bn4 = nn.BatchNorm2d(2 * base)
        self.conv5 = nn.ConvTranspose2d(2 * base, base, 4, stride=2, padding=2, output_padding=1)
        self.bn5 = nn.BatchNorm2d(base)
        self.conv6 = nn.ConvTranspose2d(base, base, 9, padding=4)
        self.dropout = FeatureDropout(dropout)
        # Kernels of 2, because what comes in has one pixel more than the picture.
        self.pos_output = nn.Conv2d(base, 1, 2)
        self.cos_output = nn.Conv2d(base, 1, 2)
        self.sin_output = nn.Conv2d(base, 1, 2)
        self.width_output = nn.Conv2d(base, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, channels, H, W) -> (B, 4, H, W): quality, cos 2 theta, sin 2 theta, width."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.conv2(x)))
        x = functional.relu(self.bn3(self.conv3(x)))
        for number in range(1, _BLOCKS + 1):
            x = getattr(self, f"res{number}")(x)
        x = functional.relu(self.bn4(self.conv4(x)))
        x = functional.relu(self.bn5(self.conv5(x)))
        x = self.dropout(self.conv6(x))
        heads = (self.pos_output, self.cos_output, self.sin_output, self.width_output)
        return torch.cat([head(x) for head in heads], dim=1)


@dataclass(frozen=True, kw_only=True)
class GrConvNetFamily(MapsFamily):
    """The network in whatever width it was published.

    Attributes:
        base: Channels of the first layer.
    """

    base: int = 32

    @property
    def network_name(self) -> str:
        """See :class:`~grasp_detection.learned.family.Family`."""
        return f"{self.network.__name__} of {self.base} channels"

    def build(self, channels: int, dropout: float) -> nn.Module:
        """See :class:`~grasp_detection.learned.family.Family`."""
        return GrConvNet(channels, dropout, self.base)


def _measure(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Width of a published network."""
    filters = state.get("conv1.weight")
    return {} if filters is None else {"base": len(filters)}


GR_CONVNET = GrConvNetFamily(
    GrConvNet, smooth_l1, published=PublishedWeights(224, converter("conv1"), _measure)
)
