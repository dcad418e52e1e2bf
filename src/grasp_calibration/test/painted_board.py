"""A picture of the board without a renderer, painted by the pinhole model."""

import cv2
import numpy as np

from grasp_core.camera import PinholeCamera
from grasp_core.charuco_board import CharucoBoard

BOARD = CharucoBoard()
CAMERA = PinholeCamera(640, 480, 615.0, 615.0, 319.5, 239.5)
_PX_PER_M = 4000.0
_MARGIN_M = 0.01
_FINER = 3


def paint(T_camera_board, noise=2.0, seed=0):
    """Colour image of a board in front of grey."""
    picture = BOARD.picture(_PX_PER_M, _MARGIN_M)
    # Pixel i of the picture is the square from i to i + 1, its middle at i + 0.5.
    T_board_pixel = np.array(
        [
            [1.0 / _PX_PER_M, 0.0, 0.5 / _PX_PER_M - _MARGIN_M],
            [0.0, 1.0 / _PX_PER_M, 0.5 / _PX_PER_M - _MARGIN_M],
            [0.0, 0.0, 1.0],
        ]
    )
    pose = T_camera_board.matrix
    to_image = CAMERA.matrix @ pose[:3, [0, 1, 3]] @ T_board_pixel
    shift = (_FINER - 1) / 2.0
    finer = np.array([[_FINER, 0.0, shift], [0.0, _FINER, shift], [0.0, 0.0, 1.0]])
    size = (CAMERA.width * _FINER, CAMERA.height * _FINER)
    large = cv2.warpPerspective(picture, finer @ to_image, size, borderValue=120)
    image = cv2.resize(large, (CAMERA.width, CAMERA.height), interpolation=cv2.INTER_AREA)
    noisy = image + noise * np.random.default_rng(seed).standard_normal(image.shape)
    return np.dstack([np.clip(np.round(noisy), 0, 255).astype(np.uint8)] * 3)
