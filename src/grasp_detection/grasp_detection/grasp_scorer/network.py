"""The grasp scorer's network: a trunk, the primary grasp predictor, and the scorer."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from grasp_detection.grasp_scorer.anchors import VALUES
from grasp_detection.learned.layers import FeatureDropout
from grasp_detection.learned.trunk import SCALE, STAGES, ResNet, find_layout

STRIDE = SCALE
_SLOPE = 0.1  # of every leaky ReLU


@dataclass(frozen=True)
class ScorerSizes:
    """Widths of the scorer's layers.

    Attributes:
        image: Filters of the 1x1 convolution of the neighbourhood.
        grasp: Neurons that read the grasp's parameters.
        hidden: Neurons of the layer that reads both; the paper does not say how many.
    """

    image: int
    grasp: int
    hidden: int


class Scorer(nn.Module):
    """How likely each deformed anchor holds, from what is seen round its cell and its deformation.

    The paper flattens what a 1x1 convolution makes of a 3x3 neighbourhood, joins it with what a
    layer makes of the deformation, and sends both through a layer. That layer is a sum over its
    two inputs; the half for the neighbourhood is the same for all anchors of a cell, and is a 3x3
    convolution. The deformation is a vector of 5k values, zero but for the anchor's own five; of a
    layer for it, an anchor needs its own five columns alone. Nothing is approximated.

    Args:
        features: Channels of the feature map.
        orientations: Anchors in a cell, k.
        sizes: Widths of the layers.
    """

    def __init__(self, features: int, orientations: int, sizes: ScorerSizes) -> None:
        super().__init__()
        self.orientations = orientations
        self.image = nn.Conv2d(features, sizes.image, 1)
        self.grasp = nn.Linear(VALUES * orientations, sizes.grasp)
        self.joint_image = nn.Conv2d(sizes.image, sizes.hidden, 3, padding=1)
        self.joint_grasp = nn.Linear(sizes.grasp, sizes.hidden, bias=False)
        self.verdict = nn.Linear(sizes.hidden, 2)

    def forward(self, features: Tensor, deltas: Tensor) -> Tensor:
        """Shapes (B, C, S, S) and (B, k, 5, S, S) -> (B, k, 2, S, S), logits of bad and good."""
        batch, k, _, height, width = deltas.shape
        seen = self.joint_image(functional.leaky_relu(self.image(features), _SLOPE))
        # (neurons, 5 k) -> five columns for each anchor.
        columns = self.grasp.weight.reshape(-1, k, VALUES).transpose(0, 1)
        told = functional.conv2d(
            deltas.reshape(batch, k * VALUES, height, width),
            columns.reshape(-1, VALUES, 1, 1),
            self.grasp.bias.repeat(k),
            groups=k,
        )
        told = functional.leaky_relu(told, _SLOPE).reshape(batch * k, -1, height, width)
        told = functional.conv2d(told, self.joint_grasp.weight[:, :, None, None])
        joint = told.reshape(batch, k, -1, height, width) + seen[:, None]
        joint = functional.leaky_relu(joint, _SLOPE).reshape(batch * k, -1, height, width)
        verdict = self.verdict.weight[:, :, None, None]
        logits = functional.conv2d(joint, verdict, self.verdict.bias)
        return logits.reshape(batch, k, 2, height, width)


class GraspScorer(nn.Module):
    """Deformation, primary score and final score of every anchor.

    Args:
        channels: Input channels: 1 for depth, 3 for RGB, 4 for RGB-D.
        dropout: Share of feature channels that predictor and scorer miss in training; the paper
            has none.
        orientations: Anchors in a cell, k.
        trunk: Name of the trunk's layout; its third stage, the paper's fourth block, is used.
        sizes: Of the scorer.

    Height and width of the input must be multiples of 16.
    """

    def __init__(
        self, channels: int, dropout: float, orientations: int, trunk: str, sizes: ScorerSizes
    ) -> None:
        super().__init__()
        layout = find_layout(trunk)
        features = layout.channels(STAGES - 1)
        self.orientations = orientations
        self.trunk = ResNet(channels, layout)
        self.dropout = FeatureDropout(dropout)
        self.regression = nn.Conv2d(features, VALUES * orientations, 1)
        self.score = nn.Conv2d(features, 2 * orientations, 1)
        self.scorer = Scorer(features, orientations, sizes)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Shape (B, channels, H, W) -> deformations, primary logits and final logits.

        Returns:
            Shapes (B, k, 5, H / 16, W / 16), and twice (B, k, 2, H / 16, W / 16) for bad and good.
            The final logits move trunk and scorer alone. In training a fourth tensor equals them,
            and moves trunk and predictor alone (section IV-B), by way of the deformations: by the
            shorter way the trunk would learn to show the scorer what it likes to see.
        """
        features = self.dropout(self.trunk(x)[-1])
        batch, _, height, width = features.shape
        shape = (batch, self.orientations, -1, height, width)
        deltas = self.regression(features).reshape(shape)
        primary = self.score(features).reshape(shape)
        final = self.scorer(features, deltas.detach())
        if not self.training:
            return deltas, primary, final
        still = {name: tensor.detach() for name, tensor in self.scorer.named_parameters()}
        guide = functional_call(self.scorer, still, (features.detach(), deltas))
        return deltas, primary, final, guide
