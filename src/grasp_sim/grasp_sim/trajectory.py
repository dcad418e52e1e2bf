"""Following joint trajectories as ros2_control's joint_trajectory_controller does; no physics."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasp_core.errors import TrajectoryRefused
from grasp_core.robot import ArmProfile

Vector = NDArray[np.float64]

_END_SPEED_RAD_S = 1e-3
_LIMIT_SLACK_RAD = 1e-4
_SCALING_PER_S = 5.0  # how fast the speed scaling changes: from full speed to rest in 0.2 s


class ErrorCode(enum.IntEnum):
    """Equal to the constants of control_msgs/action/FollowJointTrajectory."""

    SUCCESSFUL = 0
    INVALID_GOAL = -1
    INVALID_JOINTS = -2
    OLD_HEADER_TIMESTAMP = -3
    PATH_TOLERANCE_VIOLATED = -4
    GOAL_TOLERANCE_VIOLATED = -5


class InvalidTrajectory(TrajectoryRefused):
    """A trajectory that no controller would accept; says why and with which error code."""

    def __init__(self, error_code: ErrorCode, reason: str) -> None:
        super().__init__(reason)
        self.error_code = error_code


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A checked trajectory in the arm's joint order, from time 0.

    Attributes:
        times_s: Shape (N,), increasing.
        positions: Shape (N, J), rad.
        velocities: Shape (N, J), rad/s; None for straight interpolation.
        accelerations: Shape (N, J), rad/s^2; None for cubic interpolation.
    """

    times_s: Vector
    positions: Vector
    velocities: Vector | None
    accelerations: Vector | None

    def sample(self, time_s: float) -> tuple[Vector, Vector]:
        """Positions, rad, and velocities, rad/s, at a time, each of shape (J,)."""
        times = self.times_s
        if time_s >= times[-1]:
            return self.positions[-1], np.zeros(self.positions.shape[1])
        k = max(int(np.searchsorted(times, time_s, side="right")) - 1, 0)
        span, since = times[k + 1] - times[k], max(time_s - times[k], 0.0)
        coefficients = self._polynomial(k, span)
        powers = since ** np.arange(len(coefficients))
        slopes = np.arange(1, len(coefficients)) * powers[:-1]
        return powers @ coefficients, slopes @ coefficients[1:]

    def _polynomial(self, k: int, span: float) -> Vector:
        """Coefficients by power, shape (2, 4 or 6; J), of one segment."""
        p0, p1 = self.positions[k], self.positions[k + 1]
        if self.velocities is None:
            return np.stack([p0, (p1 - p0) / span])
        v0, v1 = self.velocities[k], self.velocities[k + 1]
        if self.accelerations is None:
            a = (3.0 * (p1 - p0) / span - 2.0 * v0 - v1) / span
            b = (2.0 * (p0 - p1) / span + v0 + v1) / span**2
            return np.stack([p0, v0, a, b])
        a0, a1 = self.accelerations[k], self.accelerations[k + 1]
        d = p1 - p0
        c3 = (20 * d - (8 * v1 + 12 * v0) * span - (3 * a0 - a1) * span**2) / (2 * span**3)
        c4 = (-30 * d + (14 * v1 + 16 * v0) * span + (3 * a0 - 2 * a1) * span**2) / (2 * span**4)
        c5 = (12 * d - 6 * (v1 + v0) * span - (a0 - a1) * span**2) / (2 * span**5)
        return np.stack([p0, v0, a0 / 2, c3, c4, c5])


