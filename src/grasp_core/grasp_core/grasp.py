"""A grasp candidate as detectors produce it and the executor consumes it."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass

from grasp_core.errors import ObjectNotFound
from grasp_core.rectangle import GraspRectangle
from grasp_core.transform import Transform


class Level(enum.IntEnum):
    """What a candidate was derived from; equal to the constants of grasp_msgs/msg/Grasp."""

    PIXEL = 0
    REGION = 1
    GLOBAL = 2
    GEOMETRY = 3


@dataclass(frozen=True)
class Grasp:
    """One ranked candidate.

    Attributes:
        rectangle: Grasp rectangle in the colour image.
        quality: Calibrated estimate of success, [0, 1].
        raw_score: The model's own score.
        depth_m: Surface depth between the jaws along the optical axis, metres; NaN unknown.
        level: What the candidate was derived from.
        label: Object class; empty unknown.
        model: Detector that produced it.
        T_camera_grasp: Optional 6-DoF pose, grasp frame in the camera's optical frame.
        width_m: Gap between the fingers before closing, metres; NaN unknown.
    """

    rectangle: GraspRectangle
    quality: float
    raw_score: float = math.nan
    depth_m: float = math.nan
    level: Level = Level.PIXEL
    label: str = ""
    model: str = ""
    T_camera_grasp: Transform | None = None
    width_m: float = math.nan

    def __post_init__(self) -> None:
        """Check the quality.

        Raises:
            ValueError: The quality is outside [0, 1].
        """
        if not 0.0 <= self.quality <= 1.0:
            raise ValueError(f"quality must lie in [0, 1], got {self.quality}")


def with_label(grasps: Iterable[Grasp], label: str) -> list[Grasp]:
    """The candidates of one class of objects, in their order; an empty label means any.

    Raises:
        ObjectNotFound: There is none; names the classes there are.
    """
    every = list(grasps)
    found = [grasp for grasp in every if not label or grasp.label == label]
    if not found:
        seen = sorted({grasp.label or "(none)" for grasp in every})
        raise ObjectNotFound(f"no candidate is labelled {label!r}; seen: {', '.join(seen)}")
    return found
