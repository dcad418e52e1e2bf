"""What tests of every family of networks ask of its training."""

from __future__ import annotations

import shutil

import torch

from grasp_detection.datasets.registry import open_dataset
from grasp_detection.datasets.split import Split
from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig
from grasp_detection.learned.training.distributed import TrainingProcess
from grasp_detection.learned.training.trainer import Trainer

_KEPT = ("pcd0100", "pcd0101")
_STILL = AugmentConfig(
    rotate=False, flip=False, zoom=1.0, shift=0.0, contrast=0.0, gamma=0.0, tint=0.0,
    color_noise=0.0,
)  # fmt: skip


def moved(network, loss):
    """Parts of a network that a loss moves."""
    network.zero_grad(set_to_none=True)
    loss.backward(retain_graph=True)
    return {
        name.partition(".")[0]
        for name, parameter in network.named_parameters()
        if parameter.grad is not None and parameter.grad.abs().max() > 0.0
    }


def by_heart(family, bars, out, *, copies, **settings):
    """A trainer on two pictures of bars, each so many times, which validate, too.

    Here, remembering is the point.
    """
    torch.set_num_threads(1)
    for path in list((bars / "01").iterdir()):
        if path.name[:7] not in _KEPT:
            path.unlink()
    for copy in range(2, copies + 1):
        shutil.copytree(bars / "01", bars / f"{copy:02d}")
    split = Split("cornell", "image-wise", 0, ("0100", "0101"), (), ())
    object.__setattr__(split, "validation", split.train)
    config = TrainingConfig(size=64, batch=2, dropout=0.0, **settings)
    alone = TrainingProcess(0, 1, torch.device("cpu"))
    return Trainer(family, open_dataset("cornell", bars), split, config, _STILL, out, alone)
