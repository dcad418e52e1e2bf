"""Hand-eye calibration from a file: the camera's pose relative to a frame of the robot.

Two formats are read, told apart by what is in them: the stack's own, and the ``.calib`` of
easy_handeye2 (see :mod:`grasp_core.easy_handeye`).
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from grasp_core import easy_handeye
from grasp_core.config import load_yaml
from grasp_core.errors import BadCalibration
from grasp_core.json_file import require_writable
from grasp_core.transform import Transform

_KEYS = ("parent_frame", "child_frame", "translation", "rotation_xyzw")
_TEXTS = ("date", "camera_serial", "mount", "method")
_NUMBERS = ("residual_mm", "residual_deg", "held_out_mm")
_DAY_S = 86400.0


@dataclass(frozen=True)
class HandEye:
    """Pose of the camera's optical frame: ``T_parent_camera``, metres.

    What else is known of a calibration may be missing, as in files from elsewhere.

    Attributes:
        parent_frame: The base frame (camera beside the robot) or a link (camera on the hand).
        camera_frame: The optical frame.
        T_parent_camera: The calibrated pose.
        date: When it was found, ISO 8601 with the offset from UTC; empty unknown.
        camera_serial: Serial number of the camera, as its driver names it; empty unknown.
        mount: ``fixed`` or ``hand``; empty unknown.
        method: How it was found; empty unknown.
        views: Pictures that it rests on; 0 unknown.
        residual_mm: What the views are off by, root mean square, mm; None unknown.
        residual_deg: The same of their orientations, degrees.
        held_out_mm: What views that the solution has not seen are off by.
    """

    parent_frame: str
    camera_frame: str
    T_parent_camera: Transform
    date: str = ""
    camera_serial: str = ""
    mount: str = ""
    method: str = ""
    views: int = 0
    residual_mm: float | None = None
    residual_deg: float | None = None
    held_out_mm: float | None = None

    def age_days(self, now: datetime.datetime) -> float | None:
        """Days from its date to ``now``, which has a time zone; None where it has no date.

        Raises:
            BadCalibration: The date is none.
        """
        if not self.date:
            return None
        return (now - _time_of(self.date)).total_seconds() / _DAY_S


def write_hand_eye(path: Path, calibration: HandEye) -> None:
    """Write a calibration file, and its folder where it is missing; see :func:`load_hand_eye`.

    Raises:
        ConfigError: It cannot be written.
    """
    pose = calibration.T_parent_camera
    content: dict[str, Any] = {
        "parent_frame": calibration.parent_frame,
        "child_frame": calibration.camera_frame,
        "translation": pose.translation.tolist(),
        "rotation_xyzw": pose.quaternion.tolist(),
    }
    about = {name: getattr(calibration, name) for name in (*_TEXTS, "views", *_NUMBERS)}
    content.update({name: value for name, value in about.items() if value not in ("", 0, None)})
    require_writable(path)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def load_hand_eye(path: Path) -> HandEye:
    """Read a calibration file of either format.

    The stack's own needs parent_frame, child_frame, translation and rotation_xyzw.

    Raises:
        ConfigError: The file cannot be read.
        BadCalibration: A key is missing or a value impossible.
    """
    content = load_yaml(path)
    try:
        if easy_handeye.is_calib(content):
            calib = easy_handeye.calib_from(content)
            return HandEye(
                calib.parent_frame,
                calib.tracking_base_frame,
                calib.transform,
                mount="hand" if calib.on_hand else "fixed",
                method="easy_handeye2",
            )
        return _from(content)
    except BadCalibration as error:
        raise BadCalibration(f"{path} {error}") from error
    except (ValueError, TypeError) as error:
        raise BadCalibration(f"{path}: {error}") from error


def _from(content: Mapping[str, Any]) -> HandEye:
    missing = [key for key in _KEYS if key not in content]
    if missing:
        raise BadCalibration(f"lacks {', '.join(missing)}; it needs {', '.join(_KEYS)}")
    pose = Transform.from_quaternion(content["rotation_xyzw"], content["translation"])
    about: dict[str, Any] = {name: _text(content[name]) for name in _TEXTS if name in content}
    if "date" in about:
        _time_of(about["date"])
    about.update({name: _number(name, content[name]) for name in _NUMBERS if name in content})
    return HandEye(
        str(content["parent_frame"]),
        str(content["child_frame"]),
        pose,
        views=int(content.get("views", 0)),
        **about,
    )


def _text(value: Any) -> str:
    """A text of the file; YAML makes dates of dates, and numbers of serial numbers."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)


def _number(name: str, value: Any) -> float:
    number = float(value)
    if not (math.isfinite(number) and number >= 0.0):
        raise BadCalibration(f"has {name} {value}, must be a number of at least 0")
    return number


def _time_of(date: str) -> datetime.datetime:
    try:
        # Python 3.10 does not know the Z of UTC.
        time = datetime.datetime.fromisoformat(date.replace("Z", "+00:00"))
    except ValueError as error:
        raise BadCalibration(f"has date {date!r}, must be as 2026-03-31T14:05:00+00:00") from error
    return time if time.tzinfo else time.replace(tzinfo=datetime.timezone.utc)
