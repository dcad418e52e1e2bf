"""What is true of a camera whoever uses it: ``config/cameras/NAME.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grasp_core.color import COLOR_ENCODINGS
from grasp_core.config import (
    Checked,
    build,
    load_yaml,
    require_relative_names,
    setting,
)
from grasp_core.config_folder import config_dir
from grasp_core.depth import DEPTH_ENCODINGS
from grasp_core.errors import ConfigError


@dataclass(frozen=True)
class CameraDriver(Checked):
    """The program that publishes a camera's images, from a ROS distribution."""

    package: str = setting("", "ROS package of the driver")
    executable: str = setting("", "its executable; empty where a launch file starts it")
    launch_file: str = setting("", "its launch file; empty where an executable is started")
    parameters: dict[str, Any] = setting(
        {}, "parameters of the executable, or arguments of the launch file"
    )

    def __post_init__(self) -> None:
        """Check the fields, then that they name one thing to start.

        Raises:
            ConfigError: A value is wrong, or there is nothing to start, or two things.
        """
        super().__post_init__()
        if not self.package or bool(self.executable) == bool(self.launch_file):
            raise ConfigError(
                f"a driver needs a package and either an executable or a launch_file, got package "
                f"{self.package!r}, executable {self.executable!r}, launch_file "
                f"{self.launch_file!r}"
            )


@dataclass(frozen=True)
class CameraProfile(Checked):
    """Topics, encodings and range of an RGB-D camera whose depth is aligned to its colour."""

    color_topic: str = setting("", "topic of the colour image")
    depth_topic: str = setting("", "topic of the depth image, pixel by pixel that of the colour")
    camera_info_topic: str = setting("", "topic of the intrinsics of both")
    color_encoding: str = setting("rgb8", "encoding of the colour image", choices=COLOR_ENCODINGS)
    depth_encoding: str = setting("16UC1", "encoding of the depth image", choices=DEPTH_ENCODINGS)
    min_range_m: float = setting(0.1, "nearest depth that it measures, m", minimum=0.0)
    max_range_m: float = setting(10.0, "farthest depth that it measures, m", minimum=0.01)
    rectified: bool = setting(False, "whether the published images are free of distortion")
    noise: str = setting("none", "depth noise preset of the simulator that resembles it")
    driver: CameraDriver = setting(None, "the program that publishes its images")

    def __post_init__(self) -> None:
        """Check the fields, then their relations.

        Raises:
            ConfigError: A value is out of its bounds or contradicts another.
        """
        super().__post_init__()
        require_relative_names(self, "color_topic", "depth_topic", "camera_info_topic")
        if self.min_range_m >= self.max_range_m:
            raise ConfigError(
                f"min_range_m is {self.min_range_m}, must lie below max_range_m {self.max_range_m}"
            )

    @property
    def topics(self) -> dict[str, str]:
        """Topic by stream: ``color``, ``depth`` and ``camera_info``."""
        return {
            "color": self.color_topic,
            "depth": self.depth_topic,
            "camera_info": self.camera_info_topic,
        }


def camera_names() -> list[str]:
    """Names of the cameras under ``config/cameras``."""
    return sorted(path.stem for path in (config_dir() / "cameras").glob("*.yaml"))


def load_camera(name: str) -> CameraProfile:
    """Read a camera's profile.

    Raises:
        ConfigError: No such camera, or a value of its profile is wrong; names both.
    """
    path = config_dir() / "cameras" / f"{name}.yaml"
    if name not in camera_names():
        raise ConfigError(f"no camera {name!r}; valid names are {', '.join(camera_names())}")
    values = load_yaml(path)
    if isinstance(values.get("driver"), dict):
        values["driver"] = build(CameraDriver, values["driver"], f"{path} (driver)")
    return build(CameraProfile, values, str(path))
