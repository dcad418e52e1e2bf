"""DSC-GraspNet: a lightweight generative network of depth-separable convolutions.

Source: Zhou, Zhang, Ran, Han, Chu, "DSC-GraspNet: A Lightweight Convolutional Neural Network for
Robotic Grasp Detection", 2023. The paper states 0.643 M parameters but leaves several sizes open;
this reading has 643,243 with three input channels:

- Table I is the backbone as printed; convolutions before a batch normalisation have no bias.
- Coordinate attention squeezes by 32 without a floor (1, 2, 4, 8 channels).
- The CSP blocks put out 128, 64 and 32 channels with 3, 2 and 1 bottlenecks, each of which
  halves the channels in between. Other readings come as close (wider bottlenecks, one per block)
  at 1.5 times the arithmetic.
- Four 3x3 heads with a bias, computed as the four filters of one convolution. Dropout acts on
  the features they read: on a head's output, as the paper's sentence says, it would teach the
  network to shrink every angle and width by the dropped share.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from grasp_detection.learned.layers import (
    ConvBnMish,
    CoordinateAttention,
    FeatureDropout,
    conv_of_joined,
)
from grasp_detection.maps.family import MapsFamily
from grasp_detection.maps.losses import p_huber

_REDUCTION = 32


class DepthSeparable(nn.Module):
    """Depth-wise convolution, point-wise convolution, coordinate attention (equation 4)."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = ConvBnMish(inputs, inputs, kernel, stride, groups=inputs)
        self.pointwise = ConvBnMish(inputs, outputs)
        self.attention = CoordinateAttention(outputs, _REDUCTION)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        attended: Tensor = self.attention(self.pointwise(self.depthwise(x)))
        return attended


class Bottleneck(nn.Module):
    """1x1 to half the channels, 3x3 back, added to the input (figure 3b)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            ConvBnMish(channels, channels // 2), ConvBnMish(channels // 2, channels, 3)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, C, H, W) in and out."""
        return x + self.convolutions(x)


class CrossStagePartial(nn.Module):
    """Two paths of half the channels, one through bottlenecks, joined again (figure 3a).

    Its input is the skip connection's features and, enlarged, those from below.
    """

    def __init__(self, inputs: int, outputs: int, bottlenecks: int) -> None:
        super().__init__()
        half = outputs // 2
        self.short = ConvBnMish(inputs, half)
        self.long = nn.ModuleList(
            [ConvBnMish(inputs, half), *(Bottleneck(half) for _ in range(bottlenecks))]
        )
        self.join = ConvBnMish(2 * half, outputs)

    def forward(self, skip: Tensor, x: Tensor) -> Tensor:
        """Shapes (B, C, H, W) and (B, inputs - C, H / 2, W / 2) -> (B, outputs, H, W)."""
        first, *bottlenecks = self.long
        short, long = conv_of_joined([self.short, cast(ConvBnMish, first)], skip, x, enlarge=True)
        for bottleneck in bottlenecks:
            long = bottleneck(long)
        return conv_of_joined([self.join], short, long)[0]


class UpSampling(nn.Module):
    """One stage of equation 5: enlarge twice, join with the skip connection, CSP, Mish."""

    def __init__(self, skip: int, inputs: int, outputs: int, bottlenecks: int) -> None:
        super().__init__()
        self.block = CrossStagePartial(skip + inputs, outputs, bottlenecks)

    def forward(self, skip: Tensor, x: Tensor) -> Tensor:
        """Shapes (B, skip, 2H, 2W) and (B, inputs, H, W) -> (B, outputs, 2H, 2W)."""
        return functional.mish(self.block(skip, x))


class DscGraspNet(nn.Module):
    """Maps of quality, cos 2 theta, sin 2 theta and width, at the size of the picture.

    Args:
        channels: Input channels: 1 for depth, 3 for RGB, 4 for RGB-D.
        dropout: Share of feature channels that the heads miss in training.

    Height and width of the input must be multiples of 8.
    """

    def __init__(self, channels: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.channels = channels
        self.stem = ConvBnMish(channels, 32, 3)
        self.stage1 = DepthSeparable(32, 32)
        self.stage2 = nn.Sequential(DepthSeparable(32, 64, stride=2), DepthSeparable(64, 64))
        self.stage3 = nn.Sequential(DepthSeparable(64, 128, stride=2), DepthSeparable(128, 128))
        self.stage4 = nn.Sequential(
            DepthSeparable(128, 256, stride=2), *(DepthSeparable(256, 256, 5) for _ in range(5))
        )
        self.up3 = UpSampling(128, 256, 128, 3)
        self.up2 = UpSampling(64, 128, 64, 2)
        self.up1 = UpSampling(32, 64, 32, 1)
        self.dropout = FeatureDropout(dropout)
        self.heads = nn.Conv2d(32, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, channels, H, W) -> (B, 4, H, W): quality, cos 2 theta, sin 2 theta, width."""
        c1 = self.stage1(self.stem(x))
        c2 = self.stage2(c1)
        c3 = self.stage3(c2)
        c4 = self.stage4(c3)
        maps: Tensor = self.heads(self.dropout(self.up1(c1, self.up2(c2, self.up3(c3, c4)))))
        return maps


DSC_GRASPNET = MapsFamily(DscGraspNet, p_huber)
