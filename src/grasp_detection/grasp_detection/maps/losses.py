"""Losses of the networks with maps, each as its paper has it.

All take predicted and true maps of shape (B, 4, H, W), see
:mod:`grasp_detection.maps.grasp_maps`, and return a scalar. Pixels outside the labels count too:
there quality, angle vector and width are 0.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from grasp_detection.maps.grasp_maps import COS, QUALITY, SIN, WIDTH

_EFCN_QUALITY, _EFCN_ANGLE, _EFCN_WIDTH = 5.0, 3.0, 4.0


def p_huber(predicted: Tensor, target: Tensor) -> Tensor:
    """Huber loss in which angle and width count by the true quality of their pixel.

    Source: Zhou et al., DSC-GraspNet, 2023, equation 7: the sum over the four maps.
    """
    weight = target[:, QUALITY : QUALITY + 1]
    quality = functional.huber_loss(predicted[:, :1], target[:, :1])
    rest = functional.huber_loss(weight * predicted[:, 1:], weight * target[:, 1:])
    return quality + 3.0 * rest


def squared(predicted: Tensor, target: Tensor) -> Tensor:
    """Sum over the maps of the mean squared error.

    Source: Morrison et al., GG-CNN, RSS 2018.
    """
    return 4.0 * functional.mse_loss(predicted, target)


def smooth_l1(predicted: Tensor, target: Tensor) -> Tensor:
    """Sum over the maps of the smooth L1 loss.

    Source: Kumra et al., GR-ConvNet, IROS 2020, equation 4.
    """
    return 4.0 * functional.smooth_l1_loss(predicted, target)


def weighted_squared(predicted: Tensor, target: Tensor) -> Tensor:
    """Squared errors weighted 5 : 3 : 4 for quality, angle and width.

    The angle's error is that of its cosine and sine, as in the networks that EFCN follows.
    Source: Wang et al., EFCN, ROBIO 2019, equation 6.
    """
    angle = functional.mse_loss(predicted[:, COS : SIN + 1], target[:, COS : SIN + 1])
    return _quality_and_width(predicted, target) + 2.0 * _EFCN_ANGLE * angle


def weighted_squared_angle(predicted: Tensor, target: Tensor) -> Tensor:
    """The same with the error of the angle itself, as the paper's three maps are read.

    Angles are compared as fractions of a right angle, in (-1, 1]; where nothing is labelled the
    target is 0. The jump at a right angle belongs to this reading.
    """
    angle = functional.mse_loss(_fraction(predicted), _fraction(target))
    return _quality_and_width(predicted, target) + _EFCN_ANGLE * angle


def _quality_and_width(predicted: Tensor, target: Tensor) -> Tensor:
    quality = functional.mse_loss(predicted[:, QUALITY], target[:, QUALITY])
    width = functional.mse_loss(predicted[:, WIDTH], target[:, WIDTH])
    return _EFCN_QUALITY * quality + _EFCN_WIDTH * width


def _fraction(maps: Tensor) -> Tensor:
    return torch.atan2(maps[:, SIN], maps[:, COS]) / torch.pi
