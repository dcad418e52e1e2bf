"""Ctrl-C at places of one's choosing."""

from __future__ import annotations

import signal
from types import FrameType


class Interrupt:
    """While entered, the first signal to end is noted, and raised by :meth:`check` alone.

    An exception between two arbitrary lines may be swallowed by a callback or leave a lock held;
    here it comes where the caller waits. A second signal is raised at once.
    """

    _SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._asked = False

    def __enter__(self) -> Interrupt:
        self._before = {number: signal.signal(number, self._note) for number in self._SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def asked(self) -> bool:
        """Whether a signal has come, for whoever ends its work by other means."""
        return self._asked

    def check(self) -> None:
        """Raise what was asked for.

        Raises:
            KeyboardInterrupt: A signal has come.
        """
        if self._asked:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