def check_trajectory(
    arm: ArmProfile,
    joints: Sequence[str],
    times_s: ArrayLike,
    positions: Sequence[Sequence[float]],
    velocities: Sequence[Sequence[float]],
    accelerations: Sequence[Sequence[float]],
    *,
    current: Vector,
    start_tolerance_rad: float,
) -> Trajectory:
    """Check a trajectory as a controller does on acceptance.

    Args:
        arm: Joints and limits.
        joints: Joint names in the order of the values.
        times_s: Shape (N,), time from start of each point.
        positions: N rows, rad.
        velocities: N rows, rad/s; all empty for none.
        accelerations: N rows, rad/s^2; all empty for none.
        current: Where the arm is, shape (J,), rad.
        start_tolerance_rad: Largest distance of a first point at time 0 from ``current``.

    Raises:
        InvalidTrajectory: Anything is wrong; names the value.
    """
    if sorted(joints) != sorted(arm.joints):
        raise InvalidTrajectory(
            ErrorCode.INVALID_JOINTS,
            f"joints are {', '.join(joints) or 'none'}; must be {', '.join(arm.joints)}",
        )
    order = [list(joints).index(name) for name in arm.joints]
    times = np.asarray(times_s, dtype=np.float64)
    if times.size == 0:
        raise _invalid("the trajectory has no points")
    place = _matrix("positions", positions, times.size, order)
    speed = _optional_matrix("velocities", velocities, times.size, order)
    rate = _optional_matrix("accelerations", accelerations, times.size, order)
    if not np.all(np.isfinite(times)) or times[0] < 0.0 or np.any(np.diff(times) <= 0.0):
        raise _invalid("times must be finite, not negative and strictly increasing")
    low, high = np.array(arm.lower), np.array(arm.upper)
    outside = (place < low - _LIMIT_SLACK_RAD) | (place > high + _LIMIT_SLACK_RAD)
    if outside.any():
        point, joint = np.argwhere(outside)[0]
        raise _invalid(
            f"{arm.joints[joint]} is {place[point, joint]:.4f} rad at point {point}; its limits "
            f"are [{low[joint]}, {high[joint]}]"
        )
    if speed is not None and np.abs(speed[-1]).max() > _END_SPEED_RAD_S:
        raise _invalid(f"the last point moves at up to {np.abs(speed[-1]).max():.3f} rad/s")
    if times[0] > 0.0:
        times, place = np.insert(times, 0, 0.0), np.vstack([current, place])
        still = np.zeros((1, len(current)))
        speed = None if speed is None else np.vstack([still, speed])
        rate = None if rate is None else np.vstack([still, rate])
    away = float(np.abs(place[0] - current).max())
    if away > start_tolerance_rad:
        raise _invalid(
            f"the first point is {away:.3f} rad away from the arm; {start_tolerance_rad} are "
            "allowed"
        )
    return Trajectory(times, place, speed, rate if speed is not None else None)


def _invalid(reason: str) -> InvalidTrajectory:
    return InvalidTrajectory(ErrorCode.INVALID_GOAL, reason)


def _matrix(
    name: str, rows: Sequence[Sequence[float]], count: int, order: Sequence[int]
) -> Vector:
    lengths = {len(row) for row in rows}
    if len(rows) != count or lengths != {len(order)}:
        raise _invalid(f"{name} need {len(order)} values at each of {count} points")
    values = np.array([list(row) for row in rows], dtype=np.float64)[:, order]
    if not np.all(np.isfinite(values)):
        raise _invalid(f"{name} hold a value that is not finite")
    return values


def _optional_matrix(
    name: str, rows: Sequence[Sequence[float]], count: int, order: Sequence[int]
) -> Vector | None:
    return _matrix(name, rows, count, order) if any(len(row) for row in rows) else None


class Status(enum.Enum):
    """State of a goal."""

    IDLE = "idle"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    ABORTED = "aborted"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Tolerances:
    """Joint errors a goal allows; 0 is no limit.

    Attributes:
        path_rad: On the way.
        goal_rad: At the end.
        goal_time_s: Time beyond the last point to reach ``goal_rad``.
    """

    path_rad: float
    goal_rad: float
    goal_time_s: float


@dataclass
class Goal:
    """A trajectory being followed; its status is read by whoever sent it.

    Attributes:
        trajectory: Where it leads.
        tolerances: Errors allowed.
        start_s: Simulation time at which it began.
        status: How it stands.
        error_code: Why it was aborted.
        error_text: The same in words.
        desired: The newest set point, shape (J,), rad.
        steps: How far along it is, in steps of its own time, which speed scaling stretches.
    """

    trajectory: Trajectory
    tolerances: Tolerances
    start_s: float
    status: Status = Status.RUNNING
    error_code: ErrorCode = ErrorCode.SUCCESSFUL
    error_text: str = ""
    desired: Vector = field(default_factory=lambda: np.zeros(0))
    steps: float = 0.0

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.status is not Status.RUNNING


