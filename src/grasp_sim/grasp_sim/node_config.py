"""Parameters of the simulator node: the simulation, and how it stands for hardware."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.camera_profile import CameraProfile
from grasp_core.config import setting
from grasp_core.errors import ConfigError
from grasp_sim.config import NOISE_PRESETS, SimConfig

OF_CAMERA = "camera"


@dataclass(frozen=True)
class SimNodeConfig(SimConfig):
    """Everything of :class:`SimConfig`, and the camera's topics, rates and faults of the node."""

    noise: str = setting(
        "none",
        "depth noise preset; camera is the one that the camera's profile names",
        choices=(*NOISE_PRESETS, OF_CAMERA),
    )
    camera: str = setting(
        "realsense", "file under config/cameras: topics and encodings of the images"
    )
    clutter: int = setting(1, "objects of the first scene", minimum=1, maximum=15)
    seed: int = setting(0, "of the first scene", minimum=0)
    gui: bool = setting(False, "show PyBullet's window")
    speed: float = setting(
        1.0, "simulated seconds per second; 0 is as fast as possible", minimum=0.0, maximum=1000.0
    )
    max_speed: float = setting(
        5.0,
        "simulated seconds per second at speed 0: faster, and other nodes cannot keep up",
        minimum=0.1,
        maximum=1000.0,
    )
    camera_hz: float = setting(
        5.0, "images per simulated second, while somebody subscribes", minimum=0.1, maximum=60.0
    )
    joint_states_hz: float = setting(
        100.0,
        "joint states per simulated second; the hand's no more often than its driver measures",
        minimum=1.0,
        maximum=240.0,
    )
    tf_hz: float = setting(
        20.0, "link poses on /tf per simulated second", minimum=0.0, maximum=240.0
    )
    arm_enabled: bool = setting(True, "whether the arm's controller takes goals", live=True)
    speed_scaling: float = setting(
        1.0,
        "share of its speed at which the arm follows trajectories",
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    camera_enabled: bool = setting(True, "whether the camera publishes", live=True)

    def noise_of(self, camera: CameraProfile) -> str:
        """Noise preset of this camera's depth.

        Raises:
            ConfigError: Its profile names a preset that the simulator does not have.
        """
        name = camera.noise if self.noise == OF_CAMERA else self.noise
        if name not in NOISE_PRESETS:
            raise ConfigError(
                f"camera {self.camera} names the noise preset {name!r}, must be one of "
                f"{', '.join(NOISE_PRESETS)}"
            )
        return name
