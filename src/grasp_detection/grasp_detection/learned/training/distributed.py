"""One training run in several processes, as `torchrun` starts them; alone, it changes nothing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn

from grasp_detection.learned.device import choose_device

_PATIENCE = timedelta(hours=6)  # for the leader, which validates alone
_RELEASE_S = 10.0


@dataclass(frozen=True)
class TrainingProcess:
    """This process among those that train together.

    Attributes:
        rank: Number of this process, 0 leads.
        size: How many there are.
        device: Where this process computes.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process validates, writes and talks."""
        return self.rank == 0

    def share(self, value: float) -> float:
        """The leader's value, in every process."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=self.device)
        with _released_after(shared):
            distributed.broadcast(shared, src=0)
        return float(shared.item())

    def mean(self, value: float) -> float:
        """The mean of what the processes have, in every process."""
        if self.size == 1:
            return value
        total = torch.tensor([value], dtype=torch.float64, device=self.device)
        with _released_after(total):
            distributed.all_reduce(total)
        return float(total.item()) / self.size

    def wrap(self, network: nn.Module) -> nn.Module:
        """Move a network to the device and join it with its copies in the other processes."""
        network = network.to(self.device)
        if self.size == 1:
            return network
        share_statistics(network)
        return nn.parallel.DistributedDataParallel(network)


@contextmanager
def training_process(device: str) -> Iterator[TrainingProcess]:
    """Join the processes that `torchrun` started, or be alone.

    Args:
        device: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.

    Raises:
        ConfigError: A GPU was asked for and there is none.
    """
    size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    where = choose_device(device, int(os.environ.get("LOCAL_RANK", "0")))
    if where.type == "cuda":
        torch.cuda.set_device(where)
    if size == 1:
        yield TrainingProcess(0, 1, where)
        return
    backend = "nccl" if where.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield TrainingProcess(rank, size, where)
    finally:
        distributed.destroy_process_group()


@contextmanager
def _released_after(tensor: Tensor) -> Iterator[None]:
    """Wait at the end until the backend's thread has let go of a tensor.

    To let go it takes the interpreter's lock, shortly after the caller has the result; should the
    interpreter end in between, the thread would abort the process.
    """
    before = sys.getrefcount(tensor)
    yield
    deadline = time.monotonic() + _RELEASE_S
    while sys.getrefcount(tensor) > before and time.monotonic() < deadline:
        time.sleep(0.0005)


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation with the mean and variance of the whole batch of all processes.

    Unlike torch's SyncBatchNorm it also works on CPUs, so that two processes compute what one
    would.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Shape (B, C, H, W) in and out."""
        if not self.training:
            return super().forward(x)
        count = x.numel() // x.shape[1] * distributed.get_world_size()
        mean = _total(x.sum(dim=(0, 2, 3))) / count
        centred = x - mean[:, None, None]
        variance = _total((centred * centred).sum(dim=(0, 2, 3))) / count
        self._remember(mean.detach(), variance.detach() * (count / max(count - 1, 1)))
        return (
            centred * (self.weight * torch.rsqrt(variance + self.eps))[:, None, None]
            + (self.bias[:, None, None])
        )

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        share = 0.1 if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)


def _total(x: Tensor) -> Tensor:
    from torch.distributed.nn.functional import all_reduce

    return all_reduce(x)


def share_statistics(network: nn.Module) -> None:
    """Turn every batch normalisation of a network into a shared one, in place."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm2d
