"""The position-enhanced Huber loss of DSC-GraspNet."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from grasp_detection.generative.maps import QUALITY


def p_huber(predicted: Tensor, target: Tensor) -> Tensor:
    """Huber loss in which angle and width count by the true quality of their pixel.

    Args:
        predicted: Shape (B, 4, H, W), see :mod:`grasp_detection.generative.maps`.
        target: Same shape.

    Returns:
        Scalar: sum over the four maps of the mean over pixels.

    Source: Zhou et al. 2023, equation 7.
    """
    weight = target[:, QUALITY : QUALITY + 1]
    quality = functional.huber_loss(predicted[:, :1], target[:, :1])
    rest = functional.huber_loss(weight * predicted[:, 1:], weight * target[:, 1:])
    return quality + 3.0 * rest
