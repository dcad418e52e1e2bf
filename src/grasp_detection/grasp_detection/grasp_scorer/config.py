"""Settings of the grasp scorer."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.config import setting
from grasp_detection.learned.config import LearnedConfig

FINAL, PRIMARY = "final", "primary"


@dataclass(frozen=True)
class GraspScorerConfig(LearnedConfig):
    """Settings of a detector with anchors and a scorer."""

    rank_by: str = setting(
        FINAL,
        "score that ranks: final, the scorer's of the grasp as it is proposed, or primary, the "
        "predictor's of its anchor, to see what the scorer brings; calibrated for final",
        choices=(FINAL, PRIMARY),
    )
    scored: int = setting(
        64,
        "how many anchors of the highest primary score, in a picture of 20 x 20 cells, the final "
        "score ranks: it has learnt on as many; 0: all, as its paper has it",
        minimum=0,
        maximum=100_000,
    )
