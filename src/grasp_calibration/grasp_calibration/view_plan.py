"""Which views are worth taking: small turns first, then the board all over the image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from grasp_core.camera import PinholeCamera
from grasp_core.charuco_board import CharucoBoard
from grasp_core.transform import Transform

_FIRST_TILT_DEG, _FIRST_TURN_DEG, _FIRST_SHIFT_M = 8.0, 20.0, 0.03
_TILT_DEG = (12.0, 35.0)
_TURN_DEG = 40.0
_DISTANCE = (0.85, 1.25)
_GRID = 3  # parts of the image along each side
_BORDER_PX = 12.0
_GOLDEN_RAD = np.pi * (3.0 - np.sqrt(5.0))


def first_steps() -> list[Transform]:
    """Small motions of the hand in its own frame, ``T_start_hand``.

    From them the camera can be told roughly, wherever it is.
    """
    tilt, turn = np.radians(_FIRST_TILT_DEG), np.radians(_FIRST_TURN_DEG)
    shift = _FIRST_SHIFT_M
    steps = [
        ((tilt, 0, 0), (0, 0, -shift)),
        ((-tilt, 0, 0), (0, shift, 0)),
        ((0, tilt, 0), (shift, 0, 0)),
        ((0, -tilt, 0), (0, 0, -shift)),
        ((0, 0, turn), (0, -shift, 0)),
        ((0, 0, -turn), (-shift, 0, 0)),
        ((tilt, tilt, 0), (0, 0, 0)),
        ((-tilt, tilt, turn), (0, 0, -shift)),
        ((tilt, -tilt, -turn), (0, 0, 0)),
    ]
    return [Transform.from_rpy(rpy, xyz) for rpy, xyz in steps]


def boards_over_image(
    start: Transform, camera: PinholeCamera, board: CharucoBoard, rng: np.random.Generator
) -> Iterator[Transform]:
    """Endless poses ``T_camera_board`` in view, tilted to all sides, spread over the image.

    Args:
        start: Pose in a view at hand, whose distance and turn the others are near to.
        camera: Intrinsics.
        board: What is seen.
        rng: Source of variety.
    """
    distance = float(start.apply(board.center)[2])
    x_axis = start.rotation[:, 0]
    turn = float(np.arctan2(x_axis[1], x_axis[0]))
    number = 0
    while True:
        pose = _board_at(number, distance, turn, camera, board, rng)
        number += 1
        if pose is not None:
            yield pose


def _board_at(
    number: int,
    distance: float,
    turn: float,
    camera: PinholeCamera,
    board: CharucoBoard,
    rng: np.random.Generator,
) -> Transform | None:
    """A pose whose middle is in a part of the image that is due, or nearer to the middle."""
    lean = np.radians(rng.uniform(*_TILT_DEG))
    side = number * _GOLDEN_RAD
    tilt = Rotation.from_rotvec(lean * np.array([np.cos(side), np.sin(side), 0.0]))
    about = turn + np.radians(rng.uniform(-_TURN_DEG, _TURN_DEG))
    rotation = (tilt * Rotation.from_rotvec([0.0, 0.0, about])).as_matrix()
    depth = distance * rng.uniform(*_DISTANCE)
    middle = np.array([camera.width, camera.height]) / 2.0
    part = np.array([number % _GRID, number // _GRID % _GRID])
    pixel = (part + rng.uniform(0.2, 0.8, 2)) / _GRID * (camera.width, camera.height)
    for _ in range(5):
        center = camera.rays(pixel) * depth
        pose = Transform.from_rotation(rotation, center - rotation @ board.center)
        if in_view(pose, camera, board):
            return pose
        pixel = (pixel + middle) / 2.0
    return None


def in_view(pose: Transform, camera: PinholeCamera, board: CharucoBoard) -> bool:
    """Whether a camera sees the whole of a board at ``T_camera_board``."""
    corners: NDArray[np.float64] = pose.apply(board.outline)
    if np.any(corners[:, 2] <= 0.0):
        return False
    pixels = camera.project(corners)
    size = np.array([camera.width, camera.height])
    return bool(np.all((pixels > _BORDER_PX) & (pixels < size - 1.0 - _BORDER_PX)))
