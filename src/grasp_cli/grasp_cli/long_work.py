"""Long work on a terminal: a bar with the time left, and Ctrl-C that loses nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from grasp_cli.interrupt import Interrupt


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
