"""GG-CNN2: a very small generative network with dilated convolutions.

Source: Morrison, Corke, Leitner, "Learning robust, real-time, reactive robotic grasping", IJRR
2020. Layers are named as in the published weight files, so that those can be read.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from grasp_detection.learned.family import PublishedWeights
from grasp_detection.learned.layers import FeatureDropout
from grasp_detection.maps.family import MapsFamily
from grasp_detection.maps.losses import squared
from grasp_detection.maps.published_weights import converter

_WIDTH, _DILATED = 16, 32


class GgCnn2(nn.Module):
    """Maps of quality, cos 2 theta, sin 2 theta and width, at the size of the picture.

    Args:
        channels: Input channels: 1 for depth, 3 for RGB, 4 for RGB-D.
        dropout: Share of feature channels that the heads miss in training.

    Height and width of the input must be multiples of 4.
    """

    def __init__(self, channels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, _WIDTH, 11, padding=5),
            nn.ReLU(inplace=True),
            nn.Conv2d(_WIDTH, _WIDTH, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(_WIDTH, _WIDTH, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(_WIDTH, _WIDTH, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(_WIDTH, _DILATED, 5, dilation=2, padding=4),
            nn.ReLU(inplace=True),
            nn.Conv2d(_DILATED, _DILATED, 5, dilation=4, padding=8),
            nn.ReLU(inplace=True),
            nn.UpsamplingBilinear2d(scale_factor=2),
            nn.Conv2d(_DILATED, _WIDTH, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.UpsamplingBilinear2d(scale_factor=2),
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.dropout = FeatureDropout(dropout)
        self.pos_output = nn.Conv2d(_WIDTH, 1, 1)
        self.cos_output = nn.Conv2d(_WIDTH, 1, 1)
        self.sin_output = nn.Conv2d(_WIDTH, 1, 1)
        self.width_output = nn.Conv2d(_WIDTH, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, channels, H, W) -> (B, 4, H, W): quality, cos 2 theta, sin 2 theta, width."""
        x = self.dropout(self.features(x))
        heads = (self.pos_output, self.cos_output, self.sin_output, self.width_output)
        return torch.cat([head(x) for head in heads], dim=1)


GG_CNN2 = MapsFamily(
    GgCnn2, squared, published=PublishedWeights(304, converter("features.0"))
)  # 300, as published, is no multiple of the stride
