"""The segmentation branch: a Mini-DeepLab module on every level of the pyramid.

Source: Porzi et al., "Seamless scene segmentation", CVPR 2019, section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_SLOPE = 0.01
_DILATION = 6
_HARD_SHARE = 0.25  # of the pixels, those of lowest probability, count


class MiniDeepLab(nn.Module):
    """Near, further and everything: three ways to look at a level, joined.

    The original averages windows of 64 x 64 cells as the third way; where a level is no larger, as
    with the pictures here, that is the whole level.

    Args:
        inputs: Channels of the level.
        outputs: Channels of each way, and of what comes out.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.far = nn.Conv2d(inputs, outputs, 3, padding=_DILATION, dilation=_DILATION, bias=False)
        self.everything = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(3 * outputs)
        self.joined = nn.Conv2d(3 * outputs, outputs, 1, bias=False)
        self.norm_joined = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, inputs, H, W) -> (B, outputs, H, W)."""
        near = self.near(x)
        everything = self.everything(x.mean(dim=(2, 3), keepdim=True)).expand_as(near)
        ways = self.norm(torch.cat([near, self.far(x), everything], dim=1))
        joined = self.norm_joined(self.joined(functional.leaky_relu(ways, _SLOPE)))
        return functional.leaky_relu(joined, _SLOPE)


class SegmentationBranch(nn.Module):
    """Logits of the semantic classes at the finest level's size.

    Args:
        inputs: Channels of the levels.
        levels: How many.
        channels: Of every module.
        classes: With the background, class 0.
    """

    def __init__(self, inputs: int, levels: int, channels: int, classes: int) -> None:
        super().__init__()
        self.modules_by_level = nn.ModuleList(MiniDeepLab(inputs, channels) for _ in range(levels))
        self.classes = nn.Conv2d(levels * channels, classes, 1)

    def forward(self, levels: list[Tensor]) -> Tensor:
        """Levels, fine to coarse -> shape (B, classes, H / 4, W / 4)."""
        seen = [
            functional.interpolate(
                module(level), scale_factor=2**number, mode="bilinear", align_corners=False
            )
            if number
            else module(level)
            for number, (module, level) in enumerate(
                zip(self.modules_by_level, levels, strict=True)
            )
        ]
        return self.classes(torch.cat(seen, dim=1))


def hard_pixel_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Equation 8: the mean over the quarter of a picture's pixels that are least likely right.

    Args:
        logits: Shape (B, classes, h, w).
        truth: Shape (B, H, W), class of each pixel; logits are enlarged to it.
    """
    enlarged = functional.interpolate(
        logits, size=tuple(truth.shape[1:]), mode="bilinear", align_corners=False
    )
    off = functional.cross_entropy(enlarged, truth.long(), reduction="none").flatten(1)
    count = max(1, round(_HARD_SHARE * off.shape[1]))
    return off.topk(count, dim=1).values.mean()
