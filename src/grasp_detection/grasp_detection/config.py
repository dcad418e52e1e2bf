"""Settings of the detector node."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.config import Checked, setting, settings_of
from grasp_detection.scene_limits import SceneLimits


def _of_limits(name: str) -> str:
    """What a limit of the scene is, in the words of its own class."""
    return settings_of(SceneLimits)[name][1].description


@dataclass(frozen=True)
class DetectorConfig(Checked):
    """Parameters of the detector node; those of the detector are prefixed with its name."""

    detector: str = setting(
        "default", "detector to run, a name of the registry; default is the one that picks best"
    )
    robot: str = setting("panda", "folder under config/robots; its gripper limits the grasps")
    gripper: str = setting(
        "", "hand that the robot carries, a file under config/grippers; empty: its own"
    )
    cell: str = setting("tabletop", "file under config/cells")
    camera: str = setting("realsense", "file under config/cameras, with the topics to subscribe")
    hand_eye: str = setting(
        "",
        "YAML file with the camera's pose in the base frame; empty uses TF at the image's stamp",
    )
    tf_timeout_s: float = setting(
        0.1,
        "wall time that a frame waits for the transform of its stamp, s",
        minimum=0.0,
        maximum=2.0,
    )
    max_support_offset_m: float = setting(
        0.015,
        "height by which the seen table may differ from the cell's before a warning, m",
        minimum=0.001,
        maximum=0.1,
    )
    max_support_angle: float = setting(
        0.0524,
        "angle by which the seen table may differ from level before a warning, rad (3 degrees)",
        minimum=0.001,
        maximum=0.3,
    )
    support_plane: tuple[float, ...] = setting((), _of_limits("support_plane"))
    region_px: tuple[float, ...] = setting((), _of_limits("region_px"), minimum=0.0)
    depth_limits_m: tuple[float, ...] = setting((), _of_limits("depth_limits_m"), minimum=0.0)
    sync_slop_s: float = setting(
        0.02,
        "largest difference of stamps of colour, depth and camera_info, s",
        minimum=0.0,
        maximum=1.0,
    )
    max_stamp_lead_s: float = setting(
        0.5,
        "by which stamps of images and transforms may lead node time, s; images that lag as much "
        "behind their camera's latency are worth a warning",
        minimum=0.0,
        maximum=60.0,
    )
    threads: int = setting(
        0,
        "threads of torch, OpenVINO, ONNX Runtime and OpenCV each; 0: as many as there are CPUs",
        minimum=0,
        maximum=256,
    )
    cpu_affinity: tuple[int, ...] = setting(
        (),
        "CPUs that the node's process runs on, so that a robot's control loop has the others; "
        "empty: all",
        minimum=0,
    )
    lazy: bool = setting(
        True, "subscribe to the camera only while somebody wants its grasps", live=True
    )
    continuous: bool = setting(
        True,
        "whether listening to the node's topics is such a wish; else only ~/detect is",
        live=True,
    )
    linger_s: float = setting(
        1.0,
        "how long the camera stays subscribed after the last wish, s",
        minimum=0.0,
        maximum=60.0,
        live=True,
    )
    detect_timeout_s: float = setting(
        5.0,
        "wall time that ~/detect waits for an image, and again for the detector, unless told, s",
        minimum=0.1,
        maximum=120.0,
        live=True,
    )
    max_candidates: int = setting(
        50, "most candidates published", minimum=1, maximum=1000, live=True
    )
    drawn_candidates: int = setting(
        8, "most candidates in the annotated image and in RViz", minimum=1, maximum=100, live=True
    )
    marker_lifetime_s: float = setting(
        3.0,
        "how long markers stay in RViz, s; 0 until the next",
        minimum=0.0,
        maximum=600.0,
        live=True,
    )
    diagnostics_period_s: float = setting(
        1.0, "wall time between diagnostics, s", minimum=0.1, maximum=60.0
    )
    silence_s: float = setting(
        2.0,
        "wall time without an image that is worth a warning, s",
        minimum=0.1,
        maximum=60.0,
        live=True,
    )

    def __post_init__(self) -> None:
        """Check the fields, and the limits of the scene as a whole.

        Raises:
            ConfigError: A value is out of its bounds.
        """
        super().__post_init__()
        self.scene_limits()

    def scene_limits(self) -> SceneLimits:
        """What of a picture counts."""
        return SceneLimits(self.support_plane, self.region_px, self.depth_limits_m)
