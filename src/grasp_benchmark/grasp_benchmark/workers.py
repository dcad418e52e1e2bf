"""Independent jobs spread over processes: on this machine, or on a dask cluster.

A job is a plain value, and its answer depends on the job alone, so that it does not matter which
process works on it, or how often. The adapter to ``dask.distributed``.

Workers run whatever a client sends them. Those of this machine therefore talk TLS with a
certificate that is made for the occasion and never leaves these processes: other users of the
machine cannot connect.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import queue
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from grasp_benchmark.scheduler import Scheduler
from grasp_core.errors import ConfigError, GraspStackError
from grasp_core.optional import needed_by

if TYPE_CHECKING:
    from distributed import Client, Future

Job = TypeVar("Job")
Answer = TypeVar("Answer")

_LOOK_S = 0.2  # period of asking whether to stop
_START_S = 60.0
_CONNECT_S = 5.0
_CLOSING_S = 20.0
_LIMIT_S = 900.0
_SETTINGS = {
    "distributed.scheduler.allowed-failures": 1,  # a job that kills two workers is given up
    "distributed.worker.daemon": True,
    "distributed.comm.timeouts.connect": f"{_CONNECT_S:.0f}s",
    # One busy thread that never lets go of the interpreter is what workers do here.
    "distributed.admin.tick.limit": "1h",
    "distributed.scheduler.worker-ttl": None,
    # What runs is told to nobody.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


class ClusterFailed(GraspStackError):
    """No worker process can be had."""


@dataclass(frozen=True)
class Died:
    """A job without an answer: its worker ended or hung."""

    message: str


@dataclass
class _Pending:
    """A job that has been handed out."""

    job: Any
    since_s: float


class Workers:
    """Worker processes that are there."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def size(self) -> int:
        """How many there are now."""
        return len(self._client.scheduler_info(n_workers=-1)["workers"])

    def run(
        self,
        function: Callable[[Job], Answer],
        jobs: Sequence[Job],
        *,
        check: Callable[[], None] = lambda: None,
        limit_s: float = _LIMIT_S,
    ) -> Iterator[tuple[Job, Answer | Died]]:
        """Work on jobs, one at a time in each process.

        Args:
            function: Of a module, so that other processes find it.
            jobs: Given out in this order.
            check: Called several times a second; raises to stop.
            limit_s: Wall time after which a job hangs.

        Yields:
            Each job with its answer, in the order in which they end.

        Raises:
            Exception: Whatever the function raises.
        """
        waiting = list(reversed(jobs))
        pending: dict[Future, _Pending] = {}
        ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        try:
            while waiting or pending:
                # What waits behind a job that dies or hangs would share its fate.
                while waiting and len(pending) < max(1, self.size):
                    job = waiting.pop()
                    future = self._client.submit(function, job, pure=False)
                    pending[future] = _Pending(job, time.monotonic())
                    future.add_done_callback(ended.put)
                check()
                with contextlib.suppress(queue.Empty):
                    future = ended.get(timeout=_LOOK_S)
                    if future in pending:
                        yield pending.pop(future).job, _answer(future)
                for job in _given_up(self._client, pending, limit_s):
                    yield job, Died(f"the worker process gave no answer for {limit_s:.0f} s")
        finally:
            for future in pending:
                future.cancel(force=True)


def _answer(future: Future) -> Any:
    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        return Died("the worker process ended, twice, without an answer")


def _given_up(client: Client, pending: dict[Future, _Pending], limit_s: float) -> list[Any]:
    """Take out the jobs whose time is up, and start their workers afresh."""
    now = time.monotonic()
    late = [future for future, about in pending.items() if now - about.since_s > limit_s]
    if not late:
        return []
    running = {key: address for address, keys in client.processing().items() for key in keys}
    hung = {running[future.key] for future in late if future.key in running}
    jobs = [pending.pop(future).job for future in late]
    for future in late:  # before the restart, or it would be handed out again
        future.cancel(force=True)
    client.restart_workers(sorted(hung), timeout=_START_S, raise_for_error=False)
    for about in pending.values():
        about.since_s = time.monotonic()
    return jobs


@contextlib.contextmanager
def started_workers(count: int, scheduler: Scheduler | None = None) -> Iterator[Workers]:
    """Worker processes with one thread each, for as long as the context lasts.

    Args:
        count: Processes on this machine.
        scheduler: A running one, whose workers are used instead.

    Raises:
        ClusterFailed: The scheduler cannot be reached, or has no worker.
        ConfigError: The scheduler's environment is another one.
        MissingDependency: dask.distributed, or what makes certificates, is not installed.
    """
    with needed_by("working in several processes", "dask distributed cryptography"):
        import dask
        from distributed import Client

        importlib.import_module("cryptography")  # of which dask makes certificates
    log = logging.getLogger("distributed")
    level = log.level
    # Whatever matters comes back as an answer or an exception.
    log.setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        stack.callback(log.setLevel, level)
        stack.enter_context(dask.config.set(_SETTINGS))
        if scheduler:
            client = stack.enter_context(_client_of(scheduler))
        else:
            cluster = stack.enter_context(_local_cluster(count))
            client = stack.enter_context(Client(cluster, set_as_default=False))
        _await_workers(client, 1 if scheduler else count, scheduler)
        yield Workers(client)


@contextlib.contextmanager
def _local_cluster(count: int) -> Iterator[Any]:
    from distributed import LocalCluster, Security

    cluster = LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",  # dask cannot do without a page: any port, and empty
        scheduler_kwargs={"dashboard": False},
        security=Security.temporary(),
        memory_limit=None,
        silence_logs=logging.CRITICAL,
        preload=[__name__],
    )
    try:
        yield cluster
    finally:
        # The work is done: processes that end slowly on a busy machine are no failure.
        with contextlib.suppress(TimeoutError):
            cluster.close(timeout=_CLOSING_S)


@contextlib.contextmanager
def _client_of(scheduler: Scheduler) -> Iterator[Client]:
    from distributed import Client

    address = scheduler.address
    try:
        client = Client(
            address, timeout=_CONNECT_S, set_as_default=False, security=scheduler.security()
        )
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterFailed(
            f"no scheduler answers at {address}"
            + (f" and accepts the certificate in {scheduler.tls}" if scheduler.tls else "")
            + ": start one with `dask scheduler`, and workers with "
            f"`{scheduler.worker_command}` (docs/benchmark.md)"
        ) from error
    with client:
        try:
            client.get_versions(check=True)
        except ValueError as error:
            raise ConfigError(
                f"the cluster at {address} runs other versions than this: {error}"
            ) from error
        yield client


def _await_workers(client: Client, count: int, scheduler: Scheduler | None) -> None:
    try:
        client.wait_for_workers(count, timeout=_START_S)
    except TimeoutError as error:
        if scheduler is None:
            raise ClusterFailed(f"no worker started within {_START_S:.0f} s") from error
        raise ClusterFailed(
            f"the scheduler at {scheduler.address} has no worker after {_START_S:.0f} s: start "
            f"one with `{scheduler.worker_command}`"
        ) from error


def dask_setup(worker: object) -> None:
    """Called by dask in each new worker process of a local cluster.

    Ctrl-C is for the one who gave out the jobs; and the graphics driver's chatter, which goes to
    the process's streams, is nobody's concern.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.close(silence)
