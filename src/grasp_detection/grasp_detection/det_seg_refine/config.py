"""Settings of the detectors of this family."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.config import setting
from grasp_detection.learned.config import LearnedConfig


@dataclass(frozen=True)
class DetSegRefineConfig(LearnedConfig):
    """Settings of a detector with proposals and orientation classes."""

    refine: bool = setting(
        True, "correct grasps by the refinement head, where the network has one; to see its worth"
    )
