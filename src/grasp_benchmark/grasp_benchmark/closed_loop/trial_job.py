"""One trial for one contestant, in whatever process."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

from grasp_benchmark.closed_loop.contestants import Contestant
from grasp_benchmark.closed_loop.plan import Trial
from grasp_benchmark.closed_loop.record import TrialRecord, broken
from grasp_benchmark.closed_loop.settings import BenchmarkSettings
from grasp_core.errors import GraspStackError

if TYPE_CHECKING:
    from grasp_benchmark.closed_loop.trial_runner import Bench


@dataclass(frozen=True)
class TrialJob:
    """A trial for a contestant.

    Attributes:
        settings: Of the benchmark.
        contestants: All of them; their detectors are built together.
        contestant: Whose turn it is.
        trial: The scene.
    """

    settings: BenchmarkSettings
    contestants: tuple[Contestant, ...]
    contestant: Contestant
    trial: Trial

    def failed(self, message: str) -> TrialRecord:
        """The record of this trial where it could not be carried out."""
        return broken(self.contestant.label, self.trial.index, self.trial.objects, message)


@dataclass(frozen=True)
class TrialAnswer:
    """A finished trial, and the picture of its failure as JPEG."""

    record: TrialRecord
    picture: bytes | None = None


_bench: tuple[object, Bench] | None = None


def carry_out_trial(job: TrialJob) -> TrialAnswer:
    """Carry out a trial; the record depends on the job alone.

    Raises:
        ConfigError, WeightsError, MissingDependency: The simulation or a detector cannot be built.
    """
    bench = _opened(job.settings, job.contestants)
    try:
        return TrialAnswer(*bench.run(job.contestant, job.trial))
    except GraspStackError as error:
        return TrialAnswer(job.failed(str(error)))
    except Exception as error:
        # The boundary of a trial: a fault in one is a failure on record, and the next one follows.
        message = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        return TrialAnswer(job.failed(message))


def _opened(settings: BenchmarkSettings, contestants: Sequence[Contestant]) -> Bench:
    """This process's bench; PyBullet's drawing context allows one at a time."""
    global _bench
    if _bench is None or _bench[0] != (settings, contestants):
        if _bench is not None:
            _bench[1].close()
            _bench = None
        # Not above: PyBullet greets whoever imports it, and only workers need it.
        from grasp_benchmark.closed_loop.trial_runner import Bench

        _single_threaded(contestants)
        _bench = (settings, contestants), Bench(settings, contestants)
    return _bench[1]


def _single_threaded(contestants: Sequence[Contestant]) -> None:
    """One thread per process: the processes share the cores, and sums keep their order."""
    cv2.setNumThreads(1)
    if any(one.is_learned for one in contestants):
        import torch

        torch.set_num_threads(1)
