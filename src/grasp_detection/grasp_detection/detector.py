"""What every grasp detector is: one frame in, ranked candidates out. No ROS."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from grasp_core.depth import surface_depth
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


@runtime_checkable
class StagedDetector(Detector, Protocol):
    """A detector that tells how its work is shared out, for those who measure.

    Attributes:
        stage_ms: How long the stages of the last frame took, milliseconds.
    """

    stage_ms: dict[str, float]

    def input_px(self, frame: RgbdFrame) -> int:
        """Side of its network's input for a frame, pixels."""
        ...


@runtime_checkable
class ColorDetector(Detector, Protocol):
    """A detector that may do without depth.

    Attributes:
        needs_depth: Whether it cannot work on colour alone.
    """

    needs_depth: bool


@runtime_checkable
class RemarkingDetector(Detector, Protocol):
    """A detector that says what is to be known of its last answer.

    Attributes:
        remark: Such as why it is empty, or that cells are coarser than asked for; or nothing.
    """

    @property
    def remark(self) -> str:
        """See the class."""
        ...


def remark_of(detector: Detector) -> str:
    """What a detector says of its last answer; empty for one that says nothing."""
    return detector.remark if isinstance(detector, RemarkingDetector) else ""


def with_depth(grasps: Sequence[Grasp], frame: RgbdFrame) -> list[Grasp]:
    """Fill ``depth_m`` of candidates that lack it, as those of colour-only detectors do.

    A candidate over a hole in the depth image keeps NaN.
    """
    return [
        grasp
        if math.isfinite(grasp.depth_m)
        else replace(
            grasp,
            depth_m=surface_depth(
                frame.depth_m,
                grasp.rectangle.u,
                grasp.rectangle.v,
                axis=grasp.rectangle.axis,
                half_width_px=grasp.rectangle.width / 2,
                half_height_px=grasp.rectangle.height / 2,
            ),
        )
        for grasp in grasps
    ]
