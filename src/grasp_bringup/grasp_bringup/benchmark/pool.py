"""Worker processes: each is given a trial at a time; one that dies is replaced."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from grasp_bringup.benchmark.contestants import Contestant
from grasp_bringup.benchmark.record import broken
from grasp_bringup.benchmark.settings import BenchmarkSettings
from grasp_bringup.benchmark.start import start
from grasp_bringup.benchmark.worker import Answer, Job, Ready
from grasp_core.errors import GraspStackError

_LOOK_S = 0.2  # period of asking whether to stop
_TRIAL_S = 900.0  # wall time after which a trial hangs
_START_S = 180.0
_GRACE_S = 3.0
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class WorkerFailed(GraspStackError):
    """A worker process cannot take trials."""


@dataclass
class _Worker:
    """A process, whether it has started, the trial that it carries out, and since when."""

    process: SpawnProcess
    connection: Connection
    since_s: float
    ready: bool = False
    job: Job | None = None

    def overdue(self) -> bool:
        """Whether it should have answered long ago."""
        if self.ready and self.job is None:
            return False
        return time.monotonic() - self.since_s > (_TRIAL_S if self.ready else _START_S)

    def end(self, grace_s: float) -> int | None:
        """Stop the process and return its exit code."""
        self.connection.close()
        self.process.join(grace_s)
        for stop in (self.process.terminate, self.process.kill):
            if self.process.is_alive():
                stop()
                self.process.join(_GRACE_S)
        return self.process.exitcode


class Pool:
    """Worker processes for one benchmark; leaving the context ends them."""

    def __init__(
        self, settings: BenchmarkSettings, contestants: Sequence[Contestant], count: int
    ) -> None:
        self._settings = settings
        self._contestants = tuple(contestants)
        self._count = count
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.connection.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.end(_GRACE_S)
        self._workers.clear()

    def run(self, jobs: Sequence[Job], check: Callable[[], None]) -> Iterator[Answer]:
        """Carry out trials, in any order of their ends.

        Args:
            jobs: Given out in this order.
            check: Called several times a second; raises to stop.

        Yields:
            One answer per job. A worker that dies or hangs answers with code INTERNAL.

        Raises:
            WorkerFailed: A worker cannot start.
        """
        waiting = list(reversed(jobs))
        self._count = min(self._count, len(jobs))
        self._workers = [self._start() for _ in range(self._count)]
        while self._workers:
            ends = [worker.connection for worker in self._workers]
            ends_of_life = [worker.process.sentinel for worker in self._workers]
            ready = set(wait([*ends, *ends_of_life], timeout=_LOOK_S))
            check()
            for worker in list(self._workers):
                if {worker.connection, worker.process.sentinel} & ready or worker.overdue():
                    answer = self._hear(worker, waiting)
                    if answer is not None:
                        yield answer

    def _hear(self, worker: _Worker, waiting: list[Job]) -> Answer | None:
        """Take what a worker says, or its death, and give it the next job."""
        try:
            said = worker.connection.recv() if worker.connection.poll() else None
        except (EOFError, OSError):
            said = None
        if isinstance(said, Ready):
            if said.error:
                raise WorkerFailed(said.error)
            worker.ready = True
            self._give(worker, waiting)
            return None
        if isinstance(said, Answer):
            worker.job = None
            self._give(worker, waiting)
            return self._shared(said)
        return self._bury(worker, waiting)

    def _bury(self, worker: _Worker, waiting: list[Job]) -> Answer | None:
        """Replace a worker that has died or hangs; its trial has failed."""
        job, hangs = worker.job, worker.process.is_alive() and worker.overdue()
        seconds = time.monotonic() - worker.since_s
        code = worker.end(0.0 if hangs else _GRACE_S)
        what = f"gave no answer for {seconds:.0f} s" if hangs else f"ended with exit code {code}"
        if not worker.ready:
            raise WorkerFailed(f"a worker process {what} before its first trial")
        self._workers.remove(worker)
        if waiting:
            self._workers.append(self._start())
        if job is None:
            return None
        message = f"the worker process {what}"
        record = broken(job.contestant.label, job.trial.index, job.trial.objects, message)
        return self._shared(Answer(replace(record, wall_s=seconds)))

    def _shared(self, answer: Answer) -> Answer:
        """Say how many processes shared the machine."""
        return replace(answer, record=replace(answer.record, workers=self._count))

    def _give(self, worker: _Worker, waiting: list[Job]) -> None:
        """Hand the next job to a worker, or let it go."""
        worker.since_s = time.monotonic()
        if waiting:
            job = waiting.pop()
            try:
                worker.connection.send(job)
                worker.job = job
            except OSError:
                waiting.append(job)  # it has just died; its sentinel says so in the next round
        else:
            self._workers.remove(worker)
            worker.end(_GRACE_S)

    def _start(self) -> _Worker:
        here, there = self._context.Pipe()
        process = self._context.Process(
            target=start,
            args=(there, pickle.dumps((self._settings, self._contestants))),
            daemon=True,
        )
        before = {name: os.environ.get(name) for name in _ONE_THREAD}
        os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
        try:
            process.start()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
        there.close()
        return _Worker(process, here, time.monotonic())
