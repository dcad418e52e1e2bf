"""The configurations by name."""

from grasp_detection.det_seg_refine.config import DetSegRefineConfig
from grasp_detection.learned.members import Members

_FAMILY = "grasp_detection.det_seg_refine.family"

DET_SEG_REFINE = Members(
    group="det_seg_refine",
    config_class=DetSegRefineConfig,
    places={
        "det": f"{_FAMILY}:DET",
        "det_full": f"{_FAMILY}:DET_FULL",
        "det_seg": f"{_FAMILY}:DET_SEG",
        "det_seg_full": f"{_FAMILY}:DET_SEG_FULL",
        "det_seg_refine": f"{_FAMILY}:DET_SEG_REFINE",
        "det_seg_refine_full": f"{_FAMILY}:DET_SEG_REFINE_FULL",
    },
)
