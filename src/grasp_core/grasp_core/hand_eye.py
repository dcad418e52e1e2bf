"""Hand-eye calibration from a file: the camera's pose relative to a frame of the robot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from grasp_core.config import load_yaml
from grasp_core.errors import BadCalibration
from grasp_core.json_file import require_writable
from grasp_core.transform import Transform

_KEYS = ("parent_frame", "child_frame", "translation", "rotation_xyzw")


@dataclass(frozen=True)
class HandEye:
    """Pose of the camera's optical frame: ``T_parent_camera``, metres.

    Attributes:
        parent_frame: The base frame (camera beside the robot) or a link (camera on the hand).
        camera_frame: The optical frame.
        T_parent_camera: The calibrated pose.
    """

    parent_frame: str
    camera_frame: str
    T_parent_camera: Transform


def write_hand_eye(path: Path, calibration: HandEye) -> None:
    """Write a calibration file, and its folder where it is missing; see :func:`load_hand_eye`.

    Raises:
        ConfigError: It cannot be written.
    """
    pose = calibration.T_parent_camera
    content = {
        "parent_frame": calibration.parent_frame,
        "child_frame": calibration.camera_frame,
        "translation": pose.translation.tolist(),
        "rotation_xyzw": pose.quaternion.tolist(),
    }
    require_writable(path)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def load_hand_eye(path: Path) -> HandEye:
    """Read a calibration file with parent_frame, child_frame, translation, rotation_xyzw.

    Raises:
        ConfigError: The file cannot be read.
        BadCalibration: A key is missing or a value impossible.
    """
    content = load_yaml(path)
    missing = [key for key in _KEYS if key not in content]
    if missing:
        raise BadCalibration(f"{path} lacks {', '.join(missing)}; it needs {', '.join(_KEYS)}")
    try:
        pose = Transform.from_quaternion(content["rotation_xyzw"], content["translation"])
    except (ValueError, TypeError) as error:
        raise BadCalibration(f"{path}: {error}") from error
    return HandEye(str(content["parent_frame"]), str(content["child_frame"]), pose)
