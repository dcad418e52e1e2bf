"""A camera, a board and views of it without rendering: corners projected, with noise."""

import numpy as np
from scipy.spatial.transform import Rotation

from grasp_calibration.detection import BoardImage, board_pose
from grasp_calibration.equations import Poses
from grasp_calibration.view import View
from grasp_core.camera import PinholeCamera
from grasp_core.charuco_board import CharucoBoard
from grasp_core.robot import CAMERA_ON_HAND
from grasp_core.transform import Transform

BOARD = CharucoBoard()
CAMERA = PinholeCamera(640, 480, 615.0, 612.0, 322.0, 238.0, (0.08, -0.15, 0.001, -0.0005, 0.03))
TRUTH = {
    "hand": Poses(
        Transform.from_rpy((0.05, -0.1, 1.5), (0.07, 0.01, -0.09)),
        Transform.from_rpy((0.02, 0.03, 0.4), (0.4, -0.1, 0.01)),
    ),
    "fixed": Poses(
        Transform.from_rpy((3.0, 0.2, -1.4), (0.5, 0.1, 0.9)),
        Transform.from_rpy((1.5, 0.1, 0.2), (-0.12, 0.02, 0.1)),
    ),
}


def views_of(mount, count=15, seed=0, noise_px=0.1, tilt_deg=30.0, axes=(1, 1, 1)):
    """Views with the board before the camera, tilted at random about some of its axes."""
    rng = np.random.default_rng(seed)
    return [view_at(mount, board, rng, noise_px) for board in _boards(rng, count, tilt_deg, axes)]


def view_at(mount, T_camera_board, rng, noise_px=0.1, name=""):
    truth = TRUTH[mount]
    carrier = truth.board @ T_camera_board.inverse() @ truth.camera.inverse()
    pixels = CAMERA.project(T_camera_board.apply(BOARD.corners))
    pixels = pixels + noise_px * rng.standard_normal(pixels.shape)
    pose, error_px = board_pose(pixels, BOARD.corners, CAMERA)
    image = BoardImage(pixels, BOARD.corners, pose, error_px)
    return View(carrier if mount == CAMERA_ON_HAND else carrier.inverse(), image, name)


def _boards(rng, count, tilt_deg, axes):
    for _ in range(count):
        turn = np.radians(tilt_deg) * rng.uniform(-1.0, 1.0, 3) * axes
        rotation = Rotation.from_rotvec(turn).as_matrix()
        middle = np.array([*rng.uniform(-0.08, 0.08, 2), rng.uniform(0.45, 0.65)])
        yield Transform.from_rotation(rotation, middle - rotation @ BOARD.center)
