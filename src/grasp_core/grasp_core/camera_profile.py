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
    settings_of,
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
    aligns: str = setting(
        "", "which of the parameters makes it align depth to colour; empty where it always does"
    )
    synchronises: str = setting(
        "", "which of the parameters gives colour and depth one stamp; empty where they have"
    )
    serial_parameter: str = setting("", "parameter that chooses one of several cameras")
    serial_prefix: str = setting("", "what stands before the serial number in that parameter")
    ended: str = setting("", "why ROS 2 Jazzy has no driver for it; then nothing else is given")

    def __post_init__(self) -> None:
        """Check the fields, then that they name one thing to start, and parameters that are there.

        Raises:
            ConfigError: A value is wrong, there is nothing to start, or two things, or a
                parameter is not among the parameters.
        """
        super().__post_init__()
        if self.ended:
            self._require_nothing_else()
        else:
            self._require_one_program()

    def _require_nothing_else(self) -> None:
        others = [name for name in settings_of(CameraDriver) if name != "ended"]
        if given := [name for name in others if getattr(self, name)]:
            raise ConfigError(
                f"a driver that has ended ({self.ended}) starts nothing: take out "
                f"{', '.join(given)}"
            )

    def _require_one_program(self) -> None:
        if not self.package or bool(self.executable) == bool(self.launch_file):
            raise ConfigError(
                f"a driver needs a package and either an executable or a launch_file, got package "
                f"{self.package!r}, executable {self.executable!r}, launch_file "
                f"{self.launch_file!r}"
            )
        for field in ("aligns", "synchronises"):
            name = getattr(self, field)
            if name and name not in self.parameters:
                raise ConfigError(
                    f"{field} is {name!r}, must be one of the parameters "
                    f"{', '.join(self.parameters) or '(there are none)'}"
                )

    def parameters_for(self, serial: str = "") -> dict[str, Any]:
        """Its parameters, with that which chooses the camera of a serial number.

        Raises:
            ConfigError: It has no parameter for a serial number.
        """
        if not serial:
            return dict(self.parameters)
        if not self.serial_parameter:
            raise ConfigError(
                f"serial number {serial} cannot be told to driver {self.package}: its profile has "
                "no serial_parameter; name no serial number and plug in one camera"
            )
        return {**self.parameters, self.serial_parameter: f"{self.serial_prefix}{serial}"}

    def remedy(self, field: str, otherwise: str) -> str:
        """What to do where its images are not aligned, or not of one stamp: start it so.

        Args:
            field: ``aligns`` or ``synchronises``.
            otherwise: What to do where no parameter of the driver does it.
        """
        name = getattr(self, field)
        if not name:
            return otherwise
        value = self.parameters[name]
        text = str(value).lower() if isinstance(value, bool) else value
        return f"start {self.package} with {name}:={text}"


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
    latency_s: float = setting(0.1, "age at which its images arrive, s", minimum=0.0, maximum=2.0)
    rectified: bool = setting(False, "whether the published images are free of distortion")
    noise: str = setting("none", "depth noise preset of the simulator that resembles it")
    root_frame: str = setting(
        "",
        "root of the frames that its driver publishes, from which the optical frame hangs; empty: "
        "it publishes none",
    )
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

    @property
    def depth_info_topic(self) -> str:
        """Topic of the camera_info beside the depth image, where image_transport looks for it."""
        return f"{self.depth_topic.rpartition('/')[0]}/camera_info".lstrip("/")

    @property
    def alignment_remedy(self) -> str:
        """What to do where depth is not aligned to colour."""
        return self.driver.remedy("aligns", "subscribe to the depth that is aligned to colour")

    @property
    def synchronisation_remedy(self) -> str:
        """What to do where stamps of colour and depth differ."""
        return self.driver.remedy("synchronises", "let its driver synchronise colour and depth")


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
