"""Goals in progress, of arm and hand."""

from __future__ import annotations

import threading
from types import TracebackType


class Running:
    """Counts the goals in progress, so that the node outlives them."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def __enter__(self) -> Running:
        with self._changed:
            self._count += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Wait until none is left; False when some are after the timeout."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count == 0, timeout_s)
