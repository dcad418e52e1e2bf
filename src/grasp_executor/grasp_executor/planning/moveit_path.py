"""Whether a path of move_group is what was asked for, and how it becomes a trajectory of ours.

move_group's codes are not enough: a failure may come with a path, a straight line that ends early
is a success, and a jump between two branches of the inverse kinematics becomes a motion once it
is timed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import PlanningFailed, Unreachable
from grasp_executor.interfaces import JointTrajectory, JointVector
from grasp_executor.planning.move_group import TimedPath

Path = NDArray[np.float64]

_START_RAD = 1e-3
_GOAL_RAD = 2e-3
_FEWEST_POINTS = 5


def arranged(path: TimedPath, joints: tuple[str, ...], start: JointVector) -> Path:
    """Positions in the order of our joints, with shape, numbers, times and start checked.

    Args:
        path: As it was sent.
        joints: Of the arm.
        start: Where it must begin, shape (J,), rad; the first point becomes exactly this.

    Returns:
        Shape (N, J), rad, N at least 2.

    Raises:
        PlanningFailed: It is too short, incomplete, not finite, or begins elsewhere.
    """
    count = len(path.times_s)
    if count < 2 or path.positions.shape != (count, len(path.joints)):
        raise PlanningFailed(f"move_group's path has {count} points, needs 2 with all joints")
    missing = [name for name in joints if name not in path.joints]
    if missing:
        raise PlanningFailed(f"move_group's path lacks the joints {', '.join(missing)}")
    positions = path.positions[:, [path.joints.index(name) for name in joints]]
    if not (np.isfinite(path.times_s).all() and np.isfinite(positions).all()):
        raise PlanningFailed("move_group's path holds numbers that are not finite")
    if not (np.diff(path.times_s) > 0.0).all():
        raise PlanningFailed(
            "the times of move_group's path do not increase: let its pipeline add "
            "AddTimeOptimalParameterization to response_adapters, and give acceleration limits"
        )
    off = float(np.abs(positions[0] - start).max())
    if off > _START_RAD:
        raise PlanningFailed(f"move_group's path begins {off:.4f} rad away from where the arm is")
    positions[0] = start
    return positions


def require_goal(positions: Path, goal: JointVector) -> None:
    """Refuse a path, shape (N, J), that ends elsewhere than at joint positions, shape (J,), rad.

    Raises:
        PlanningFailed: It does.
    """
    off = float(np.abs(positions[-1] - goal).max())
    if off > _GOAL_RAD:
        raise PlanningFailed(f"move_group's path ends {off:.4f} rad away from its goal")


def require_limits(
    joints: tuple[str, ...], positions: Path, lower: JointVector, upper: JointVector
) -> None:
    """Refuse positions, shape (N, J), that leave joint limits further than the first one does.

    Raises:
        PlanningFailed: They do.
    """
    lower = np.minimum(lower, positions[0]) - 1e-6
    upper = np.maximum(upper, positions[0]) + 1e-6
    outside = (positions < lower) | (positions > upper)
    if outside.any():
        row, column = (int(index) for index in np.argwhere(outside)[0])
        raise PlanningFailed(
            f"move_group's path has {joints[column]} at {positions[row, column]:.3f} rad, outside "
            f"its limits [{lower[column]:.3f}, {upper[column]:.3f}] rad"
        )


def thinned(positions: Path, travelled: Path, step: float) -> tuple[Path, Path]:
    """Points about one step apart, the ends among them, and how far along they are.

    Args:
        positions: Shape (N, J), rad.
        travelled: How far along each is, shape (N,), never decreasing.
        step: Least distance between two.
    """
    kept, last = [0], len(positions) - 1
    for index in range(1, last):
        far_enough = travelled[index] - travelled[kept[-1]] >= step
        if far_enough and travelled[last] - travelled[index] >= 0.5 * step:
            kept.append(index)
    kept.append(last)
    points, progress = positions[kept], travelled[kept]
    if len(kept) < _FEWEST_POINTS:  # too few for a spline: the way between them is straight
        fine = np.linspace(progress[0], progress[-1], _FEWEST_POINTS)
        columns = [np.interp(fine, progress, column) for column in points.T]
        return np.stack(columns, axis=1), fine
    return points, progress


def require_no_jump(points: Path, progress: Path, max_jump_rad: float) -> None:
    """Refuse a straight line in which a joint moves far within one step.

    Args:
        points: About one step apart, shape (N, J), rad.
        progress: Distance travelled at each, shape (N,), metres.
        max_jump_rad: Most that a joint may move between two.

    Raises:
        Unreachable: One does: the arm passes a singularity or changes branches.
    """
    jumps = np.abs(np.diff(points, axis=0))
    if float(jumps.max()) > max_jump_rad:
        row, column = np.unravel_index(int(jumps.argmax()), jumps.shape)
        raise Unreachable(
            f"joint {int(column) + 1} would move {float(jumps.max()):.2f} rad within one step at "
            f"{1e3 * float(progress[row]):.0f} mm of the straight line (at most {max_jump_rad} "
            "rad): the arm is close to a singularity there"
        )


def joint_travel(positions: Path) -> Path:
    """Distance in joint space travelled at each point of a path, shape (N,), rad."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(positions, axis=0), axis=1))])


def no_faster(trajectory: JointTrajectory, duration_s: float) -> JointTrajectory:
    """The trajectory, slowed down as a whole where it takes less than this."""
    factor = max(1.0, duration_s / trajectory.duration_s)
    return JointTrajectory(
        trajectory.joints,
        trajectory.times_s * factor,
        trajectory.positions,
        trajectory.velocities / factor,
        trajectory.accelerations / factor**2,
    )


def joined(first: JointTrajectory, second: JointTrajectory) -> JointTrajectory:
    """Two trajectories one after the other; the second begins where the first comes to rest."""
    return JointTrajectory(
        first.joints,
        np.concatenate([first.times_s, first.duration_s + second.times_s[1:]]),
        np.concatenate([first.positions, second.positions[1:]]),
        np.concatenate([first.velocities, second.velocities[1:]]),
        np.concatenate([first.accelerations, second.accelerations[1:]]),
    )
