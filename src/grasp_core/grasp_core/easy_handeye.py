"""The ``.calib`` file of easy_handeye2: its message HandeyeCalibration as YAML.

Source: github.com/marcoesposito1988/easy_handeye2, handeye_calibration.py, handeye_publisher.py
and the messages of easy_handeye2_msgs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from grasp_core.errors import BadCalibration
from grasp_core.json_file import require_writable
from grasp_core.transform import Transform

_ON_HAND, _ON_BASE = "eye_in_hand", "eye_on_base"
_MARKER_FRAME = "charuco_board"


@dataclass(frozen=True)
class EasyHandeye:
    """What a ``.calib`` file says.

    Attributes:
        on_hand: Whether the camera is on the hand.
        robot_base_frame: Base frame of the robot.
        robot_effector_frame: Frame of the hand.
        tracking_base_frame: The camera's frame.
        transform: ``T_parent_camera``; the parent is the effector frame where the camera is on
            the hand, else the base frame.
    """

    on_hand: bool
    robot_base_frame: str
    robot_effector_frame: str
    tracking_base_frame: str
    transform: Transform

    @property
    def parent_frame(self) -> str:
        """Frame in which the camera's pose is given."""
        return self.robot_effector_frame if self.on_hand else self.robot_base_frame


def is_calib(content: Mapping[str, Any]) -> bool:
    """Whether a YAML mapping is of this format."""
    return "parameters" in content and "transform" in content


def calib_from(content: Mapping[str, Any]) -> EasyHandeye:
    """Read what is in such a file.

    Raises:
        BadCalibration: Something is missing or impossible.
        ValueError: The transform is none.
    """
    try:
        about, transform = content["parameters"], content["transform"]
        kind = about["calibration_type"]
        names = ("robot_base_frame", "robot_effector_frame", "tracking_base_frame")
        frames = {name: str(about[name]) for name in names}
        rotation = [float(transform["rotation"][axis]) for axis in "xyzw"]
        translation = [float(transform["translation"][axis]) for axis in "xyz"]
    except (KeyError, TypeError) as error:
        raise BadCalibration(
            f"lacks {error}: a .calib of easy_handeye2 has parameters with calibration_type and "
            "frames, and a transform"
        ) from error
    if kind not in (_ON_HAND, _ON_BASE):
        raise BadCalibration(
            f"has calibration_type {kind!r}, must be one of {_ON_HAND}, {_ON_BASE}"
        )
    pose = Transform.from_quaternion(rotation, translation)
    return EasyHandeye(kind == _ON_HAND, **frames, transform=pose)


def write_calib(path: Path, calib: EasyHandeye) -> None:
    """Write a ``.calib``; easy_handeye2 looks for them in ``~/.ros2/easy_handeye2/calibrations``.

    Raises:
        ConfigError: It cannot be written.
    """
    x, y, z = calib.transform.translation.tolist()
    qx, qy, qz, qw = calib.transform.quaternion.tolist()
    content = {
        "parameters": {
            "name": path.stem,
            "calibration_type": _ON_HAND if calib.on_hand else _ON_BASE,
            "robot_base_frame": calib.robot_base_frame,
            "robot_effector_frame": calib.robot_effector_frame,
            "tracking_base_frame": calib.tracking_base_frame,
            "tracking_marker_frame": _MARKER_FRAME,
            "freehand_robot_movement": True,
            "move_group_namespace": "/",
            "move_group": "manipulator",
        },
        "transform": {
            "translation": {"x": x, "y": y, "z": z},
            "rotation": {"x": qx, "y": qy, "z": qz, "w": qw},
        },
    }
    require_writable(path)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
