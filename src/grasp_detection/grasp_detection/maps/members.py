"""The networks with maps: a new one is a file under ``networks`` and one line here."""

from grasp_detection.learned.members import Members
from grasp_detection.maps.config import MapsConfig

MAPS = Members(
    group="maps",
    config_class=MapsConfig,
    places={
        "dsc_graspnet": "grasp_detection.maps.networks.dsc_graspnet:DSC_GRASPNET",
        "efcn": "grasp_detection.maps.networks.efcn:EFCN",
        "efcn_angle": "grasp_detection.maps.networks.efcn:EFCN_ANGLE",
        "efcn_full": "grasp_detection.maps.networks.efcn:EFCN_FULL",
        "fast": "grasp_detection.maps.networks.fast:FAST",
        "gg_cnn2": "grasp_detection.maps.networks.gg_cnn2:GG_CNN2",
        "gr_convnet": "grasp_detection.maps.networks.gr_convnet:GR_CONVNET",
        "resnet_fpn": "grasp_detection.maps.networks.resnet_fpn:RESNET_FPN",
    },
)
