"""What the views say together: residuals of ``A @ X @ T_camera_board = Z``, and their refinement.

The closed solutions minimise algebra. The refinement minimises what is measured: the distance, in
pixels, between every corner in every view and where the two poses put it. X and Z together are
what Tabb & Ahmad Yousef, Machine Vision and Applications 28, 2017, call the second class of
robot-world, hand-eye methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from grasp_calibration.view import View
from grasp_core.camera import PinholeCamera
from grasp_core.transform import Transform

_NEAR_M = 1e-3
_ROBUST_PX = 1.0


@dataclass(frozen=True, eq=False)
class Poses:
    """The two unknown poses; see :meth:`grasp_calibration.view.View.carrier`.

    Attributes:
        camera: X, of the camera: ``T_base_camera`` or ``T_hand_camera``.
        board: Z, of the board: ``T_hand_board`` or ``T_base_board``.
    """

    camera: Transform
    board: Transform

    def T_camera_board(self, carrier: Transform) -> Transform:
        """Where the board must be in a view."""
        return (carrier @ self.camera).inverse() @ self.board


class Equations:
    """All views of one calibration."""

    def __init__(self, views: Sequence[View], camera: PinholeCamera, mount: str) -> None:
        self.views = tuple(views)
        self.camera = camera
        self._mount = mount
        self.carriers = tuple(view.carrier(mount) for view in views)
        inverses = [carrier.inverse() for carrier in self.carriers]
        counts = [len(view.image.points) for view in views]
        self._owner = np.repeat(np.arange(len(views)), counts)
        self._rotations = np.array([one.rotation for one in inverses])[self._owner]
        self._offsets = np.array([one.translation for one in inverses])[self._owner]
        self._points = np.concatenate([view.image.points for view in views])
        self._pixels = np.concatenate([view.image.pixels for view in views])

    def of(self, views: Sequence[View]) -> Equations:
        """The equations of some of the views alone."""
        return Equations(views, self.camera, self._mount)

    def board_of(self, camera: Transform) -> Transform:
        """Z that agrees best with an X: the mean over the views."""
        found = [
            carrier @ camera @ view.image.T_camera_board
            for carrier, view in zip(self.carriers, self.views, strict=True)
        ]
        rotation = Rotation.from_matrix(np.array([one.rotation for one in found])).mean()
        # Of the positions the median: one bad view must not carry the mean away.
        offset = np.median([one.translation for one in found], axis=0)
        return Transform.from_rotation(rotation.as_matrix(), offset)

    def offsets_px(self, poses: Poses) -> NDArray[np.float64]:
        """Where corners would be, less where they are, shape (N, 2), pixels."""
        on_base = poses.board.apply(self._points)
        on_carrier = np.einsum("nij,nj->ni", self._rotations, on_base) + self._offsets
        seen = poses.camera.inverse().apply(on_carrier)
        seen[:, 2] = np.maximum(seen[:, 2], _NEAR_M)
        return self.camera.project(seen) - self._pixels

    def view_errors_px(self, poses: Poses) -> NDArray[np.float64]:
        """Root mean square error of each view, pixels."""
        squares = np.sum(self.offsets_px(poses) ** 2, axis=1)
        count = np.bincount(self._owner, minlength=len(self.views))
        return np.sqrt(np.bincount(self._owner, squares, len(self.views)) / count)

    def view_errors(
        self, poses: Poses, center: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How far the board of each view is from where it must be: metres at its centre, rad."""
        offsets, angles = [], []
        for carrier, view in zip(self.carriers, self.views, strict=True):
            must = poses.T_camera_board(carrier)
            seen = view.image.T_camera_board
            offsets.append(float(np.linalg.norm(must.apply(center) - seen.apply(center))))
            angles.append(must.distance_to(seen)[1])
        return np.array(offsets), np.array(angles)

    def refined(self, start: Poses) -> Poses:
        """The poses of least reprojection error, far corners counting less than their square."""

        def poses_of(values: NDArray[np.float64]) -> Poses:
            return Poses(_moved(start.camera, values[:6]), _moved(start.board, values[6:]))

        found = least_squares(
            lambda values: self.offsets_px(poses_of(values)).ravel(),
            np.zeros(12),
            loss="soft_l1",
            f_scale=_ROBUST_PX,
            x_scale=np.tile([0.01, 0.01, 0.01, 0.01, 0.01, 0.01], 2),
            method="trf",
        )
        return poses_of(found.x)


def _moved(pose: Transform, values: NDArray[np.float64]) -> Transform:
    turn = Rotation.from_rotvec(values[:3]).as_matrix()
    return Transform.from_rotation(turn @ pose.rotation, pose.translation + values[3:])
