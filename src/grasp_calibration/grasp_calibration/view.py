"""One view of the board: what the camera saw, and where the hand was."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_calibration.detection import BoardImage
from grasp_core.robot import CAMERA_ON_HAND
from grasp_core.transform import Transform


@dataclass(frozen=True, eq=False)
class View:
    """A picture of the board and the hand's pose at its stamp, the arm at rest.

    Attributes:
        T_base_hand: Pose of the hand, as the robot says.
        image: The board in the picture.
        name: For reports.
    """

    T_base_hand: Transform
    image: BoardImage
    name: str = ""

    def carrier(self, mount: str) -> Transform:
        """``A`` of the one equation of both mounts, ``A @ X @ T_camera_board = Z``.

        Camera on the hand: A is ``T_base_hand``, X ``T_hand_camera``, Z ``T_base_board``. Camera
        beside the robot: A is ``T_hand_base``, X ``T_base_camera``, Z ``T_hand_board``.
        """
        return self.T_base_hand if mount == CAMERA_ON_HAND else self.T_base_hand.inverse()
