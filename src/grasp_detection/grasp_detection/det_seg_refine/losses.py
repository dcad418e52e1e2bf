"""Losses: equations 4, 5 and 9, and which proposals and grasps they are about."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from grasp_core.rectangle import angle_difference, iou_matrix
from grasp_detection.det_seg_refine.orientations import INVALID, class_of
from grasp_detection.det_seg_refine.refinement import encode_turned
from grasp_detection.learned.boxes import encode, iou

POSITIVE = 0.5  # Jaccard index with a label's box from which a proposal is valid
_JACCARD, _TURN = 0.25, float(np.radians(30.0))  # of grasps that refinement learns from


def matched(boxes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The label of each proposal, and whether it is valid.

    Args:
        boxes: Shape (B, R, 4).
        labels: Shape (B, G, 5), NaN in rows that are not used. As in the paper their boxes lie
            along the picture's sides, as if their angle were 0.

    Returns:
        Shapes (B, R, 5) and (B, R).
    """
    known = torch.nan_to_num(labels)
    best, number = iou(boxes, known[..., :4]).max(dim=2)
    chosen = known.gather(1, number[..., None].expand(-1, -1, known.shape[-1]))
    return chosen, best >= POSITIVE


def orientation_loss(logits: Tensor, label: Tensor, valid: Tensor) -> Tensor:
    """Equation 4: valid proposals have the class of their label, the others the invalid one."""
    wanted = torch.where(valid, class_of(label[..., 4]), INVALID)
    return functional.cross_entropy(logits.flatten(0, 1), wanted.flatten())


def box_loss(corrections: Tensor, boxes: Tensor, label: Tensor, valid: Tensor) -> Tensor:
    """Equation 5 for the class of each valid proposal's label: their mean.

    Args:
        corrections: Shape (B, R, 18, 4).
        boxes: Shape (B, R, 4).
        label: Shape (B, R, 5).
        valid: Shape (B, R).
    """
    number = class_of(label[..., 4])[..., None, None].expand(-1, -1, 1, 4)
    found = corrections.gather(2, number)[:, :, 0]
    wanted = encode(label[..., :4], boxes)
    off = functional.smooth_l1_loss(found, wanted, reduction="none").sum(dim=-1)
    return (off * valid).sum() / valid.sum().clamp(min=1)


def refinement_loss(corrections: Tensor, grasps: Tensor, labels: Tensor, *, wrap: bool) -> Tensor:
    """Equation 9: the mean over the grasps that meet a label by the rectangle metric.

    Args:
        corrections: Shape (B, R, 5).
        grasps: Shape (B, R, 5), what they correct; without gradient.
        labels: Shape (B, G, 5), NaN in rows that are not used.
        wrap: See :func:`~grasp_detection.det_seg_refine.refinement.encode_turned`.
    """
    nearest = [
        _nearest(rows, known[np.isfinite(known[:, 0])])
        for rows, known in zip(_plain(grasps), _plain(labels), strict=True)
    ]
    label = torch.from_numpy(np.stack([rows for rows, _ in nearest])).to(grasps)
    met = torch.from_numpy(np.stack([met for _, met in nearest])).to(grasps.device)
    wanted = encode_turned(label, grasps, wrap=wrap)
    off = functional.smooth_l1_loss(corrections, wanted, reduction="none").sum(dim=-1)
    return (off * met).sum() / met.sum().clamp(min=1)


def _nearest(
    grasps: NDArray[np.float64], labels: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Each grasp's label, the one it overlaps most of those of about its angle; if it has one."""
    if not len(labels):
        return grasps, np.zeros(len(grasps), np.bool_)
    overlap = iou_matrix(grasps, labels)
    turn = angle_difference(grasps[:, None, 4], labels[None, :, 4])
    overlap = np.where(turn < _TURN, overlap, 0.0)
    number = overlap.argmax(axis=1)
    met = overlap[np.arange(len(grasps)), number] > _JACCARD
    return np.where(met[:, None], labels[number], grasps), met


def _plain(rows: Tensor) -> NDArray[np.float64]:
    return np.asarray(rows.detach().double().cpu().numpy())
