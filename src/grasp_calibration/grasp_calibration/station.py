"""What a calibration needs of a robot and its camera, and how one view is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grasp_calibration.detection import BoardDetector
from grasp_calibration.view import View
from grasp_core.camera import PinholeCamera
from grasp_core.errors import BadCalibration
from grasp_core.transform import Transform

Say = Callable[[str], None]
"""Tells the user a line."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An image, and where the hand was when it was taken.

    Attributes:
        color: Shape (H, W, 3), RGB.
        camera: Its intrinsics.
        T_base_hand: Pose of the hand's frame at the image's stamp, as the robot says.
        frame_id: The camera's optical frame.
    """

    color: NDArray[np.uint8]
    camera: PinholeCamera
    T_base_hand: Transform
    frame_id: str


class HandCamera(Protocol):
    """A camera together with the hand's pose."""

    def take(self, wait: Callable[[], None]) -> Picture:
        """A picture exposed from now on, the arm at rest.

        Args:
            wait: Lets time pass; what it raises ends the call.

        Raises:
            NoImage, BadImage, BadCalibration, NoTransform, or what ``wait`` raises.
        """


class ViewTaker:
    """Takes views and notes what of them was of no use.

    Attributes:
        views: The good ones.
        camera: Intrinsics of the last picture; None before the first one.
        frame_id: Optical frame of the last picture.
    """

    def __init__(self, camera: HandCamera, detector: BoardDetector, say: Say) -> None:
        self._hand_camera = camera
        self._detector = detector
        self._say = say
        self.views: list[View] = []
        self.camera: PinholeCamera | None = None
        self.frame_id = ""

    @property
    def detector(self) -> BoardDetector:
        """What finds the board."""
        return self._detector

    def take(self, wait: Callable[[], None]) -> View:
        """One more view.

        Raises:
            BoardNotSeen: The board cannot be measured in the picture; says why.
            NoImage, BadImage, BadCalibration, NoTransform, or what ``wait`` raises.
        """
        picture = self._hand_camera.take(wait)
        if self.camera not in (None, picture.camera):
            raise BadCalibration(
                f"camera_info has changed since the first view, from {self.camera} to "
                f"{picture.camera}: keep resolution and lens as they are, and begin anew"
            )
        self.camera, self.frame_id = picture.camera, picture.frame_id
        image = self._detector.detect(picture.color, picture.camera)
        view = View(picture.T_base_hand, image, f"view {len(self.views) + 1}")
        self.views.append(view)
        self._say(
            f"{view.name}: {len(image.pixels)} corners, {image.error_px:.2f} px, "
            f"{1e3 * image.T_camera_board.translation[2]:.0f} mm away"
        )
        return view
