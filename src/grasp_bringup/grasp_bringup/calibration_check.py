"""Whether a hand-eye calibration belongs to the camera and the robot that are about to run."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from grasp_core.errors import BadCalibration
from grasp_core.hand_eye import HandEye, load_hand_eye

OLD_AFTER_DAYS = 30
FIXED, ON_HAND = "fixed", "hand"


def checked_calibration(
    path: Path, base_frame: str, mount: str, camera_serial: str, now: dt.datetime
) -> tuple[HandEye, list[str]]:
    """Read a calibration and see whether it fits.

    Args:
        path: Its file.
        base_frame: The robot's base frame.
        mount: ``fixed`` or ``hand``.
        camera_serial: Of the camera that is about to run; empty unknown.
        now: To tell its age; with a time zone.

    Returns:
        The calibration, and warnings, a sentence each.

    Raises:
        ConfigError: The file cannot be read.
        BadCalibration: It makes no sense, or belongs to another camera or mounting.
    """
    calibration = load_hand_eye(path)
    _require_mount(path, calibration, base_frame, mount)
    known = calibration.camera_serial
    if camera_serial and known and known != camera_serial:
        raise BadCalibration(
            f"{path} is the calibration of the camera {known}, about to run is {camera_serial}: "
            "name the calibration of this camera, or calibrate it with grasp calibrate"
        )
    warnings = []
    if camera_serial and not known:
        warnings.append(
            f"{path} does not say which camera it is of: nobody can tell whether it is of "
            f"{camera_serial}"
        )
    return calibration, [*warnings, *_age(path, calibration, now)]


def _require_mount(path: Path, calibration: HandEye, base_frame: str, mount: str) -> None:
    parent = calibration.parent_frame.lstrip("/")
    if mount == FIXED and parent != base_frame:
        raise BadCalibration(
            f"{path} places the camera in {parent!r}, a camera beside the robot has its place in "
            f"{base_frame!r}: say camera_mount:=hand if it is on the hand, or name the "
            "calibration of this robot"
        )
    if mount == ON_HAND and parent == base_frame:
        raise BadCalibration(
            f"{path} places the camera in the robot's base {base_frame!r}, a camera on the hand "
            "has its place in a link of the arm: say camera_mount:=fixed, or name its calibration"
        )


def _age(path: Path, calibration: HandEye, now: dt.datetime) -> list[str]:
    check = "measure it again with grasp calibrate --check"
    days = calibration.age_days(now)
    if days is None:
        return [f"{path} does not say when it was made: {check}"]
    if days > OLD_AFTER_DAYS:
        return [f"{path} is {days:.0f} days old, more than {OLD_AFTER_DAYS}: {check}"]
    return []
