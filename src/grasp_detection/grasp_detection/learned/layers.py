"""Building blocks the networks share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class ConvBnRelu(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1
    ) -> None:
        padding = dilation * (kernel // 2)
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class ConvBnMish(nn.Sequential):
    """Convolution, batch normalisation, Mish: the CBM block of DSC-GraspNet."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
            nn.Mish(),
        )


def conv_of_joined(
    blocks: Sequence[ConvBnMish], first: Tensor, second: Tensor, *, enlarge: bool = False
) -> list[Tensor]:
    """What blocks with 1x1 kernels make of two inputs, one after the other in channels.

    The joined tensor is never built, an input of half the size is enlarged afterwards, when it has
    fewer channels, and blocks of the same input are computed together. All is exact, because a 1x1
    convolution is a sum over channels and commutes with what mixes pixels alone.

    Args:
        blocks: One or more, for the same input.
        first: Shape (B, C1, H, W).
        second: Shape (B, C2, H, W), or (B, C2, H / 2, W / 2) to be enlarged.
        enlarge: Whether ``second`` is enlarged twice, bilinearly.

    Returns:
        Shape (B, outputs, H, W) for each block.
    """
    weights: list[Tensor] = []
    biases: list[Tensor] = []
    for convolution, norm, _ in blocks:
        weight = cast(nn.Conv2d, convolution).weight
        if not norm.training:  # the normalisation is a factor and an offset
            known = cast(nn.BatchNorm2d, norm)
            mean, variance = cast(Tensor, known.running_mean), cast(Tensor, known.running_var)
            factor = known.weight * torch.rsqrt(variance + known.eps)
            weight = weight * factor[:, None, None, None]
            biases.append(known.bias - mean * factor)
        weights.append(weight)
    border = first.shape[1]
    weight = torch.cat(weights)
    other = functional.conv2d(second, weight[:, border:])
    if enlarge:
        other = functional.interpolate(other, scale_factor=2, mode="bilinear", align_corners=False)
    bias = torch.cat(biases) if biases else None
    mixed = other + functional.conv2d(first, weight[:, :border], bias)
    outputs = [one.shape[0] for one in weights]
    if biases:
        return list(functional.mish(mixed).split(outputs, dim=1))
    parts = mixed.split(outputs, dim=1)
    return [functional.mish(block[1](part)) for block, part in zip(blocks, parts, strict=True)]


class CoordinateAttention(nn.Module):
    """Weights rows and columns of each channel by what stands in them.

    Args:
        channels: Channels in and out.
        reduction: The squeezed layer has ``channels / reduction`` channels, at least one.

    Source: Hou, Zhou, Feng, "Coordinate attention for efficient mobile network design",
    CVPR 2021.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        squeezed = max(1, channels // reduction)
        self.squeeze = nn.Sequential(
            nn.Conv2d(channels, squeezed, 1), nn.BatchNorm2d(squeezed), nn.Mish()
        )
        self.rows = nn.Conv2d(squeezed, channels, 1)
        self.columns = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, C, H, W) in and out."""
        height = x.shape[2]
        by_row = x.mean(dim=3, keepdim=True)
        by_column = x.mean(dim=2, keepdim=True).transpose(2, 3)
        squeezed = self.squeeze(torch.cat([by_row, by_column], dim=2))
        rows = torch.sigmoid(self.rows(squeezed[:, :, :height]))
        columns = torch.sigmoid(self.columns(squeezed[:, :, height:].transpose(2, 3)))
        return x * (rows * columns)


class FeatureDropout(nn.Module):
    """Drops whole feature channels in training, the same ones however the work is divided.

    The mask is drawn on the CPU for the whole batch of all processes, of which each takes its
    share (every world-size-th picture, as :mod:`grasp_detection.learned.training.pictures` deals
    them), so that one process, several processes and a GPU see the same masks under the same seed.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, C, H, W) in and out."""
        if not self.training or self.probability == 0.0:
            return x
        parts, part = 1, 0
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            parts, part = torch.distributed.get_world_size(), torch.distributed.get_rank()
        draw = torch.rand((len(x) * parts, x.shape[1], 1, 1))[part::parts]
        keep = (draw >= self.probability) / (1.0 - self.probability)
        return x * keep.to(x)
