"""The networks by name."""

from grasp_detection.dsgd.config import DsgdConfig
from grasp_detection.learned.members import Members

_FAMILY = "grasp_detection.dsgd.family"

DSGD = Members(
    group="dsgd",
    config_class=DsgdConfig,
    places={
        "dsgd": f"{_FAMILY}:DSGD",
        "dsgd_ggn": f"{_FAMILY}:GLOBAL_ALONE",
        "dsgd_ggn_full": f"{_FAMILY}:GLOBAL_FULL",
        "dsgd_lite": f"{_FAMILY}:DSGD_LITE",
        "dsgd_pgn": f"{_FAMILY}:PIXELS_ALONE",
        "dsgd_pgn_full": f"{_FAMILY}:PIXELS_FULL",
        "dsgd_rgn": f"{_FAMILY}:REGIONS_ALONE",
        "dsgd_rgn_full": f"{_FAMILY}:REGIONS_FULL",
    },
)
