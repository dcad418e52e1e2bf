"""Losses: equations 5 to 13."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from grasp_detection.dsgd.angles import CLASSES, STEP_RAD
from grasp_detection.dsgd.heads import GRASPABLE
from grasp_detection.learned.boxes import decode

LAMBDA = 0.4  # lambda 1, 2 and 3: what classes count against places
_LEAST_NORM = 1.0  # of the truth: maps without a label have none


def relative_error(found: Tensor, wanted: Tensor) -> Tensor:
    """Equation 7: length of the difference over that of the truth, of the last dimension."""
    norm = torch.linalg.vector_norm(wanted, dim=-1).clamp(min=_LEAST_NORM)
    return torch.linalg.vector_norm(found - wanted, dim=-1) / norm


def classes_of(angle: Tensor) -> Tensor:
    """Number of the class of angles in radians; 0 where there is none."""
    return torch.round(torch.nan_to_num(angle) / STEP_RAD).long() % CLASSES


def prediction_loss(box: Tensor, angle: Tensor, labels: Tensor) -> Tensor:
    """Equation 5 against the label that the prediction is nearest to: the mean over pictures.

    Against all labels of a picture the best answer would be their mean, which is none of them.

    Args:
        box: Shape (B, 4), pixels.
        angle: Shape (B, 20), logits.
        labels: Shape (B, G, 5), NaN in rows that are not used.
    """
    known = torch.isfinite(labels[..., 0])
    place = relative_error(box[:, None], torch.nan_to_num(labels[..., :4]))
    off = -functional.log_softmax(angle, dim=-1).gather(1, classes_of(labels[..., 4]))
    error = (1.0 - LAMBDA) * place + LAMBDA * off
    nearest = torch.where(known, error, torch.inf).min(dim=1).values
    return mean_of(torch.where(known.any(dim=1), nearest, 0.0), known.any(dim=1))


def evaluation_loss(logits: Tensor, valid: Tensor) -> Tensor:
    """Equation 6: the mean over grasps; shapes (B, M, 2) and (B, M)."""
    return functional.cross_entropy(logits.flatten(0, 1), valid.long().flatten())


def pixel_loss(maps: Tensor, angle: Tensor, wanted: Tensor, classes: Tensor) -> Tensor:
    """Equation 13: the mean over pictures. Angles count where there is one.

    Args:
        maps: Shape (B, 3, H, W), position, width and height.
        angle: Shape (B, 20, H, W), logits.
        wanted: Shape (B, 3, H, W).
        classes: Shape (B, H, W), -1 where no label is.
    """
    place = relative_error(maps.flatten(2), wanted.flatten(2)).sum(dim=1).mean()
    off = functional.cross_entropy(angle, classes.long().clamp(min=0), reduction="none")
    return place + mean_of(off, classes >= 0)


def rectangle_loss(corrections: Tensor, boxes: Tensor, label: Tensor, graspable: Tensor) -> Tensor:
    """First term of equation 10, over the graspable regions.

    Args:
        corrections: Shape (B, R, n, 4).
        boxes: Shape (B, R, 4).
        label: Shape (B, R, 5), the grasp of each region.
        graspable: Shape (B, R).
    """
    found = decode(corrections[:, :, GRASPABLE], boxes)
    return mean_of(relative_error(found, label[..., :4]), graspable)


def angle_loss(logits: Tensor, label: Tensor, graspable: Tensor) -> Tensor:
    """Second term of equation 10: shapes (B, R, n, 20), (B, R, 5) and (B, R)."""
    found = logits[:, :, GRASPABLE].movedim(-1, 1)
    return LAMBDA * mean_of(
        functional.cross_entropy(found, classes_of(label[..., 4]), reduction="none"), graspable
    )


def confidence_loss(logits: Tensor, graspable: Tensor) -> Tensor:
    """Third term of equation 10: shapes (B, R, n) and (B, R)."""
    return LAMBDA * functional.cross_entropy(logits.flatten(0, 1), graspable.long().flatten())


def mask_loss(logits: Tensor, wanted: Tensor, graspable: Tensor) -> Tensor:
    """Equation 11: shapes (B, R, n, 14, 14), (B, R, 14, 14) and (B, R)."""
    off = functional.binary_cross_entropy_with_logits(
        logits[:, :, GRASPABLE], wanted, reduction="none"
    )
    return mean_of(off.mean(dim=(2, 3)), graspable)


def mean_of(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of the chosen values, 0 of none."""
    return torch.where(chosen, values, 0.0).sum() / chosen.sum().clamp(min=1)
