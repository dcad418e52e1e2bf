"""The calibration board in the world: a printed plate on the table, or between the fingers.

It is drawn, and nothing collides with it: where it is held, the hand carries it without a grip.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
import pybullet

from grasp_core.charuco_board import CharucoBoard
from grasp_core.transform import Transform
from grasp_sim.config import BOARD_ON_HAND, SimConfig
from grasp_sim.world import World

_TEXTURE_PX_PER_SQUARE = 96  # with the margin's quarter of one: EGL takes rows of whole words
_MARGIN = 0.25  # white around the pattern, share of a square
_ABOVE_TABLE_M = 0.002
_BEYOND_FINGERS_M = 0.02

# Square to square, from a corner of the plate: x, y, z and u, v; v counts upwards.
_PLATE = """\
mtllib plate.mtl
v {x0} {y0} 0
v {x1} {y0} 0
v {x1} {y1} 0
v {x0} {y1} 0
vt 0 1
vt 1 1
vt 1 0
vt 0 0
vn 0 0 -1
usemtl plate
f 1/1/1 3/3/1 2/2/1
f 1/1/1 4/4/1 3/3/1
"""
_MATERIAL = "newmtl plate\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nmap_Kd plate.png\n"


def board_pose(config: SimConfig, board: CharucoBoard) -> Transform:
    """Where the board is: ``T_base_board`` on the table, ``T_tcp_board`` on the hand.

    On the hand, the fingers hold the middle of its upper edge: it lies in the hand's x and z.
    """
    turn = np.radians(config.board_rpy_deg)
    if config.board == BOARD_ON_HAND:
        flat = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
        middle = np.array([0.0, 0.0, _BEYOND_FINGERS_M + board.size_m[1] / 2.0])
    else:
        flat = np.diag([1.0, -1.0, -1.0])
        x, y, _ = config.in_cell().camera_target
        middle = np.array([x, y, _ABOVE_TABLE_M])
    rotation = Transform.from_rpy(turn).rotation @ flat
    shifted = middle + config.board_xyz_m
    return Transform.from_rotation(rotation, shifted - rotation @ board.center)


class SimBoard:
    """The board in a world that was just built."""

    def __init__(self, world: World, config: SimConfig, board: CharucoBoard) -> None:
        self._world = world
        self._link = world.robot.arm.tcp_frame if config.board == BOARD_ON_HAND else ""
        self.T_parent_board = board_pose(config, board)
        with tempfile.TemporaryDirectory() as folder:
            self._body = _plate(world, board, Path(folder))
        self.place()

    def pose(self) -> Transform:
        """``T_base_board`` now."""
        if not self._link:
            return self.T_parent_board
        return self._world.link_pose(self._link) @ self.T_parent_board

    def place(self) -> None:
        """Put it where it is now, before an image is drawn."""
        pose = self.pose()
        self._world.client.resetBasePositionAndOrientation(
            self._body, pose.translation.tolist(), pose.quaternion.tolist()
        )


def _plate(world: World, board: CharucoBoard, folder: Path) -> int:
    p = world.client
    margin_m = _MARGIN * board.square_m
    x1, y1 = (side + margin_m for side in board.size_m)
    shape = _PLATE.format(x0=-margin_m, y0=-margin_m, x1=x1, y1=y1)
    (folder / "plate.obj").write_text(shape, encoding="utf-8")
    (folder / "plate.mtl").write_text(_MATERIAL, encoding="utf-8")
    picture = board.picture(_TEXTURE_PX_PER_SQUARE / board.square_m, margin_m)
    cv2.imwrite(str(folder / "plate.png"), np.dstack([picture] * 3))
    visual = p.createVisualShape(
        pybullet.GEOM_MESH, fileName=str(folder / "plate.obj"), specularColor=(0, 0, 0)
    )
    body = p.createMultiBody(0.0, -1, visual)
    return int(body)
