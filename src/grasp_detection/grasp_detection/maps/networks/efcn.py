"""EFCN: an encoder and a decoder of large kernels on high-resolution pictures.

Source: Wang, Jiang, Zhang, Zhou, Ren, Yang, "Efficient fully convolution neural network for
generating pixel wise robotic grasps with high resolution images", ROBIO 2019. The paper gives the
kernels (9-5-3-3-3-3 down, 3-3-3-5-9-5 up, 3 in the connections), batch normalisation and ReLU on
every layer, pairs of layers with the same kernel, an input of 400x400 and a model of "about
35 MB"; neither strides nor channels. This reading:

- The last three kernels up, 5-9-5, are those that enlarge, so that the first three down, 9-5-3,
  are those that halve: 400, 200, 100, 50 pixels, all whole. In each pair the first layer changes
  size and channels.
- A connection is a 3x3 layer on the encoder's features, added to the decoder's of the same size,
  as in a residual block.
- Channels double down to an eighth of the size and stay there: (1, 2, 4, 8, 8, 8) times a base,
  and back. Base 32 has 8.47 million parameters, 34 MB; the plain name has base 16, 8.5 MB.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from grasp_detection.learned.layers import ConvBnRelu, FeatureDropout
from grasp_detection.maps.family import MapsFamily
from grasp_detection.maps.losses import weighted_squared, weighted_squared_angle

_DOWN_KERNELS = (9, 5, 3, 3, 3, 3)
_UP_KERNELS = (3, 3, 3, 5, 9, 5)
_HALVINGS = 3
_GROWTH = (1, 2, 4, 8, 8, 8)


class Enlarge(nn.Sequential):
    """Transposed convolution to twice the size, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__(
            nn.ConvTranspose2d(
                inputs, outputs, kernel, 2, kernel // 2, output_padding=1, bias=False
            ),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Efcn(nn.Module):
    """Maps of quality, cos 2 theta, sin 2 theta and width, at the size of the picture.

    Args:
        channels: Input channels: 1 for depth, 3 for RGB, 4 for RGB-D.
        dropout: Share of feature channels that the heads miss in training.
        base: Channels of the first pair.

    Height and width of the input must be multiples of 8.
    """

    def __init__(self, channels: int, dropout: float = 0.0, base: int = 16) -> None:
        super().__init__()
        sizes = [base * growth for growth in _GROWTH]
        self.down = nn.ModuleList(
            nn.Sequential(
                ConvBnRelu(before, after, kernel, 2 if index < _HALVINGS else 1),
                ConvBnRelu(after, after, kernel),
            )
            for index, (before, after, kernel) in enumerate(
                zip([channels, *sizes[:-1]], sizes, _DOWN_KERNELS, strict=True)
            )
        )
        # What each pair up puts out is as wide as what the connection of its size brings.
        widths = [*sizes[-2::-1], max(8, base // 2)]
        self.up = nn.ModuleList(
            nn.Sequential(
                (Enlarge if index >= len(sizes) - _HALVINGS else ConvBnRelu)(
                    before, after, kernel
                ),
                ConvBnRelu(after, after, kernel),
            )
            for index, (before, after, kernel) in enumerate(
                zip([sizes[-1], *widths[:-1]], widths, _UP_KERNELS, strict=True)
            )
        )
        self.connections = nn.ModuleList(ConvBnRelu(width, width, 3) for width in widths[:-1])
        self.dropout = FeatureDropout(dropout)
        self.heads = nn.Conv2d(widths[-1], 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, channels, H, W) -> (B, 4, H, W): quality, cos 2 theta, sin 2 theta, width."""
        seen: list[Tensor] = []
        for pair in self.down:
            x = pair(x)
            seen.append(x)
        # The encoder's features, from the last but one back to the first.
        for pair, connection, features in zip(
            self.up[:-1], self.connections, seen[-2::-1], strict=True
        ):
            x = pair(x) + connection(features)
        maps: Tensor = self.heads(self.dropout(self.up[-1](x)))
        return maps


class EfcnFull(Efcn):
    """EFCN in the paper's size."""

    def __init__(self, channels: int, dropout: float = 0.0) -> None:
        super().__init__(channels, dropout, base=32)


class EfcnAngle(Efcn):
    """EFCN with the paper's three maps: quality, angle and width.

    The angle, as a fraction of a right angle, is put out as its double's cosine and sine.
    """

    def __init__(self, channels: int, dropout: float = 0.0) -> None:
        super().__init__(channels, dropout)
        self.heads = nn.Conv2d(self.heads.in_channels, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, channels, H, W) -> (B, 4, H, W), as of :class:`Efcn`."""
        quality, fraction, width = super().forward(x).unbind(dim=1)
        twice = torch.pi * fraction
        return torch.stack([quality, torch.cos(twice), torch.sin(twice), width], dim=1)


EFCN = MapsFamily(Efcn, weighted_squared)
EFCN_ANGLE = MapsFamily(EfcnAngle, weighted_squared_angle)
EFCN_FULL = MapsFamily(EfcnFull, weighted_squared)
