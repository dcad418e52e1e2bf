"""What a calibration is told as: lines for the terminal, and the file."""

from __future__ import annotations

import datetime

import numpy as np
from numpy.typing import NDArray

from grasp_calibration.solve import REFINED, Calibration, Errors
from grasp_core.hand_eye import HandEye


def lines_of(calibration: Calibration) -> list[str]:
    """The result in words and figures."""
    pose, errors = calibration.poses.camera, calibration.errors
    x, y, z = (f"{1e3 * value:.1f}" for value in pose.translation)
    lines = [f"camera at ({x}, {y}, {z}) mm, quaternion xyzw {_rounded(pose.quaternion)}"]
    lines.append(f"{'':12}{'mm':>8}{'deg':>8}{'px':>8}   (root mean square over the views)")
    for name, found in calibration.by_method.items():
        lines.append(_row(name, found))
    lines.append(_row(REFINED, errors))
    lines.append(_row("held out", calibration.held_out))
    lines.append(f"{len(calibration.views)} views used, {len(calibration.rejected)} rejected")
    lines += [f"  {one.name}: {one.reason}" for one in calibration.rejected]
    return lines


def hand_eye_of(
    calibration: Calibration,
    parent_frame: str,
    camera_frame: str,
    camera_serial: str,
    now: datetime.datetime,
) -> HandEye:
    """The calibration as it is kept in a file."""
    return HandEye(
        parent_frame,
        camera_frame,
        calibration.poses.camera,
        date=now.isoformat(timespec="seconds"),
        camera_serial=camera_serial,
        mount=calibration.mount,
        method=REFINED,
        views=len(calibration.views),
        residual_mm=round(calibration.errors.mm, 4),
        residual_deg=round(calibration.errors.deg, 5),
        held_out_mm=round(calibration.held_out.mm, 4),
    )


def _row(name: str, errors: Errors) -> str:
    return f"{name:12}{errors.mm:8.2f}{errors.deg:8.3f}{errors.px:8.2f}"


def _rounded(values: NDArray[np.float64]) -> str:
    return "(" + ", ".join(f"{value:.4f}" for value in values) + ")"
