"""What every grasp detector is: one frame in, ranked candidates out. No ROS."""

from __future__ import annotations

from typing import Protocol

from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp


class Detector(Protocol):
    """Finds grasps in one RGB-D frame.

    Attributes:
        name: Name under which the registry knows it; written to ``Grasp.model``.
    """

    name: str

    def detect(self, frame: RgbdFrame) -> list[Grasp]:
        """Rank the grasps of one frame.

        The result depends on the frame alone: same frame, same candidates.

        Args:
            frame: Colour and aligned depth of one instant.

        Returns:
            Candidates in descending order of quality; empty when there is nothing to grasp.
        """
        ...
