"""A process that carries out trials: it owns one simulation and answers one trial at a time."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

import cv2

from grasp_bringup.benchmark.bench import Bench
from grasp_bringup.benchmark.contestants import Contestant
from grasp_bringup.benchmark.plan import Trial
from grasp_bringup.benchmark.record import TrialRecord, broken
from grasp_bringup.benchmark.settings import BenchmarkSettings
from grasp_core.errors import GraspStackError


@dataclass(frozen=True)
class Job:
    """A trial for a contestant."""

    contestant: Contestant
    trial: Trial


@dataclass(frozen=True)
class Ready:
    """The worker can take trials; ``error`` says why not, in one sentence, where it cannot."""

    error: str = ""


@dataclass(frozen=True)
class Answer:
    """A finished trial, and the picture of its failure as JPEG."""

    record: TrialRecord
    picture: bytes | None = None


def work(
    connection: Connection, settings: BenchmarkSettings, contestants: Sequence[Contestant]
) -> None:
    """Say :class:`Ready`, then answer each :class:`Job` until the other end closes."""
    _single_threaded(contestants)
    try:
        bench = Bench(settings, contestants)
    except GraspStackError as error:
        connection.send(Ready(str(error)))
        return
    except Exception:
        connection.send(Ready(traceback.format_exc()))
        return
    try:
        connection.send(Ready())
        while True:
            job = connection.recv()
            connection.send(_answer(bench, job))
    except (EOFError, OSError):
        return  # the command has ended, however it did


def _answer(bench: Bench, job: Job) -> Answer:
    label, trial = job.contestant.label, job.trial
    try:
        return Answer(*bench.run(job.contestant, trial))
    except GraspStackError as error:
        return Answer(broken(label, trial.index, trial.objects, str(error)))
    except Exception as error:
        # The boundary of a trial: a fault in one is a failure on record, and the next one follows.
        message = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        return Answer(broken(label, trial.index, trial.objects, message))


def _single_threaded(contestants: Sequence[Contestant]) -> None:
    """One thread per process: the processes share the cores, and sums keep their order."""
    cv2.setNumThreads(1)
    if any(one.is_learned for one in contestants):
        import torch

        torch.set_num_threads(1)
