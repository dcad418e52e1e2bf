"""The oracle: what could be picked by somebody who knows the objects and how a grasp will end.

It is a reference, not a detector: an object that it cannot pick says nothing against the others.
Ground truth goes through the same pick sequence in three ways:

- It always sees depth without noise, however noisy the detectors' is; candidates come from its
  geometry by the antipodal search, which is exact on exact depth.
- Nothing is left to the reserve of a measured width: objects up to what the executor takes.
- It rehearses. A scene is repeatable bit for bit, so when a grasp fails, the same scene is built
  again and the next candidate is tried, five at most; only the last rehearsal counts. Thus it is
  never worse than the antipodal detector without noise, and better where geometry does not tell
  which grasp holds. The share that held at the first try is told beside.

A grasp from the side, a push, or a grasp that only a full mesh would show, is beyond it: it is a
reference for one camera above the table and jaws from above, the task that detectors are given.
In protocol clear it does not rehearse, for every pick changes the scene of the next.
"""

from __future__ import annotations

from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp
from grasp_core.rectangle import GraspRectangle
from grasp_detection.detector import Detector

TRIES = 5


class Rehearsal:
    """A detector that leaves out what was tried in vain; one for each scene."""

    def __init__(self, detector: Detector) -> None:
        self.name = detector.name
        self._detector = detector
        self._failed: set[GraspRectangle] = set()

    def detect(self, frame: RgbdFrame) -> list[Grasp]:
        """See :class:`grasp_detection.detector.Detector`."""
        grasps = self._detector.detect(frame)
        return [grasp for grasp in grasps if grasp.rectangle not in self._failed]

    def leave_out(self, grasp: Grasp) -> None:
        """From now on, do not propose this one."""
        self._failed.add(grasp.rectangle)
