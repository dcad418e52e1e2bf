"""Looking on while a pick runs: what the detector saw, and whether the object was in the air."""

from __future__ import annotations

import time

import cv2
import numpy as np

from grasp_core.drawing import draw_grasps
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp
from grasp_detection.detector import Detector, remark_of
from grasp_executor.outcome import Progress, Stage
from grasp_sim.simulation import Simulation

_JPEG_QUALITY = 85


class WatchedDetector:
    """A detector that remembers its last frame and answer, and the wall time that it took."""

    def __init__(self, detector: Detector) -> None:
        self.name = detector.name
        self.seconds = 0.0
        self._detector = detector
        self._frame: RgbdFrame | None = None
        self._grasps: list[Grasp] = []

    @property
    def remark(self) -> str:
        """See :class:`grasp_detection.detector.RemarkingDetector`."""
        return remark_of(self._detector)

    def detect(self, frame: RgbdFrame) -> list[Grasp]:
        """See :class:`grasp_detection.detector.Detector`."""
        start = time.perf_counter()
        grasps = self._detector.detect(frame)
        self.seconds += time.perf_counter() - start
        self._frame, self._grasps = frame, grasps
        return grasps

    def picture(self, chosen: Grasp | None) -> bytes | None:
        """The last frame with its candidates, the chosen one in front, as JPEG."""
        if self._frame is None:
            return None
        others = [g for g in self._grasps if chosen is None or g.rectangle != chosen.rectangle]
        drawn = draw_grasps(self._frame.color, others if chosen is None else [chosen, *others])
        done, data = cv2.imencode(
            ".jpg",
            np.ascontiguousarray(drawn[..., ::-1]),
            [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY],
        )
        return data.tobytes() if done else None


class HandWatch:
    """Whether something hangs in the hand when a hold has ended, by the simulator's truth."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._stage: Stage | None = None
        self._held = False

    def __call__(self, progress: Progress) -> None:
        """Take the sequence's feedback."""
        if progress.stage is Stage.CARRY and self._stage is not Stage.CARRY:
            self._held = self._held or self.in_hand()
        self._stage = progress.stage

    def not_fallen(self) -> bool:
        """Whether it held at the end of a hold, or holds now that the pick is over."""
        return self._held or self.in_hand()

    def in_hand(self) -> bool:
        """Whether an object is between the fingers and off the table."""
        return any(
            thing.between_fingers and not thing.on_support for thing in self._simulation.truth()
        )
