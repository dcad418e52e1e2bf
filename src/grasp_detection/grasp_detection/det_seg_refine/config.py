"""Settings of the detectors of this family."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.config import setting
from grasp_detection.learned.config import LearnedConfig

ALL, CLASS, OBJECT = "all", "class", "object"


@dataclass(frozen=True)
class DetSegRefineConfig(LearnedConfig):
    """Settings of a detector with proposals and orientation classes."""

    refine: bool = setting(
        True, "correct grasps by the refinement head, where the network has one; to see its worth"
    )
    best_of: str = setting(
        ALL,
        "all grasps, or the best of every object or class alone, its centre on the mask; for "
        "networks with a segmentation branch",
        choices=(ALL, CLASS, OBJECT),
    )
