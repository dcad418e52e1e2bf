"""Fast: a small network that works at a quarter and an eighth of the picture's size.

Made for CPUs, where what costs is work at full resolution: the published networks of this stack
spend most of their time there, though a grasp is no finer than a jaw is wide, and its sides are
found in the depth image afterwards. So two strided convolutions come first, plain 3x3 residual
blocks (which CPUs run close to their peak, unlike depthwise ones) follow at an eighth with growing
dilation for context, one skip brings back a quarter, and the maps are enlarged at the end.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from grasp_detection.learned.layers import ConvBnRelu, FeatureDropout
from grasp_detection.maps.family import MapsFamily
from grasp_detection.maps.losses import p_huber

_FINE, _COARSE = 32, 64  # channels at a quarter and at an eighth of the size
_DILATIONS = (1, 2, 4, 1)
_SCALE = 4


class _Residual(nn.Module):
    """Two 3x3 convolutions, added to the input."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = ConvBnRelu(channels, channels, dilation=dilation)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, C, H, W) in and out."""
        return functional.relu(x + self.second(self.first(x)))


class Fast(nn.Module):
    """Maps of quality, cos 2 theta, sin 2 theta and width, at the size of the picture.

    Args:
        channels: Input channels: 1 for depth, 3 for RGB, 4 for RGB-D.
        dropout: Share of feature channels that the heads miss in training.

    Height and width of the input must be multiples of 8.
    """

    def __init__(self, channels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            ConvBnRelu(channels, _FINE // 2, stride=2), ConvBnRelu(_FINE // 2, _FINE, stride=2)
        )
        self.fine = _Residual(_FINE)
        self.down = ConvBnRelu(_FINE, _COARSE, stride=2)
        self.coarse = nn.Sequential(*(_Residual(_COARSE, dilation) for dilation in _DILATIONS))
        self.up = nn.Conv2d(_COARSE, _FINE, 1)
        self.merge = _Residual(_FINE)
        self.dropout = FeatureDropout(dropout)
        self.heads = nn.Conv2d(_FINE, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, channels, H, W) -> (B, 4, H, W): quality, cos 2 theta, sin 2 theta, width."""
        fine = self.fine(self.stem(x))
        coarse = self.up(self.coarse(self.down(fine)))
        merged = self.merge(fine + _enlarge(coarse, 2))
        return _enlarge(self.heads(self.dropout(merged)), _SCALE)


def _enlarge(x: Tensor, factor: int) -> Tensor:
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


FAST = MapsFamily(Fast, p_huber)