class TrajectoryFollower:
    """Turns the running goal into a set point for every step.

    Attributes:
        wanted_scaling: Share of its speed at which a trajectory is to be followed, [0, 1]: at 0.1
            it takes ten times as long, at 0 the arm stands still on its way.
    """

    def __init__(self, arm: ArmProfile, rest: Vector) -> None:
        self._joints = arm.joints
        self._deceleration = np.array(arm.acceleration)
        self._goal: Goal | None = None
        self._set_point = np.array(rest, dtype=np.float64)
        self._velocity = np.zeros_like(self._set_point)
        self._scaling = self.wanted_scaling = 1.0

    @property
    def goal(self) -> Goal | None:
        """The running goal, if any."""
        return self._goal

    def start(self, trajectory: Trajectory, tolerances: Tolerances, now_s: float) -> Goal:
        """Follow a trajectory from now on; a running one is replaced."""
        self.cancel("replaced by a newer goal")
        self._goal = Goal(trajectory, tolerances, now_s)
        return self._goal

    def cancel(self, reason: str = "cancelled") -> None:
        """Leave the trajectory and come to rest at the arm's deceleration limits."""
        if self._goal is not None:
            self._goal.status, self._goal.error_text = Status.CANCELLED, reason
            self._goal = None

    def step(self, measured: Vector, period_s: float) -> tuple[Vector, Vector]:
        """Set point of the next step.

        Args:
            measured: Joint positions, shape (J,), rad.
            period_s: Length of a step.

        Returns:
            Desired positions, rad, and velocities, rad/s.
        """
        goal = self._goal
        if goal is None:
            return self._come_to_rest(period_s)
        # Whole steps, so that the same motion at another time is the same to the last bit.
        elapsed = goal.steps * period_s
        self._set_point, velocity = goal.trajectory.sample(elapsed)
        change, most = self.wanted_scaling - self._scaling, _SCALING_PER_S * period_s
        self._scaling += min(max(change, -most), most)
        self._velocity = velocity * self._scaling
        goal.desired = self._set_point
        goal.steps += self._scaling
        self._judge(goal, elapsed, measured)
        return self._set_point, self._velocity

    def _come_to_rest(self, period_s: float) -> tuple[Vector, Vector]:
        reduced = np.maximum(np.abs(self._velocity) - self._deceleration * period_s, 0.0)
        velocity = np.sign(self._velocity) * reduced
        self._set_point = self._set_point + 0.5 * (self._velocity + velocity) * period_s
        self._velocity = velocity
        return self._set_point, self._velocity

    def _judge(self, goal: Goal, elapsed: float, measured: Vector) -> None:
        error = np.abs(measured - self._set_point)
        worst, tolerances = int(error.argmax()), goal.tolerances
        late = elapsed - goal.trajectory.times_s[-1]
        if late < 0.0:
            if 0.0 < tolerances.path_rad < error[worst]:
                self._abort(goal, ErrorCode.PATH_TOLERANCE_VIOLATED, worst, error, measured)
        elif tolerances.goal_rad <= 0.0 or error[worst] <= tolerances.goal_rad:
            goal.status = Status.SUCCEEDED
            self._goal = None
        elif late > tolerances.goal_time_s:
            self._abort(goal, ErrorCode.GOAL_TOLERANCE_VIOLATED, worst, error, measured)

    def _abort(
        self, goal: Goal, code: ErrorCode, joint: int, error: Vector, measured: Vector
    ) -> None:
        goal.status, goal.error_code = Status.ABORTED, code
        goal.error_text = f"{self._joints[joint]} is {error[joint]:.3f} rad off its set point"
        self._goal = None
        # Stop where the arm is, not where it should have been: something is in the way.
        self._set_point, self._velocity = measured.copy(), np.zeros_like(measured)
