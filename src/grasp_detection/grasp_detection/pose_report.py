"""What speaks against the camera's pose: none is known, or the table is not where it says."""

from __future__ import annotations

import math

from grasp_core.cell import Cell
from grasp_core.frame import RgbdFrame
from grasp_core.known_support import SeenSupport, see_support
from grasp_core.transform import Transform
from grasp_detection.config import DetectorConfig


class PoseReport:
    """Warnings about the camera's pose, from the newest frame alone.

    Frames come in one thread, :meth:`findings` are asked for in another, now and then: looking at
    the support costs some milliseconds.
    """

    def __init__(self, cell: Cell, config: DetectorConfig) -> None:
        self._cell = cell
        self._config = config
        self._newest: tuple[RgbdFrame, str] | None = None
        self._compared: tuple[RgbdFrame, SeenSupport | None] | None = None

    def forget(self) -> None:
        """Say nothing until the next frame."""
        self._newest = None

    def saw(self, frame: RgbdFrame, complaint: str) -> None:
        """Take the newest frame, and why it has no pose if it has none."""
        self._newest = (frame, complaint)

    def findings(self) -> tuple[list[str], dict[str, object]]:
        """Warnings, and figures by name."""
        if self._newest is None:
            return [], {}
        frame, complaint = self._newest
        if frame.T_base_camera is None:
            return [f"the camera's pose is not known: {complaint}"], {"camera_pose": "unknown"}
        seen = self._seen_in(frame, frame.T_base_camera)
        if seen is None:
            return [], {"camera_pose": "known", "support": "not seen"}
        warning = self._disagreement(seen)
        return [warning] if warning else [], {
            "camera_pose": "known",
            "support": "disagrees" if warning else "agrees",
            "support_offset_mm": round(1000.0 * seen.offset_m, 1),
            "support_angle_deg": round(math.degrees(seen.angle), 2),
        }

    def _seen_in(self, frame: RgbdFrame, T_base_camera: Transform) -> SeenSupport | None:
        """The support in a frame; one that stays the newest is not looked at again."""
        if self._compared is None or self._compared[0] is not frame:
            seen = see_support(frame.depth_m, frame.camera, T_base_camera, self._cell)
            self._compared = (frame, seen)
        return self._compared[1]

    def _disagreement(self, seen: SeenSupport) -> str:
        """What is wrong, in a sentence; empty where the two agree."""
        config = self._config
        tilted = seen.angle > config.max_support_angle
        if abs(seen.offset_m) <= config.max_support_offset_m and not tilted:
            return ""
        # A wrong height moves the table, it does not tilt it.
        cause = f"a wrong calibration (TF, or {config.hand_eye or 'a hand_eye file'})"
        if not tilted:
            cause = f"a wrong support_z_m of cell {config.cell}, or {cause}"
        return (
            f"the depth image shows the table {1000.0 * abs(seen.offset_m):.0f} mm "
            f"{'above' if seen.offset_m > 0.0 else 'below'} and turned "
            f"{math.degrees(seen.angle):.1f} degrees from where the camera's pose puts it "
            f"(allowed are {1000.0 * config.max_support_offset_m:.0f} mm and "
            f"{math.degrees(config.max_support_angle):.1f} degrees): {cause}"
        )
