"""From views to the camera's pose: closed solutions, refinement, outliers, errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_calibration.closed_form import METHODS, motions
from grasp_calibration.degeneracy import MIN_VIEWS, require_determined
from grasp_calibration.equations import Equations, Poses
from grasp_calibration.errors import CalibrationFailed
from grasp_calibration.view import View
from grasp_core.camera import PinholeCamera
from grasp_core.charuco_board import CharucoBoard

REFINED = "refined"
_DRAWS, _DRAWN = 30, 5
_OUTLIER_FACTOR = 3.0
_LEAST_OUTLIER_PX = 1.0
_MOST_OUTLIERS = 0.4
_ROUNDS = 5
_FOLDS = 5
_MOST_MM, _MOST_DEG = 10.0, 2.0
_CURE = (
    "check the board's size, that it does not slip, and that the frames named are the ones that "
    "move"
)


@dataclass(frozen=True)
class Rejected:
    """A view that was left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Errors:
    """How far the boards of some views are from where they must be, root mean squares."""

    mm: float
    deg: float
    px: float


@dataclass(frozen=True, eq=False)
class Calibration:
    """The camera's pose, and how well the views agree on it.

    Attributes:
        mount: ``fixed`` or ``hand``.
        poses: Camera and board.
        views: Views that were used.
        rejected: Views that were not.
        errors: What the refined poses leave over, in the views that were used.
        held_out: The same in views that were left out of the solution in turn.
        by_method: Errors of each closed solution, same views, for comparison.
    """

    mount: str
    poses: Poses
    views: tuple[View, ...]
    rejected: tuple[Rejected, ...]
    errors: Errors
    held_out: Errors
    by_method: dict[str, Errors]


def calibrate(
    views: Sequence[View], camera: PinholeCamera, board: CharucoBoard, mount: str
) -> Calibration:
    """Find the camera.

    Args:
        views: Six or more, the hand turned about two axes at least.
        camera: Intrinsics of their images.
        board: What they show.
        mount: ``fixed`` or ``hand``.

    Raises:
        DegenerateViews: The views do not determine the pose; says what is missing.
        CalibrationFailed: Too many of them contradict the others.
    """
    require_determined([view.carrier(mount) for view in views])
    poses, keep = _without_outliers(Equations(views, camera, mount))
    used = [view for view, kept in zip(views, keep, strict=True) if kept]
    equations = Equations(used, camera, mount)
    require_determined(equations.carriers)
    errors = _errors(equations, poses, board)
    if errors.mm > _MOST_MM or errors.deg > _MOST_DEG:
        raise CalibrationFailed(
            f"the views contradict one another by {errors.mm:.1f} mm and {errors.deg:.1f} deg, "
            f"bounds are {_MOST_MM:g} mm and {_MOST_DEG:g} deg: {_CURE}"
        )
    pixels = Equations(views, camera, mount).view_errors_px(poses)
    median = float(np.median(pixels[keep]))
    rejected = tuple(
        Rejected(
            view.name,
            f"its corners are off by {error:.1f} px, the median is {median:.2f} px: moved while "
            "it was taken, or the robot was not where it said",
        )
        for view, error, kept in zip(views, pixels, keep, strict=True)
        if not kept
    )
    return Calibration(
        mount,
        poses,
        tuple(used),
        rejected,
        errors,
        _held_out(used, camera, board, mount),
        {name: _errors(equations, found, board) for name, found in _closed(equations).items()},
    )


def rough(views: Sequence[View], camera: PinholeCamera, mount: str) -> Poses:
    """A first estimate from few views, good enough to choose the next ones by.

    Raises:
        DegenerateViews: The views do not determine the pose; says what is missing.
    """
    equations = Equations(views, camera, mount)
    require_determined(equations.carriers)
    return equations.refined(_best_start(equations))


def _without_outliers(equations: Equations) -> tuple[Poses, NDArray[np.bool_]]:
    """The refined poses, and which views they rest on."""
    count = len(equations.views)
    poses = equations.refined(_best_start(equations))
    keep = np.ones(count, dtype=np.bool_)
    for _ in range(_ROUNDS):
        errors = equations.view_errors_px(poses)
        limit = max(_OUTLIER_FACTOR * float(np.median(errors)), _LEAST_OUTLIER_PX)
        before, keep = keep, errors <= limit
        if (~keep).sum() > _MOST_OUTLIERS * count or keep.sum() < MIN_VIEWS:
            raise CalibrationFailed(
                f"{int((~keep).sum())} of {count} views contradict the others (median error "
                f"{float(np.median(errors)):.1f} px): {_CURE}"
            )
        if np.array_equal(before, keep):
            break
        used = [view for view, kept in zip(equations.views, keep, strict=True) if kept]
        poses = equations.of(used).refined(poses)
    return poses, keep


def _closed(equations: Equations, names: Sequence[str] = tuple(METHODS)) -> dict[str, Poses]:
    """What closed methods say of all views."""
    pairs = motions(equations.carriers, [view.image.T_camera_board for view in equations.views])
    found = {}
    for name in names:
        camera = METHODS[name](pairs)
        found[name] = Poses(camera, equations.board_of(camera))
    return found


def _best_start(equations: Equations) -> Poses:
    """The closed solution, of all views or of a few, that most views agree with."""
    options = list(_closed(equations).values())
    rng = np.random.default_rng(0)
    boards = [view.image.T_camera_board for view in equations.views]
    for _ in range(_DRAWS if len(boards) > _DRAWN else 0):
        drawn = rng.choice(len(boards), _DRAWN, replace=False)
        pairs = motions([equations.carriers[i] for i in drawn], [boards[i] for i in drawn])
        if len(pairs.hand) < 2:
            continue
        camera = METHODS["park"](pairs)
        options.append(Poses(camera, equations.board_of(camera)))
    return min(options, key=lambda poses: float(np.median(equations.view_errors_px(poses))))


def _errors(equations: Equations, poses: Poses, board: CharucoBoard) -> Errors:
    offsets, angles = equations.view_errors(poses, board.center)
    return Errors(
        1e3 * _rms(offsets), float(np.degrees(_rms(angles))), _rms(equations.view_errors_px(poses))
    )


def _held_out(
    views: Sequence[View], camera: PinholeCamera, board: CharucoBoard, mount: str
) -> Errors:
    """Errors in views that the solution has not seen, in turn."""
    offsets, angles, pixels = [], [], []
    folds = min(_FOLDS, len(views))
    for fold in range(folds):
        seen = [view for index, view in enumerate(views) if index % folds != fold]
        others = Equations(seen, camera, mount)
        poses = others.refined(_closed(others, ("park",))["park"])
        unseen = Equations(views[fold::folds], camera, mount)
        found = unseen.view_errors(poses, board.center)
        offsets += found[0].tolist()
        angles += found[1].tolist()
        pixels += unseen.view_errors_px(poses).tolist()
    return Errors(1e3 * _rms(offsets), float(np.degrees(_rms(angles))), _rms(pixels))


def _rms(values: Sequence[float] | NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
