"""Long work on a terminal: who does it, a bar with the time left, Ctrl-C that loses nothing."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from grasp_benchmark.scheduler import Scheduler
from grasp_cli.interrupt import Interrupt
from grasp_core.errors import ConfigError

_MOST_WORKERS = 256


@dataclass(frozen=True)
class LongWork:
    """How to tell of progress, and to be told to stop.

    Attributes:
        advance: One more is done; shows a new description unless it is empty.
        check: Raises KeyboardInterrupt where a signal has come.
    """

    advance: Callable[[str], None]
    check: Callable[[], None]


@contextlib.contextmanager
def long_work(description: str, total: int, completed: int) -> Iterator[LongWork]:
    """Show a bar on standard error, where that is a terminal, and note signals to end."""
    screen = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with (
        Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar,
        Interrupt() as interrupt,
    ):
        task = bar.add_task(description, total=total, completed=completed)

        def advance(text: str = "") -> None:
            bar.update(task, advance=1, description=text or None)

        yield LongWork(advance, interrupt.check)


def add_worker_arguments(parser: argparse.ArgumentParser, which: str) -> None:
    """Declare who does the work.

    Args:
        parser: Of the verb.
        which: What the workers of a cluster must be like, to follow "whose workers".
    """
    parser.add_argument("--workers", type=int, help="processes on this machine (one per core)")
    parser.add_argument(
        "--scheduler",
        default="",
        help=f"address of a dask scheduler, tls://HOST:PORT, whose workers {which} (none)",
    )
    parser.add_argument(
        "--tls", type=Path, help="folder with ca.pem, cert.pem and key.pem for the scheduler"
    )
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="take a scheduler without TLS: whoever reaches it can run code on its workers",
    )


def checked_scheduler(options: argparse.Namespace) -> Scheduler | None:
    """The scheduler that was asked for.

    Raises:
        ConfigError: It is neither encrypted nor meant to be plain, or there is none to encrypt.
    """
    if options.scheduler:
        return Scheduler(options.scheduler, options.tls, options.insecure)
    if options.tls or options.insecure:
        raise ConfigError("--tls and --insecure are about a --scheduler: name one")
    return None


def checked_workers(asked: int | None) -> int:
    """How many processes work on this machine: as many as were asked for, or one per core.

    Raises:
        ConfigError: ``--workers`` is out of range.
    """
    workers = len(os.sched_getaffinity(0)) if asked is None else asked
    if not 1 <= workers <= _MOST_WORKERS:
        raise ConfigError(f"--workers is {workers}, must lie in [1, {_MOST_WORKERS}]")
    return workers


def who_works(workers: int, scheduler: Scheduler | None) -> str:
    """Who does the work, in words: processes of this machine, or a cluster's."""
    return f"workers of {scheduler.address}" if scheduler else f"{workers} worker(s)"
