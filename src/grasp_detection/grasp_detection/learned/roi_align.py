"""RoIAlign: what a feature map shows in boxes, resampled to one size.

Source: He, Gkioxari, Dollar, Girshick, "Mask R-CNN", ICCV 2017, section 3. There is no
torchvision for torch's CPU wheels; this is grid_sample, which every runtime knows.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def roi_align(features: Tensor, boxes: Tensor, stride: int, bins: int, samples: int = 1) -> Tensor:
    """Resample boxes of a feature map, bilinearly, without rounding anything.

    Cell i of the map covers pixels ``i * stride`` to ``(i + 1) * stride``; pixel centres have
    integer coordinates. What lies outside the map repeats its border.

    Args:
        features: Shape (B, C, H, W).
        boxes: Shape (B, R, 4), rows (x, y, w, h), pixels of the input; as many of each picture.
        stride: Of the map, pixels.
        bins: Along each side of what comes out.
        samples: Points along each side of a bin, whose mean it is.

    Returns:
        Shape (B, R, C, bins, bins).
    """
    points = bins * samples
    steps = (torch.arange(points, dtype=boxes.dtype, device=boxes.device) + 0.5) / points - 0.5
    columns = boxes[..., 0, None] + steps * boxes[..., 2, None]
    rows = boxes[..., 1, None] + steps * boxes[..., 3, None]
    grid = torch.stack(
        [
            columns[:, :, None, :].expand(-1, -1, points, -1),
            rows[:, :, :, None].expand(-1, -1, -1, points),
        ],
        dim=-1,
    )
    seen = sample(features, grid.flatten(1, 2), stride)
    batch, count = boxes.shape[:2]
    seen = seen.reshape(batch, features.shape[1], count, points, points).transpose(1, 2)
    if samples == 1:
        return seen
    pooled = functional.avg_pool2d(seen.flatten(0, 1), samples)
    return pooled.reshape(batch, count, features.shape[1], bins, bins)


def sample(features: Tensor, points: Tensor, stride: int) -> Tensor:
    """Values of a feature map at points, bilinearly.

    Args:
        features: Shape (B, C, H, W).
        points: Shape (B, M, N, 2), (x, y), pixels of the input.
        stride: Of the map, pixels.

    Returns:
        Shape (B, C, M, N).
    """
    height, width = features.shape[2:]
    # grid_sample counts from -1 to 1, edge to edge.
    grid = torch.stack(
        [
            2.0 * (points[..., 0] + 0.5) / (width * stride) - 1.0,
            2.0 * (points[..., 1] + 0.5) / (height * stride) - 1.0,
        ],
        dim=-1,
    )
    return functional.grid_sample(features, grid, padding_mode="border", align_corners=False)
