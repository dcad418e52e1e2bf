"""The grasp scorers by name."""

from grasp_detection.grasp_scorer.config import GraspScorerConfig
from grasp_detection.learned.members import Members

_FAMILY = "grasp_detection.grasp_scorer.family"

GRASP_SCORERS = Members(
    group="grasp_scorer",
    config_class=GraspScorerConfig,
    places={
        "grasp_scorer": f"{_FAMILY}:GRASP_SCORER",
        "grasp_scorer_full": f"{_FAMILY}:GRASP_SCORER_FULL",
    },
)
