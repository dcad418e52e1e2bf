"""A region proposal network: which boxes of a picture are worth a closer look.

Every cell of every level of a pyramid of features has anchors of the level's size and some
shapes; a small head says of each whether something is there, and corrects it.
Source: Ren et al., "Faster R-CNN", NeurIPS 2015; Lin et al., "Feature pyramid networks for object
detection", CVPR 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_detection.learned.boxes import decode, encode, iou, unsuppressed

_ROUNDS = 12  # of suppression: chains of more overlaps in a row are not seen
_SLOPE = 0.01  # of the leaky ReLU
_SMOOTH = 1.0 / 9.0  # where the box loss turns from square to straight, as Faster R-CNN has it


@dataclass(frozen=True)
class ProposalSettings:
    """How proposals are made and taught.

    Attributes:
        considered: Best boxes of a picture that go through suppression.
        proposed: Boxes that are left.
        overlap: Jaccard index above which the worse box is dropped.
        positive: Jaccard index with a label from which an anchor is good, besides the best anchor
            of each label.
        negative: Jaccard index with every label below which an anchor is bad.
    """

    considered: int = 160
    proposed: int = 64
    overlap: float = 0.7
    positive: float = 0.7
    negative: float = 0.3


@dataclass(frozen=True, eq=False)
class Proposals:
    """What the network proposes, and how it came to it.

    Attributes:
        boxes: Shape (B, R, 4), best first, pixels of the input; without gradient.
        logits: Shape (B, A), that something is at an anchor.
        corrections: Shape (B, A, 4), of the anchors.
        anchors: Shape (B, A, 4), pixels of the input.
    """

    boxes: Tensor
    logits: Tensor
    corrections: Tensor
    anchors: Tensor


class RegionProposals(nn.Module):
    """The head, one for all levels.

    Args:
        channels: Of each level.
        strides: Of the levels, pixels.
        sides: Square root of the area of the anchors of each level, pixels.
        ratios: Height over width of the anchors of a cell.
        settings: How many boxes.
    """

    sizes: Tensor  # shape (levels, ratios, 2), width and height, pixels

    def __init__(
        self,
        channels: int,
        strides: Sequence[int],
        sides: Sequence[float],
        ratios: Sequence[float],
        settings: ProposalSettings,
    ) -> None:
        super().__init__()
        self.settings, self.strides, self.shapes = settings, tuple(strides), len(ratios)
        sizes = [[(side / r**0.5, side * r**0.5) for r in ratios] for side in sides]
        self.register_buffer("sizes", torch.tensor(sizes), persistent=False)
        self.shared = nn.Conv2d(channels, channels, 3, padding=1)
        self.score = nn.Conv2d(channels, len(ratios), 1)
        self.correction = nn.Conv2d(channels, 4 * len(ratios), 1)
        for head in (self.score, self.correction):
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)  # type: ignore[arg-type]

    def forward(self, levels: Sequence[Tensor]) -> Proposals:
        """Levels of a pyramid, shapes (B, C, H / s, W / s), fine to coarse."""
        logits, corrections, anchors = [], [], []
        for number, (level, stride) in enumerate(zip(levels, self.strides, strict=True)):
            seen = functional.leaky_relu(self.shared(level), _SLOPE)
            batch = level.shape[0]
            logits.append(self.score(seen).permute(0, 2, 3, 1).reshape(batch, -1))
            found = self.correction(seen).permute(0, 2, 3, 1).reshape(batch, -1, 4)
            corrections.append(found)
            anchors.append(_anchors(level, stride, self.sizes[number], self.shapes))
        every = torch.cat(anchors)[None].expand(levels[0].shape[0], -1, -1)
        score, correction = torch.cat(logits, dim=1).float(), torch.cat(corrections, dim=1).float()
        boxes = self._best(score.detach(), correction.detach(), every)
        return Proposals(boxes, score, correction, every)

    def _best(self, logits: Tensor, corrections: Tensor, anchors: Tensor) -> Tensor:
        """The best boxes that do not overlap much, best first."""
        chosen = self.settings
        score, at = logits.topk(chosen.considered, dim=1)
        at = at[..., None].expand(-1, -1, 4)
        boxes = decode(corrections.gather(1, at), anchors.gather(1, at))
        kept = unsuppressed(boxes, chosen.overlap, chosen.considered, _ROUNDS)
        # Where too few are left the best of the dropped ones follow.
        place = (score.sigmoid() + kept).topk(chosen.proposed, dim=1).indices
        return boxes.gather(1, place[..., None].expand(-1, -1, 4))


def proposal_losses(
    found: Proposals, labels: Tensor, settings: ProposalSettings
) -> tuple[Tensor, Tensor]:
    """Losses of score and corrections.

    Faster R-CNN draws as many bad anchors as there are good ones; here all of them count, with the
    weight that the draw would give them on average.

    Args:
        found: By :class:`RegionProposals`.
        labels: Shape (B, G, 4), NaN in rows that are not used.
        settings: What is good and what is bad.
    """
    best, label, good = _matched(found.anchors, labels, settings)
    bad = (best < settings.negative) & ~good
    off = functional.binary_cross_entropy_with_logits(found.logits, good.float(), reduction="none")
    score = 0.5 * (_mean_of(off, good) + _mean_of(off, bad))
    wanted = encode(_rows_of(labels, label), found.anchors)
    wrong = functional.smooth_l1_loss(found.corrections, wanted, reduction="none", beta=_SMOOTH)
    return score, _mean_of(wrong.sum(dim=-1), good)


def _matched(
    anchors: Tensor, labels: Tensor, settings: ProposalSettings
) -> tuple[Tensor, Tensor, Tensor]:
    """Each anchor's Jaccard index with its nearest label, which that is, and whether it is good.

    Shapes (B, A).
    """
    overlaps = iou(anchors, torch.nan_to_num(labels))
    best, label = overlaps.max(dim=2)
    most = overlaps.max(dim=1, keepdim=True).values
    best_of_label = ((overlaps >= most) & (most > 0.0)).any(dim=2)
    return best, label, (best >= settings.positive) | best_of_label


def _rows_of(labels: Tensor, label: Tensor) -> Tensor:
    """Labels by number, shapes (B, G, 4) and (B, A) -> (B, A, 4)."""
    return torch.nan_to_num(labels).gather(1, label[..., None].expand(-1, -1, labels.shape[-1]))


def _mean_of(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of the chosen values, 0 of none."""
    return (values * chosen).sum() / chosen.sum().clamp(min=1)


def _anchors(level: Tensor, stride: int, sizes: Tensor, count: int) -> Tensor:
    """Anchors of a level in the order of its cells, shape (H W k, 4), pixels of the input."""
    height, width = level.shape[2:]
    rows, columns = (
        (torch.arange(cells, device=level.device) + 0.5) * stride - 0.5
        for cells in (height, width)
    )
    rows = rows[:, None, None].expand(-1, width, count)
    columns = columns[None, :, None].expand(height, -1, count)
    sides = sizes.expand(height, width, -1, -1)
    return torch.cat([torch.stack([columns, rows], dim=-1), sides], dim=-1).reshape(-1, 4)
