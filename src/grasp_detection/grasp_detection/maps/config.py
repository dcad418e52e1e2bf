"""Settings of the detectors with maps."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.config import setting
from grasp_detection.learned.config import LearnedConfig


@dataclass(frozen=True)
class MapsConfig(LearnedConfig):
    """Settings of a detector with maps."""

    certainty: float = setting(
        1.0,
        "how much the agreement about the angle counts in ranking; 0 ranks by quality alone, as "
        "the papers do; calibrated for 1",
        minimum=0.0,
        maximum=10.0,
    )
