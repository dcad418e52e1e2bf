"""The primary grasp predictor on a small trunk: two heads on features of stride 16."""

from __future__ import annotations

from torch import Tensor, nn

from grasp_detection.grasp_scorer.anchors import VALUES
from grasp_detection.learned.layers import ConvBnRelu, FeatureDropout

STRIDE = 16
_WIDTHS = (24, 48, 96, 128)  # channels after each halving


class PrimaryPredictor(nn.Module):
    """Deformation and score of every anchor.

    The paper's trunk is ResNet-50 up to its fourth block; this one is four pairs of layers, each
    pair at half the size of the one before.

    Args:
        channels: Input channels: 1 for depth, 3 for RGB, 4 for RGB-D.
        dropout: Share of feature channels that the heads miss in training.
        orientations: Anchors in a cell.

    Height and width of the input must be multiples of 16.
    """

    def __init__(self, channels: int, dropout: float = 0.0, orientations: int = 6) -> None:
        super().__init__()
        self.orientations = orientations
        layers: list[nn.Module] = []
        for before, after in zip([channels, *_WIDTHS], _WIDTHS, strict=False):
            layers += [ConvBnRelu(before, after, 3, 2), ConvBnRelu(after, after, 3)]
        self.trunk = nn.Sequential(*layers)
        self.dropout = FeatureDropout(dropout)
        self.regression = nn.Conv2d(_WIDTHS[-1], VALUES * orientations, 1)
        self.score = nn.Conv2d(_WIDTHS[-1], 2 * orientations, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Shape (B, channels, H, W) -> deformations and logits.

        Returns:
            Shapes (B, k, 5, H / 16, W / 16) and (B, k, 2, H / 16, W / 16), the second for bad
            and good.
        """
        features = self.dropout(self.trunk(x))
        batch, _, height, width = features.shape
        shape = (batch, self.orientations, -1, height, width)
        return self.regression(features).reshape(shape), self.score(features).reshape(shape)
