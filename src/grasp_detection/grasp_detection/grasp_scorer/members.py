"""The networks with oriented anchors by name."""

from grasp_detection.learned.config import LearnedConfig
from grasp_detection.learned.members import Members

GRASP_SCORER = Members(
    group="grasp_scorer",
    config_class=LearnedConfig,
    places={"primary_predictor": "grasp_detection.grasp_scorer.family:PRIMARY_PREDICTOR"},
)
