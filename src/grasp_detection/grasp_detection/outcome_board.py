"""Where the worker leaves what became of each frame, and requests wait for it. No ROS."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from grasp_core.errors import BadGoal, GraspStackError, NoImage, StaleDetection
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp

_RESET_NS = 1_000_000_000  # stamps further ahead of node time are of another run of the clock
_RECENT_S = 0.5  # a request for any image is content with one that arrived this long before it


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one frame: grasps, or the error that decoding or detecting ended in.

    Attributes:
        stamp_ns: Stamp of the image, nanoseconds of node time.
        frame: The decoded frame; None where decoding failed.
        info: The camera_info message that came with it.
        grasps: Candidates, best first.
        detection_ms: Wall time from decoded frame to ranked candidates.
        error: Why there are none.
        arrived_s: Steady time of arrival.
    """

    stamp_ns: int
    frame: RgbdFrame | None
    info: Any = None
    grasps: tuple[Grasp, ...] = ()
    detection_ms: float = 0.0
    error: GraspStackError | None = None
    arrived_s: float = field(default_factory=time.monotonic)

    def usable_frame(self) -> RgbdFrame:
        """The frame that was worked on.

        Raises:
            GraspStackError: Decoding or detecting failed; the failure itself.
        """
        if self.error is not None:
            raise self.error
        if self.frame is None:
            raise GraspStackError("an outcome without an error has no frame")
        return self.frame


class OutcomeBoard:
    """Keeps the newest outcome and lets requests wait for one that is new enough.

    Waits are on the steady clock: node time stops with a simulator that is killed.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_open = False
        self._latest: Outcome | None = None
        self._passed_over_ns: int | None = None
        self._requests: list[int] = []

    def open(self) -> None:
        """Let requests wait."""
        with self._changed:
            self._is_open = True

    def close(self) -> None:
        """Forget everything and send waiting requests away."""
        with self._changed:
            self._is_open = False
            self._latest = None
            self._changed.notify_all()

    @property
    def has_requests(self) -> bool:
        """Whether anybody waits."""
        return bool(self._requests)

    def post(self, outcome: Outcome) -> None:
        """Leave the outcome of a frame; on a closed board it is lost."""
        with self._changed:
            if self._is_open:
                self._latest = outcome
                self._changed.notify_all()

    def is_too_old(self, stamp_ns: int) -> bool:
        """Whether somebody waits, but nobody for a frame of that stamp; remembers the stamp."""
        with self._changed:
            too_old = bool(self._requests) and stamp_ns < min(self._requests)
            if too_old:
                self._passed_over_ns = stamp_ns
            return too_old

    def wait(
        self, not_before_ns: int, timeout_s: float, why_silent: Callable[[], str], now_ns: int
    ) -> Outcome:
        """Wait for the outcome of an image stamped not earlier than asked for.

        Args:
            not_before_ns: Earliest stamp, nanoseconds of node time; 0 for any recent image.
            timeout_s: Wall time to wait.
            why_silent: Tells, for the message, why no image may have come.
            now_ns: Node time. What is kept from well after it is from before a clock's reset.

        Raises:
            BadGoal: timeout_s is negative or not finite.
            StaleDetection: Only earlier images arrived.
            NoImage: None arrived, or the board was closed meanwhile.
        """
        if not math.isfinite(timeout_s) or timeout_s < 0.0:
            raise BadGoal(f"timeout_s is {timeout_s}, must be finite and at least 0")
        asked_s = time.monotonic()

        def is_answered() -> bool:
            if (latest := self._latest) is None or latest.stamp_ns < not_before_ns:
                return False
            return not_before_ns > 0 or latest.arrived_s >= asked_s - _RECENT_S

        with self._changed:
            if self._latest is not None and self._latest.stamp_ns > now_ns + _RESET_NS:
                self._latest = None
            self._passed_over_ns = None
            self._requests.append(not_before_ns)
            try:
                self._changed.wait_for(lambda: is_answered() or not self._is_open, timeout_s)
                if self._latest is not None and is_answered():
                    return self._latest
                if not self._is_open:
                    raise NoImage("the detector is not active: activate it first")
                newest_ns = self._passed_over_ns
                if self._latest is not None and self._latest.arrived_s >= asked_s - _RECENT_S:
                    newest_ns = max(newest_ns or 0, self._latest.stamp_ns)
            finally:
                self._requests.remove(not_before_ns)
        if newest_ns is not None:
            raise StaleDetection(
                f"no image stamped {not_before_ns * 1e-9:.3f} s or later within {timeout_s:.1f} s;"
                f" the newest is of {newest_ns * 1e-9:.3f} s: check the camera's clock"
            )
        raise NoImage(
            f"no image within {timeout_s:.1f} s: {why_silent()}; check that the camera runs and "
            "that the topics are remapped to it"
        )
