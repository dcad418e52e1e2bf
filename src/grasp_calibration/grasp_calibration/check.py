"""How far off a calibration is, measured with the board, whose place on its carrier is fixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_calibration.equations import Equations, Poses
from grasp_calibration.solve import Calibration
from grasp_calibration.view import View
from grasp_core.camera import PinholeCamera
from grasp_core.cell import Cell
from grasp_core.charuco_board import CharucoBoard
from grasp_core.robot import CAMERA_ON_HAND
from grasp_core.transform import Transform

_STEPS = (5, 5, 3)


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes:
        board_mm: How far the board seems to wander on its carrier, 95th percentile over the views.
        board_deg: The same of its orientation.
        workspace_mm: How far points of the workspace move from the calibration to what these
            views say, 95th percentile.
        workspace_deg: The turn between the two.
    """

    board_mm: float
    board_deg: float
    workspace_mm: float
    workspace_deg: float

    @property
    def worst_mm(self) -> float:
        """What is held against the bound."""
        return max(self.board_mm, self.workspace_mm)


def check(
    present: Transform, fresh: Calibration, camera: PinholeCamera, board: CharucoBoard, cell: Cell
) -> CheckResult:
    """Compare a calibration with views of the board.

    Args:
        present: ``T_base_camera`` or ``T_hand_camera`` that is to be checked.
        fresh: What the views say by themselves.
        camera: Intrinsics of their images.
        board: What they show.
        cell: Whose workspace counts.
    """
    equations = Equations(fresh.views, camera, fresh.mount)
    poses = Poses(present, equations.board_of(present))
    offsets, angles = equations.view_errors(poses, board.center)
    errors = np.concatenate(
        [
            point_errors_m(fresh.poses.camera, present, T_base_parent, workspace_points(cell))
            for T_base_parent in _parents(fresh.views, fresh.mount)
        ]
    )
    return CheckResult(
        1e3 * float(np.percentile(offsets, 95)),
        float(np.degrees(np.percentile(angles, 95))),
        1e3 * float(np.percentile(errors, 95)),
        float(np.degrees(present.distance_to(fresh.poses.camera)[1])),
    )


def _parents(views: Sequence[View], mount: str) -> list[Transform]:
    """Where the frame that carries the camera was."""
    if mount == CAMERA_ON_HAND:
        return [view.T_base_hand for view in views]
    return [Transform.identity()]


def workspace_points(cell: Cell) -> NDArray[np.float64]:
    """A grid of points from the support to the top of the workspace, shape (N, 3), metres."""
    low, high = np.array(cell.workspace_min), np.array(cell.workspace_max)
    low[2] = max(low[2], cell.support_z_m)
    axes = [np.linspace(a, b, n) for a, b, n in zip(low, high, _STEPS, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def point_errors_m(
    true: Transform, believed: Transform, T_base_parent: Transform, points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far off points are that a camera sees exactly and a calibration places.

    Args:
        true: ``T_parent_camera`` as it is.
        believed: ``T_parent_camera`` as it is taken to be.
        T_base_parent: Where the camera's carrier is; the identity for a fixed camera.
        points: Shape (N, 3), metres, base frame.
    """
    seen = (T_base_parent @ true).inverse().apply(points)
    return np.linalg.norm((T_base_parent @ believed).apply(seen) - points, axis=1)
