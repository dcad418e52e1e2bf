"""How long the stages of a piece of work take."""

from __future__ import annotations

import time


class StageTimer:
    """A stop watch that notes a time for each stage.

    Attributes:
        ms: Milliseconds by stage, in the order in which they ended.
    """

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}
        self._last_s = time.perf_counter()

    def end(self, stage: str) -> None:
        """Note the time since the last stage ended, or since the beginning."""
        now_s = time.perf_counter()
        self.ms[stage] = (now_s - self._last_s) * 1000.0
        self._last_s = now_s
