"""A network with the parts that matter to training, small enough to train in a test."""

import torch
from torch import nn

from grasp_detection.learned.layers import ConvBnMish, FeatureDropout
from grasp_detection.maps.family import MapsFamily


class TinyNetwork(nn.Module):
    """Three layers: batch normalisation, dropout, four maps."""

    def __init__(self, channels, dropout):
        super().__init__()
        self.layers = nn.Sequential(
            ConvBnMish(channels, 8, 5),
            ConvBnMish(8, 8, 5),
            FeatureDropout(dropout),
            nn.Conv2d(8, 4, 3, padding=1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


TINY = MapsFamily(TinyNetwork)
