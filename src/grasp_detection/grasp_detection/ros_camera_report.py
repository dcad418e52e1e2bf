"""What is wrong with the camera: silent topics, stamps that do not match, late images."""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from dataclasses import dataclass

from grasp_core.camera_profile import CameraProfile
from grasp_core.errors import BadImage, GraspStackError, NoImage
from grasp_ros.camera_input import CameraInput

_KEPT = 20  # ages of images that the median is of: a single late one says nothing


@dataclass(frozen=True)
class CameraFindings:
    """What there is to tell of a camera.

    Attributes:
        silent: Subscribed topics on which nothing comes, in a sentence; empty where all do.
        mismatch: Why all images are dropped though they come; empty where they are not.
        late: That images arrive later than this camera's do; empty where they do not.
        values: Figures by name.
    """

    silent: str
    mismatch: str
    late: str
    values: dict[str, object]


class CameraReport:
    """Tells what a camera lacks, and what its driver must be told for it; safe between threads."""

    def __init__(self, camera: CameraInput, profile: CameraProfile, max_lag_s: float) -> None:
        """Watch a camera.

        Args:
            camera: Its topics.
            profile: What is true of it.
            max_lag_s: By which its clock may lag behind node time, seconds.
        """
        self._camera = camera
        self._profile = profile
        self._max_age_s = profile.latency_s + max_lag_s
        self._lock = threading.Lock()
        self._ages: deque[tuple[float, float]] = deque(maxlen=_KEPT)  # steady time, age

    def arrived(self, age_s: float) -> None:
        """Count an image by its age on arrival, node time, seconds."""
        with self._lock:
            self._ages.append((time.monotonic(), age_s))

    def why_none(self, since_s: float) -> GraspStackError | None:
        """Why no image has come since a steady time; None if that is not known."""
        if silent := self._silent(since_s):
            return NoImage(f"no image: {silent}")
        mismatch = self._mismatch(since_s)
        return BadImage(mismatch) if mismatch else None

    def findings(self, since_s: float) -> CameraFindings:
        """What there is to tell of the time since a steady time."""
        with self._lock:
            ages_s = [age_s for arrived_s, age_s in self._ages if arrived_s > since_s]
        age_s = statistics.median(ages_s) if ages_s else None
        values: dict[str, object] = {}
        if age_s is not None:
            values["image_age_ms_median"] = round(1000.0 * age_s, 1)
        for reason, count in sorted(self._camera.drops.items()):
            values[f"dropped_{reason}"] = count
        for stream, count in sorted(self._camera.received.items()):
            values[f"received_{stream}"] = count
        return CameraFindings(
            self._silent(since_s), self._mismatch(since_s), self._late(age_s), values
        )

    def _silent(self, since_s: float) -> str:
        silent = self._camera.silent_topics(since_s)
        if not silent:
            return ""
        remedy = "check that the camera runs and that the topics are remapped to it"
        if set(silent) == {"depth"}:
            remedy = f"colour comes: {self._profile.alignment_remedy}"
        return f"nothing on {', '.join(silent.values())}; {remedy}"

    def _mismatch(self, since_s: float) -> str:
        mismatch = self._camera.mismatch(since_s)
        remedy = self._profile.synchronisation_remedy
        return f"{mismatch}: {remedy}, or raise sync_slop_s" if mismatch else ""

    def _late(self, age_s: float | None) -> str:
        if age_s is None or age_s <= self._max_age_s:
            return ""
        return (
            f"images arrive {age_s:.2f} s after their stamps, expected are "
            f"{self._profile.latency_s:.2f} s of the camera, and {self._max_age_s:.2f} s at most: "
            "let NTP or PTP set its computer's clock, or lighten network and processor"
        )
