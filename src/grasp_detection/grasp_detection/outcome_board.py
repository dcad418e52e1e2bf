"""Where the worker leaves what became of each frame, and requests wait for it. No ROS."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from grasp_core.errors import BadGoal, DetectorBusy, GraspStackError, NoImage, StaleDetection
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp

_RECENT_S = 0.5  # a request for any image is content with one that arrived this long before it


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one frame: grasps, or the error that decoding or detecting ended in.

    Attributes:
        stamp_ns: Stamp of the image, nanoseconds of node time.
        frame: The decoded frame; None where decoding failed.
        grasps: Candidates, best first.
        detection_ms: Wall time from decoded frame to ranked candidates.
        error: Why there are none.
        arrived_s: Steady time of arrival.
        remark: What the detector says of its answer, such as why it is empty.
    """

    stamp_ns: int
    frame: RgbdFrame | None
    grasps: tuple[Grasp, ...] = ()
    detection_ms: float = 0.0
    error: GraspStackError | None = None
    arrived_s: float = field(default_factory=time.monotonic)
    remark: str = ""

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


@dataclass(eq=False)
class _Request:
    """One who waits.

    Attributes:
        not_before_ns: Earliest stamp; 0 for any recent image.
        asked_s: Steady time of the request.
        suitable_s: When the first image arrived that can answer it.
        newest_ns: Newest stamp that arrived since.
    """

    not_before_ns: int
    asked_s: float
    suitable_s: float | None = None
    newest_ns: int | None = None

    def accepts(self, stamp_ns: int, arrived_s: float) -> bool:
        """Whether an image answers: stamped late enough, and arrived after the request.

        A camera whose clock leads stamps what it saw before as if it were after.
        """
        if self.not_before_ns <= 0:
            return arrived_s >= self.asked_s - _RECENT_S
        return stamp_ns >= self.not_before_ns and arrived_s >= self.asked_s


class OutcomeBoard:
    """Keeps the newest outcome and lets requests wait for one that is new enough.

    Waits are on the steady clock: node time stops with a simulator that is killed. Waiting for an
    image and waiting for the detector are told apart: the first counts from when the detector is
    free, the second from when the image is there.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_open = False
        self._latest: Outcome | None = None
        self._working_s: float | None = None
        self._requests: list[_Request] = []

    def open(self) -> None:
        """Let requests wait."""
        with self._changed:
            self._is_open = True
            self._working_s = None

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

    def arrived(self, stamp_ns: int, arrived_s: float) -> None:
        """An image is there, for the worker to take or to pass over."""
        with self._changed:
            for request in self._requests:
                request.newest_ns = max(request.newest_ns or stamp_ns, stamp_ns)
                if request.suitable_s is None and request.accepts(stamp_ns, arrived_s):
                    request.suitable_s = arrived_s
            self._changed.notify_all()

    def begin(self) -> None:
        """The worker begins a frame."""
        with self._changed:
            self._working_s = time.monotonic()

    def post(self, outcome: Outcome) -> None:
        """Leave the outcome of a frame; on a closed board it is lost."""
        with self._changed:
            self._working_s = None
            if self._is_open:
                self._latest = outcome
                self._changed.notify_all()

    def is_unwanted(self, stamp_ns: int, arrived_s: float) -> bool:
        """Whether somebody waits, but nobody for such a frame."""
        with self._changed:
            return bool(self._requests) and not any(
                request.accepts(stamp_ns, arrived_s) for request in self._requests
            )

    def wait(
        self,
        not_before_ns: int,
        timeout_s: float,
        why_none: Callable[[float], GraspStackError | None] = lambda since_s: None,
    ) -> Outcome:
        """Wait for the outcome of an image stamped not earlier than asked for.

        Args:
            not_before_ns: Earliest stamp, nanoseconds of node time; 0 for any recent image. Else
                the image must arrive after this call, too.
            timeout_s: Wall time to wait for the image, and again for its detection.
            why_none: Tells why nothing may have come since a steady time; None: nothing special.

        Raises:
            BadGoal: timeout_s is negative or not finite.
            StaleDetection: Only earlier images arrived.
            NoImage: None arrived, or the board was closed meanwhile.
            DetectorBusy: The image is there, but the detector does not get it done in time.
        """
        if not math.isfinite(timeout_s) or timeout_s < 0.0:
            raise BadGoal(f"timeout_s is {timeout_s}, must be finite and at least 0")
        with self._changed:
            request = _Request(not_before_ns, time.monotonic())
            self._requests.append(request)
            try:
                return self._wait(request, timeout_s, why_none)
            finally:
                self._requests.remove(request)

    def _wait(
        self,
        request: _Request,
        timeout_s: float,
        why_none: Callable[[float], GraspStackError | None],
    ) -> Outcome:
        earlier_s = self._working_s  # when the frame was begun that the detector still works on
        free_s = request.asked_s
        while self._is_open:
            latest, now_s = self._latest, time.monotonic()
            if latest is not None and request.accepts(latest.stamp_ns, latest.arrived_s):
                return latest
            if earlier_s is not None and self._working_s != earlier_s:
                earlier_s, free_s = None, now_s
            left_s = max(free_s, request.suitable_s or free_s) + timeout_s - now_s
            if left_s <= 0.0:
                is_busy = earlier_s is not None or request.suitable_s is not None
                late = self._late(request, timeout_s, is_busy)
                raise (
                    late
                    or why_none(request.asked_s)
                    or NoImage(
                        f"no image within {timeout_s:.1f} s: check that the camera runs and that "
                        "the topics are remapped to it"
                    )
                )
            self._changed.wait(left_s)
        raise NoImage("the detector is not active: activate it first")

    def _late(self, request: _Request, timeout_s: float, is_busy: bool) -> GraspStackError | None:
        if is_busy:
            working_s = time.monotonic() - (self._working_s or request.asked_s)
            return DetectorBusy(
                f"images arrive, but the detector has worked for {working_s:.1f} s on one of them "
                f"and none is done within {timeout_s:.1f} s: choose a faster detector, leave it "
                "more of the processor, or raise detect_timeout_s"
            )
        if request.newest_ns is not None:
            return StaleDetection(
                f"no image stamped {request.not_before_ns * 1e-9:.3f} s or later within "
                f"{timeout_s:.1f} s; the newest is of {request.newest_ns * 1e-9:.3f} s: check "
                "the camera's clock"
            )
        return None
