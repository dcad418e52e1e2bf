"""Waiting for motions: one place that watches, cancels, stops and times out."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from grasp_core.errors import (
    Cancelled,
    ClockError,
    GraspStackError,
    GripperFailed,
    HardwareLost,
    TrajectoryAborted,
    TrajectoryRefused,
)
from grasp_executor.interfaces import (
    Arm,
    Clock,
    Gripper,
    GripperState,
    JointTrajectory,
    JointVector,
    Motion,
)

_REST_SPEED_RAD_S = 0.02
_STOP_TIMEOUT_S = 1.0
_GRIPPER_TIMEOUT_S = 5.0
_ARM_SLACK_S = 2.0
_AT_GOAL_RAD = 0.05
_ARRIVAL_S = 0.5
_LEAST_PATIENCE_S = 2.0  # wall time
OPEN_TOLERANCE_M = 0.004  # an opening this much short of the command counts as reached

Watch = Callable[[], None]


def watch_nothing() -> None:
    """The watch of a motion that carries nothing."""


class Mover:
    """Runs motions to their end.

    Every wait ticks through the node clock; each tick checks for a cancel, for fresh joint
    states and for whatever the caller watches. Anything wrong stops the arm before it is raised.
    """

    def __init__(
        self,
        arm: Arm,
        gripper: Gripper,
        clock: Clock,
        tick_s: float,
        cancelled: Callable[[], bool],
    ) -> None:
        self._arm = arm
        self._gripper = gripper
        self._clock = clock
        self._tick_s = tick_s
        self._cancelled = cancelled

    def follow(self, trajectory: JointTrajectory, watch: Watch = watch_nothing) -> None:
        """Follow a trajectory to its end.

        Raises:
            Cancelled, StaleJointStates, TrajectoryRefused, TrajectoryAborted, UnexpectedContact,
            HardwareLost, or what ``watch`` raises; the arm is at rest, or HardwareLost says that
            it may not be.
        """
        off = self._farthest_off(trajectory, trajectory.positions[0])
        if off is not None:
            raise TrajectoryRefused(f"the arm is not where its trajectory begins: {off}")
        limit = 1.5 * trajectory.duration_s + _ARM_SLACK_S
        self._finish(self._arm.start(trajectory), limit, "the arm", watch)
        # A controller without goal tolerances reports success wherever the arm was held up.
        deadline = self._clock.now_s() + _ARRIVAL_S
        while (off := self._farthest_off(trajectory, trajectory.goal)) is not None:
            if self._clock.now_s() > deadline:
                raise TrajectoryAborted(
                    f"the arm did not arrive, though its controller reports success: {off}"
                )
            self.tick(watch)

    def _farthest_off(self, trajectory: JointTrajectory, target: JointVector) -> str | None:
        """The joint that is farthest from where it should be, in words; None if none is far."""
        off = self._arm.state().positions - target
        worst = int(np.abs(off).argmax())
        if abs(off[worst]) <= _AT_GOAL_RAD:
            return None
        return f"{trajectory.joints[worst]} is off by {off[worst]:+.2f} rad"

    def settle(self, duration_s: float, watch: Watch = watch_nothing) -> None:
        """Wait until the arm has been at rest for a time, seconds.

        Raises:
            TrajectoryAborted: The arm does not come to rest.
        """
        now = self._clock.now_s()
        rest_since, deadline = now, now + duration_s + _ARM_SLACK_S
        while now - rest_since < duration_s:
            self.tick(watch)
            now = self._clock.now_s()
            if not self.at_rest():
                rest_since = now
            if now > deadline:
                raise TrajectoryAborted("the arm does not come to rest after its trajectory")

    def at_rest(self) -> bool:
        """Whether no joint moves."""
        return bool(np.abs(self._arm.state().velocities).max() <= _REST_SPEED_RAD_S)

    def open(self, gap_m: float, force_n: float) -> None:
        """Open the jaws to a gap.

        Raises:
            GripperFailed: They stopped short of it.
        """
        self._finish(
            self._gripper.start(gap_m, force_n), _GRIPPER_TIMEOUT_S, "the gripper", watch_nothing
        )
        reached = self.fresh_gripper_state().gap_m
        if reached < gap_m - OPEN_TOLERANCE_M:
            raise GripperFailed(
                f"the jaws opened to {reached * 1000:.1f} mm instead of {gap_m * 1000:.1f} mm: "
                "something blocks them"
            )

    def close(self, force_n: float) -> None:
        """Close the jaws until they stall or meet."""
        self._finish(
            self._gripper.start(0.0, force_n), _GRIPPER_TIMEOUT_S, "the gripper", watch_nothing
        )

    def tick(self, watch: Watch = watch_nothing) -> None:
        """Let one period pass.

        Raises:
            Cancelled: The client cancelled; nothing is moving.
        """
        self._clock.sleep(self._tick_s)
        if self._cancelled():
            raise Cancelled("cancelled by the client")
        watch()

    def fresh_gripper_state(self) -> GripperState:
        """A gripper state measured after now."""
        now = self._clock.now_s()
        while (state := self._gripper.state()).stamp_s < now:
            self._clock.sleep(self._tick_s)
        return state

    def _finish(self, motion: Motion, limit_s: float, what: str, watch: Watch) -> None:
        deadline, began = self._clock.now_s() + limit_s, time.monotonic()
        try:
            while not motion.done():
                self.tick(watch)
                self._arm.state()
                # In a fast simulation node time alone would blame slow answers on the hardware.
                late = time.monotonic() - began > _LEAST_PATIENCE_S
                if late and self._clock.now_s() > deadline:
                    raise HardwareLost(
                        f"{what} did not finish within {limit_s:.1f} s and reports nothing"
                    )
            motion.check()
        except BaseException as first:
            # Whatever it was, the arm must not go on unwatched.
            if not self._stop(motion) and isinstance(first, GraspStackError):
                raise HardwareLost(
                    f"{first}; and {what} does not confirm that it has stopped: it may still move"
                ) from first
            raise

    def _stop(self, motion: Motion) -> bool:
        """Cancel a motion and give it time to come to rest; whether it has."""
        try:
            motion.cancel()
            deadline, began = self._clock.now_s() + _STOP_TIMEOUT_S, time.monotonic()
            while not motion.done():
                late = time.monotonic() - began > _LEAST_PATIENCE_S
                if late and self._clock.now_s() > deadline:
                    return False
                self._clock.sleep(self._tick_s)
            motion.check()
        except (ClockError, HardwareLost):
            return False
        except GraspStackError:
            pass  # it ended, if badly: the first failure is being raised and says more
        return True
