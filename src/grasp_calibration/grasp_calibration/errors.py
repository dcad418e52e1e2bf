"""What can go wrong in a calibration, beside what any motion or image may."""

from __future__ import annotations

from grasp_core.errors import BadCalibration, BadImage, Code


class BoardNotSeen(BadImage):
    """The board is not in the image, or not sharp and whole enough to be measured."""


class DegenerateViews(BadCalibration):
    """The views do not determine the camera's pose: says what is missing."""

    code = Code.BAD_CALIBRATION


class CalibrationFailed(BadCalibration):
    """The views contradict one another, or too few of them are good."""

    code = Code.BAD_CALIBRATION
