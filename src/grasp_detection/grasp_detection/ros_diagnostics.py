"""What the detector node tells about itself on /diagnostics."""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence

from diagnostic_msgs.msg import DiagnosticStatus

from grasp_core.grasp import Grasp

_KEPT = 50


class DetectionReport:
    """Rates, latency and the last failure; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latencies_ms: deque[float] = deque(maxlen=_KEPT)
        self._detections = 0
        self._levels: Counter[str] = Counter()
        self._failures = 0
        self._last_error = ""
        self._since_s = time.monotonic()
        self._counted = 0

    def succeeded(self, latency_ms: float, grasps: Sequence[Grasp] = ()) -> None:
        """Count a frame that was worked on, and what its best grasp was derived from."""
        with self._lock:
            self._levels.update(grasp.level.name.lower() for grasp in grasps[:1])
            self._latencies_ms.append(latency_ms)
            self._detections += 1
            self._last_error = ""

    def failed(self, message: str) -> None:
        """Count a frame that could not be used."""
        with self._lock:
            self._failures += 1
            self._last_error = message

    def summary(
        self,
        *,
        active: bool,
        camera_open: bool,
        mismatch: str = "",
        warnings: Sequence[str] = (),
    ) -> tuple[bytes, str, dict[str, object]]:
        """Level, sentence and figures; the rate is that since the previous summary.

        Args:
            active: Whether the node is.
            camera_open: Whether the camera is subscribed.
            mismatch: Why all images are dropped though they come; empty if they are not.
            warnings: Sentences on what may spoil the grasps.
        """
        with self._lock:
            now = time.monotonic()
            rate = (self._detections - self._counted) / max(now - self._since_s, 1e-3)
            self._since_s, self._counted = now, self._detections
            values: dict[str, object] = {
                "rate_hz": round(rate, 2),
                "detections": self._detections,
                "failures": self._failures,
                **{f"best_from_{level}": count for level, count in sorted(self._levels.items())},
            }
            if self._latencies_ms:
                values["detection_ms_median"] = round(statistics.median(self._latencies_ms), 1)
                values["detection_ms_worst"] = round(max(self._latencies_ms), 1)
            if not active:
                return DiagnosticStatus.OK, "not active", values
            if self._last_error:
                return DiagnosticStatus.ERROR, self._last_error, values
            if mismatch:
                return DiagnosticStatus.ERROR, mismatch, values
            if warnings:
                return DiagnosticStatus.WARN, "; ".join(warnings), values
            if not camera_open:
                return DiagnosticStatus.OK, "idle: nobody listens", values
            return DiagnosticStatus.OK, "detecting", values
