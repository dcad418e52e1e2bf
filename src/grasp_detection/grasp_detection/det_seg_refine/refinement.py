"""The refinement head: better grasps from what the segmentation shows at and round them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_detection.det_seg_refine.orientations import angle_of, half_turn
from grasp_detection.learned.boxes import decode
from grasp_detection.learned.roi_align import sample

VALUES = 5  # of a grasp's corrections: x, y, w, h, theta
_SLOPE = 0.01
_MARGIN = 1.5  # side of what is seen in the grasp's frame, in its longer sides
_LARGEST_LOG = 1.0  # of a relative size
_LEAST_PX = 1e-3


def most_likely(boxes: Tensor, orientation: Tensor, corrections: Tensor) -> Tensor:
    """Each proposal's grasp of its most likely valid orientation.

    Args:
        boxes: Shape (B, R, 4), proposals.
        orientation: Shape (B, R, 19), logits.
        corrections: Shape (B, R, 18, 4).

    Returns:
        Shape (B, R, 5), rows (x, y, w, h, theta), pixels of the input and radians.
    """
    number = orientation[..., :-1].argmax(dim=-1, keepdim=True)
    chosen = corrections.gather(2, number[..., None].expand(-1, -1, -1, 4))[:, :, 0]
    return torch.cat([decode(chosen, boxes), angle_of(number).to(boxes)], dim=-1)


def encode_turned(labels: Tensor, grasps: Tensor, *, wrap: bool) -> Tensor:
    """Equation 10: corrections that make grasps into labels, shapes (..., 5).

    Args:
        labels: Rows (x*, y*, w*, h*, theta*).
        grasps: Rows (x, y, w, h, theta).
        wrap: The turn lies in [-pi/2, pi/2), where neighbours are near; as printed it lies in
            [0, pi), where turns of -1 and +1 degree are 178 apart.
    """
    cos, sin = torch.cos(grasps[..., 4]), torch.sin(grasps[..., 4])
    right, down = labels[..., 0] - grasps[..., 0], labels[..., 1] - grasps[..., 1]
    turn = labels[..., 4] - grasps[..., 4]
    turn = half_turn(turn) if wrap else torch.remainder(turn, math.pi)
    sides = grasps[..., 2:4].clamp(min=_LEAST_PX)
    logs = torch.log(labels[..., 2:4].clamp(min=_LEAST_PX) / sides)
    return torch.stack(
        [
            (right * cos + down * sin) / sides[..., 0],
            (down * cos - right * sin) / sides[..., 1],
            logs[..., 0],
            logs[..., 1],
            turn / math.pi,
        ],
        dim=-1,
    )


def decode_turned(corrections: Tensor, grasps: Tensor) -> Tensor:
    """Refined grasps; inverse of :func:`encode_turned` with and without wrap, shapes (..., 5)."""
    cos, sin = torch.cos(grasps[..., 4]), torch.sin(grasps[..., 4])
    along, across = corrections[..., 0] * grasps[..., 2], corrections[..., 1] * grasps[..., 3]
    sides = grasps[..., 2:4] * torch.exp(corrections[..., 2:4].clamp(-_LARGEST_LOG, _LARGEST_LOG))
    return torch.stack(
        [
            grasps[..., 0] + along * cos - across * sin,
            grasps[..., 1] + along * sin + across * cos,
            sides[..., 0],
            sides[..., 1],
            half_turn(grasps[..., 4] + math.pi * corrections[..., 4]),
        ],
        dim=-1,
    )


class RefinementHead(nn.Module):
    """Corrects grasps by two stacked maps: probability of an object, and its part in the grasp.

    The paper's maps are the whole picture: the probability, and a copy that is zero outside the
    rotated grasp. In the grasp's own frame a window is seen that turns and shifts with the grasp,
    so that its corrections, which are in that frame as well, mean the same everywhere.

    Args:
        map_px: Sides of the maps, cells.
        hidden: Neurons of the first layer.
        in_grasp_frame: Whether maps are in the grasp's frame.
    """

    def __init__(self, map_px: int, hidden: int, *, in_grasp_frame: bool) -> None:
        super().__init__()
        self.map_px, self.in_grasp_frame = map_px, in_grasp_frame
        self.first = nn.Linear(2 * map_px**2, hidden, bias=False)
        self.norm = nn.BatchNorm1d(hidden)
        self.second = nn.Linear(hidden, VALUES)
        nn.init.normal_(self.second.weight, std=0.001)
        nn.init.zeros_(self.second.bias)

    def forward(self, semantic: Tensor, grasps: Tensor, stride: int) -> Tensor:
        """Correction factors.

        Args:
            semantic: Shape (B, classes, h, w), logits; class 0 is the background.
            grasps: Shape (B, R, 5), pixels of the input and radians; without gradient.
            stride: Of ``semantic``, pixels.

        Returns:
            Shape (B, R, 5).
        """
        likely = 1.0 - torch.softmax(semantic.float(), dim=1)[:, :1]
        maps = self.maps(likely, grasps, stride).flatten(2)
        hidden = self.norm(self.first(maps.flatten(0, 1)))
        found = self.second(functional.leaky_relu(hidden, _SLOPE))
        return found.reshape(grasps.shape[0], grasps.shape[1], VALUES)

    def maps(self, likely: Tensor, grasps: Tensor, stride: int) -> Tensor:
        """Shapes (B, 1, h, w) and (B, R, 5) -> (B, R, 2, map_px, map_px)."""
        px = self.map_px
        steps = (torch.arange(px, dtype=grasps.dtype, device=grasps.device) + 0.5) / px - 0.5
        right = steps[None, :].expand(px, -1).reshape(-1)
        down = steps[:, None].expand(-1, px).reshape(-1)
        x, y, width, height, theta = grasps[..., None].unbind(dim=2)
        cos, sin = torch.cos(theta), torch.sin(theta)
        if self.in_grasp_frame:
            side = _MARGIN * torch.maximum(width, height)
            along, across = right * side, down * side
            points = torch.stack(
                [x + along * cos - across * sin, y + along * sin + across * cos], dim=-1
            )
        else:
            rows, columns = likely.shape[2:]
            middle = torch.zeros_like(x)
            points = torch.stack(
                [
                    middle + (right + 0.5) * (columns * stride) - 0.5,
                    middle + (down + 0.5) * (rows * stride) - 0.5,
                ],
                dim=-1,
            )
            off_x, off_y = points[..., 0] - x, points[..., 1] - y
            along, across = off_x * cos + off_y * sin, off_y * cos - off_x * sin
        inside = (along.abs() <= 0.5 * width) & (across.abs() <= 0.5 * height)
        seen = sample(likely, points, stride)[:, 0]
        both = torch.stack([seen, seen * inside], dim=2)
        return both.reshape(grasps.shape[0], grasps.shape[1], 2, px, px)
