"""Settings of the detectors of this family."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.config import setting
from grasp_detection.learned.config import LearnedConfig

SPEAKERS = ("switch", "region", "pixel", "global")
SWITCH, REGION, PIXEL, GLOBAL = SPEAKERS


@dataclass(frozen=True)
class DsgdConfig(LearnedConfig):
    """Settings of DSGD and of its networks alone."""

    region_threshold: float = setting(
        0.95,
        "confidence above which the best region grasp is the answer; calibrated for 0.95",
        minimum=0.0,
        maximum=1.0,
    )
    pixel_threshold: float = setting(
        0.90,
        "confidence above which the best pixel grasp is the answer where no region grasp is, else "
        "the global one; calibrated for 0.90",
        minimum=0.0,
        maximum=1.0,
    )
    speaker: str = setting(
        SWITCH,
        "who of dsgd answers: switch as the thresholds say, or one of its networks alone",
        choices=SPEAKERS,
    )
