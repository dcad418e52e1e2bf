"""ResNet-FPN: grasp maps from a pretrained trunk and a pyramid of its features.

This stack's own: a network that has seen a million photographs knows kinds of objects that no
grasp dataset shows. The trunk's features at strides 4, 8 and 16 are brought together at stride 4,
where a jaw of the usual 5 to 10 % of the picture is still several cells wide; the maps are
enlarged from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from grasp_detection.learned.layers import ConvBnRelu, FeatureDropout
from grasp_detection.learned.trunk import (
    SCALE,
    STAGES,
    THIN_RESNET50,
    FeaturePyramid,
    ResNet,
    find_layout,
)
from grasp_detection.maps.family import MapsFamily
from grasp_detection.maps.losses import p_huber

_WIDTH = 64  # channels of the pyramid
_STRIDE = 4


class ResNetFpn(nn.Module):
    """Maps of quality, cos 2 theta, sin 2 theta and width, at the size of the picture.

    Args:
        channels: Input channels: 1 for depth, 3 for RGB, 4 for RGB-D.
        dropout: Share of feature channels that the heads miss in training.
        trunk: Name of the trunk's layout.

    Height and width of the input must be multiples of 16.
    """

    def __init__(self, channels: int, dropout: float = 0.0, trunk: str = THIN_RESNET50) -> None:
        super().__init__()
        layout = find_layout(trunk)
        self.trunk = ResNet(channels, layout)
        self.pyramid = FeaturePyramid([layout.channels(stage) for stage in range(STAGES)], _WIDTH)
        self.merge = ConvBnRelu(_WIDTH, _WIDTH)
        self.dropout = FeatureDropout(dropout)
        self.heads = nn.Conv2d(_WIDTH, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, channels, H, W) -> (B, 4, H, W): quality, cos 2 theta, sin 2 theta, width."""
        merged = self.merge(functional.relu(self.pyramid(self.trunk(x))))
        return functional.interpolate(
            self.heads(self.dropout(merged)),
            scale_factor=_STRIDE,
            mode="bilinear",
            align_corners=False,
        )


@dataclass(frozen=True, kw_only=True)
class ResNetFpnFamily(MapsFamily):
    """The network on whatever trunk it was trained from."""

    trunk: str = THIN_RESNET50

    stride: ClassVar[int] = SCALE

    @property
    def network_name(self) -> str:
        """See :class:`~grasp_detection.learned.family.Family`."""
        return f"{self.network.__name__} on {self.trunk}"

    def build(self, channels: int, dropout: float) -> nn.Module:
        """See :class:`~grasp_detection.learned.family.Family`."""
        return ResNetFpn(channels, dropout, self.trunk)


RESNET_FPN = ResNetFpnFamily(ResNetFpn, p_huber)
