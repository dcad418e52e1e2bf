"""Grasp images: pictures with a rectangle, as the evaluation network sees grasps (figure 2)."""

from __future__ import annotations

import torch
from torch import Tensor

from grasp_detection.dsgd.angles import CLASSES, STEP_RAD

_BLUE = 2  # channel; where depth stands in for it, depth gives way
_COLORS = 3


def best_rows(box: Tensor, angle: Tensor) -> Tensor:
    """Rectangles of boxes (..., 4) and the most likely of their angle classes (..., 20).

    Returns:
        Shape (..., 5), pixels and radians in (-pi/2, pi/2].
    """
    number = angle.argmax(dim=-1, keepdim=True)
    turn = torch.where(2 * number > CLASSES, number - CLASSES, number) * STEP_RAD
    return torch.cat([box, turn.to(box)], dim=-1)


def grasp_images(pictures: Tensor, rows: Tensor) -> Tensor:
    """Pictures with the blue channel replaced by the rectangle's mask.

    Where there is no colour the mask is added to the relief: what lies in the rectangle is raised
    by one unit, and nothing is lost.

    Args:
        pictures: Shape (B, C, H, W).
        rows: Shape (B, M, 5), pixels of the picture.

    Returns:
        Shape (B, M, C, H, W).
    """
    height, width = pictures.shape[2:]
    v = torch.arange(height, device=pictures.device, dtype=pictures.dtype)[:, None]
    u = torch.arange(width, device=pictures.device, dtype=pictures.dtype)[None, :]
    x, y, opening, jaw, angle = rows.to(pictures)[..., None, None].unbind(dim=2)
    along = (u - x) * torch.cos(angle) + (v - y) * torch.sin(angle)
    across = (v - y) * torch.cos(angle) - (u - x) * torch.sin(angle)
    mask = ((2.0 * along.abs() <= opening) & (2.0 * across.abs() <= jaw)).to(pictures)[:, :, None]
    shown = pictures[:, None].expand(-1, rows.shape[1], -1, -1, -1)
    if pictures.shape[1] < _COLORS:
        return shown + mask
    return torch.cat([shown[:, :, :_BLUE], mask, shown[:, :, _BLUE + 1 :]], dim=2)
