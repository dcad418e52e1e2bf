"""Axis-aligned boxes as tensors: rows (x, y, w, h), centre and sides, pixels of the input.

All of it is plain tensor arithmetic, batch first, so that a network that proposes boxes can be
traced as one graph and carried out by any runtime.
"""

from __future__ import annotations

import torch
from torch import Tensor

_LARGEST_LOG = 4.0  # of a relative size: e^4 is larger than any input
_LEAST_PX = 1e-3


def encode(boxes: Tensor, references: Tensor) -> Tensor:
    """Correction factors that make references into boxes, shapes (..., 4).

    Shifts of the centre in sides of the reference, and logarithms of relative sides.
    Source: Ren et al., "Faster R-CNN", NeurIPS 2015, equation 2.
    """
    sides = references[..., 2:].clamp(min=_LEAST_PX)
    shifts = (boxes[..., :2] - references[..., :2]) / sides
    return torch.cat([shifts, torch.log(boxes[..., 2:].clamp(min=_LEAST_PX) / sides)], dim=-1)


def decode(corrections: Tensor, references: Tensor) -> Tensor:
    """Boxes from correction factors; inverse of :func:`encode`."""
    centres = references[..., :2] + corrections[..., :2] * references[..., 2:]
    logs = corrections[..., 2:].clamp(-_LARGEST_LOG, _LARGEST_LOG)
    return torch.cat([centres, references[..., 2:] * torch.exp(logs)], dim=-1)


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Jaccard index of every pair, shapes (..., N, 4) and (..., M, 4) -> (..., N, M)."""
    a, b = a[..., :, None, :], b[..., None, :, :]
    least = torch.minimum(a[..., :2] + a[..., 2:] / 2.0, b[..., :2] + b[..., 2:] / 2.0)
    most = torch.maximum(a[..., :2] - a[..., 2:] / 2.0, b[..., :2] - b[..., 2:] / 2.0)
    sides = (least - most).clamp(min=0.0)
    both = sides[..., 0] * sides[..., 1]
    either = a[..., 2] * a[..., 3] + b[..., 2] * b[..., 3] - both
    return both / either.clamp(min=_LEAST_PX**2)


def unsuppressed(boxes: Tensor, most: float, count: int, rounds: int) -> Tensor:
    """Which boxes greedy non-maximum suppression keeps.

    A box is dropped where a kept better one overlaps it by more than ``most``. That is a question
    about all boxes before it; asked again and again of all at once, the answer is right for one
    more link of every chain of overlaps in each round, and stays right.

    Args:
        boxes: Shape (B, N, 4), best first.
        most: Jaccard index.
        count: N, as a plain number.
        rounds: How often it is asked; chains of more overlaps are settled but for their end.

    Returns:
        Shape (B, N), 1 or 0.
    """
    better = torch.ones(count, count, device=boxes.device).triu(1)
    clashes = (iou(boxes, boxes) > most).float() * better
    kept = torch.ones_like(boxes[..., 0])
    for _ in range(rounds):
        kept = ((kept[:, :, None] * clashes).sum(dim=1) < 0.5).float()
    return kept
