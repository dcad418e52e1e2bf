"""What a benchmark measures; whatever is the same here gives the same results."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grasp_benchmark.closed_loop.code import code_digest, digest_of
from grasp_benchmark.closed_loop.contestants import Contestant
from grasp_core.config import Checked, setting
from grasp_core.errors import ConfigError
from grasp_core.robot import CAMERA_MOUNTS
from grasp_core.transform import Transform
from grasp_executor.selection import Policy
from grasp_sim.config import MAX_OBJECTS, NOISE_PRESETS, SimConfig
from grasp_sim.objects import NAMED_SETS

TRIALS, DSC, CLEAR = "trials", "dsc", "clear"
PROTOCOLS = (TRIALS, DSC, CLEAR)
BEST, RANDOM_ABOVE = POLICIES = tuple(policy.name.lower() for policy in Policy)
_FORMAT = 2  # of the records; raised when older ones can no longer be read


@dataclass(frozen=True)
class BenchmarkSettings(Checked):
    """Scenes, noise and rules of a benchmark."""

    protocol: str = setting(
        TRIALS, "one pick per scene, DSC-GraspNet's placements, or clearing", choices=PROTOCOLS
    )
    objects: str = setting("dev", f"object set: {', '.join(NAMED_SETS)}, or a folder")
    clutter: int = setting(1, "objects on the table", minimum=1, maximum=MAX_OBJECTS)
    trials: int = setting(
        100, "scenes; in protocol dsc, placements of each object", minimum=1, maximum=1_000_000
    )
    seed: int = setting(0, "of objects, scenes and noise", minimum=0)
    noise: str = setting("none", "depth noise preset", choices=NOISE_PRESETS)
    posts: int = setting(
        0, "columns beside the ways of the hand, which nothing moves", minimum=0, maximum=8
    )
    attempts: int = setting(1, "grasps per pick", minimum=1, maximum=100)
    policy: str = setting(
        BEST, "which candidate is tried first: the best, or any above 0.9", choices=POLICIES
    )
    spread: float = setting(
        0.6, "share of the workspace in which a single object falls", minimum=0.0, maximum=1.0
    )
    robot: str = setting(SimConfig().robot, "folder under config/robots")
    gripper: str = setting(
        SimConfig().gripper, "file under config/grippers; empty: the robot's own hand"
    )
    cell: str = setting(SimConfig().cell, "file under config/cells")
    camera_mount: str = setting(
        "fixed", "where the camera is: beside the robot, or on its hand", choices=CAMERA_MOUNTS
    )
    believed_camera: tuple[float, ...] = setting(
        (),
        "pose of the camera on its carrier that a calibration has found, x, y, z in m and "
        "quaternion x, y, z, w; empty: the stack is told the true one",
    )
    renderer: str = setting("tiny", "what draws the images", choices=("egl", "tiny"))

    def __post_init__(self) -> None:
        """Check the fields, then their relations; a folder's path becomes absolute.

        Raises:
            ConfigError: A value is out of its bounds or contradicts another.
        """
        super().__post_init__()
        if self.protocol == DSC and self.clutter != 1:
            raise ConfigError(
                f"clutter is {self.clutter}, but protocol dsc places one object at a time: use 1"
            )
        if len(self.believed_camera) not in (0, 7):
            raise ConfigError(
                f"believed_camera has {len(self.believed_camera)} numbers, must have 7 or none"
            )
        if self.objects not in NAMED_SETS:
            folder = Path(self.objects).expanduser()
            object.__setattr__(self, "objects", str(folder.resolve()))

    def believed_pose(self) -> Transform | None:
        """``believed_camera`` as a transform; None where the truth is told."""
        if not self.believed_camera:
            return None
        return Transform.from_quaternion(self.believed_camera[3:], self.believed_camera[:3])


def identity(settings: BenchmarkSettings, contestants: Sequence[Contestant]) -> dict[str, Any]:
    """Everything that a trial's result depends on, for JSON; not how many trials there are."""
    about = dataclasses.asdict(settings)
    del about["trials"]
    about["believed_camera"] = list(settings.believed_camera)  # as JSON gives it back
    folder = Path(settings.objects)
    return {
        "format": _FORMAT,
        "code": code_digest(),
        **about,
        "objects_digest": (
            digest_of(path for path in folder.rglob("*") if path.is_file())
            if folder.is_absolute()
            else ""
        ),
        "detectors": {one.label: one.weights_digest for one in contestants},
    }


def default_folder(about: dict[str, Any]) -> Path:
    """Where a benchmark keeps its trials; a longer one adds to the folder of a shorter one."""
    text = json.dumps(about, sort_keys=True)
    return Path("runs") / f"benchmark-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
