"""The networks with maps: a new one is a file under ``networks`` and one line here."""

from grasp_detection.learned.members import Members
from grasp_detection.maps.config import MapsConfig

_NETWORKS = "grasp_detection.maps.networks"

MAPS = Members(
    group="maps",
    config_class=MapsConfig,
    places={
        "dsc_graspnet": f"{_NETWORKS}.dsc_graspnet:DSC_GRASPNET",
        "efcn": f"{_NETWORKS}.efcn:EFCN",
        "efcn_angle": f"{_NETWORKS}.efcn:EFCN_ANGLE",
        "efcn_full": f"{_NETWORKS}.efcn:EFCN_FULL",
        "fast": f"{_NETWORKS}.fast:FAST",
        "gg_cnn2": f"{_NETWORKS}.gg_cnn2:GG_CNN2",
        "gr_convnet": f"{_NETWORKS}.gr_convnet:GR_CONVNET",
    },
)
