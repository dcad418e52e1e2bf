"""Waiting for motions: one place that watches, cancels, stops and times out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from grasp_core.errors import (
    Cancelled,
    ClockError,
    GraspStackError,
    HardwareLost,
    TrajectoryAborted,
    TrajectoryRefused,
)
from grasp_executor.interfaces import (
    Arm,
    Clock,
    JointTrajectory,
    JointVector,
    Motion,
)
from grasp_executor.motion_gate import MotionGate
from grasp_executor.tracking import Patience

_REST_SPEED_RAD_S = 0.02
_STOP_TIMEOUT_S = 1.0
_ARM_SLACK_S = 2.0
_AT_GOAL_RAD = 0.05
_ARRIVAL_S = 0.5
_LEAST_PATIENCE_S = 2.0  # wall time

Watch = Callable[[], None]


def watch_nothing() -> None:
    """The watch of a motion that carries nothing."""


class Mover:
    """Runs motions to their end.

    Every wait ticks through the node clock; each tick checks for a cancel, for a protective stop,
    for fresh joint states and for whatever the caller watches. Anything wrong stops the arm before
    it is raised, and the same is checked before anything starts.

    Attributes:
        waited_s: Node time spent so far on confirmations, seconds.
    """

    def __init__(
        self,
        arm: Arm,
        clock: Clock,
        tick_s: float,
        cancelled: Callable[[], bool],
        check_stop: Callable[[], None] = watch_nothing,
        standstill_s: float = 60.0,
        gate: MotionGate | None = None,
    ) -> None:
        """Prepare.

        Args:
            arm: What moves.
            clock: Node time.
            tick_s: Period of watching, seconds.
            cancelled: Whether the client has lost interest.
            check_stop: Raises while the robot has stopped itself.
            standstill_s: Node time for which a controller may scale its speed to nothing.
            gate: What every motion passes before it starts; None lets all pass as they are.
        """
        self._arm = arm
        self._clock = clock
        self._tick_s = tick_s
        self._cancelled = cancelled
        self._check_stop = check_stop
        self._standstill_s = standstill_s
        self._gate = gate or MotionGate()
        self.waited_s = 0.0

    def follow(self, trajectory: JointTrajectory, watch: Watch = watch_nothing) -> None:
        """Follow a trajectory to its end, as fast as the gate allows.

        Raises:
            Cancelled, StaleJointStates, TrajectoryRefused, TrajectoryAborted, UnexpectedContact,
            HardwareLost, or what ``watch`` raises; the arm is at rest, or HardwareLost says that
            it may not be.
        """
        trajectory = self._gate.paced(trajectory)
        self._require_at_start(trajectory)
        self.check_start(watch)
        self._gate.show(trajectory)
        self.confirm(f"the arm moves for {trajectory.duration_s:.1f} s", watch)
        self._require_at_start(trajectory)
        limit = 1.5 * trajectory.duration_s + _ARM_SLACK_S
        motion = self._arm.start(trajectory)
        patience = Patience(motion, trajectory.duration_s, self._standstill_s, _ARM_SLACK_S)
        self.finish(motion, limit, "the arm", watch, patience=patience)
        # A controller without goal tolerances reports success wherever the arm was held up.
        deadline = self._clock.now_s() + _ARRIVAL_S
        while (off := self._farthest_off(trajectory, trajectory.goal)) is not None:
            if self._clock.now_s() > deadline:
                raise TrajectoryAborted(
                    f"the arm did not arrive, though its controller reports success: {off}"
                )
            self.tick(watch)

    def confirm(self, what: str, watch: Watch = watch_nothing) -> None:
        """Wait until an operator lets a motion begin, where one is asked.

        Args:
            what: Would move, a short phrase.
            watch: Called at every tick.

        Raises:
            Cancelled: By the client, or nobody has answered in time; and what ``tick`` raises.
        """
        began = self._clock.now_s()
        try:
            self._gate.wait_for_operator(what, self._clock.now_s, lambda: self.tick(watch))
        finally:
            self.waited_s += self._clock.now_s() - began

    def _require_at_start(self, trajectory: JointTrajectory) -> None:
        off = self._farthest_off(trajectory, trajectory.positions[0])
        if off is not None:
            raise TrajectoryRefused(f"the arm is not where its trajectory begins: {off}")

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

    def check_start(self, watch: Watch = watch_nothing) -> None:
        """What must be in order before any motion starts.

        Raises:
            Cancelled, ProtectiveStop, or what ``watch`` raises; nothing is moving.
        """
        if self._cancelled():
            raise Cancelled("cancelled by the client")
        self._check_stop()
        watch()

    def tick(self, watch: Watch = watch_nothing) -> None:
        """Let one period pass.

        Raises:
            Cancelled: The client cancelled.
            ProtectiveStop: The robot has stopped itself.
        """
        self._clock.sleep(self._tick_s)
        self.check_start(watch)

    def finish(
        self,
        motion: Motion,
        limit_s: float,
        what: str,
        watch: Watch,
        has_ended: Callable[[], bool] = lambda: False,
        patience: Patience | None = None,
    ) -> None:
        """Wait for a motion, and stop it if anything goes wrong.

        Args:
            motion: What was started.
            limit_s: Node time that it may take, seconds.
            what: Moves, in words.
            watch: Called at every tick.
            has_ended: Whether it is seen to have ended though it does not say so.
            patience: How long a controller that comes forward is waited for.

        Raises:
            Cancelled, ProtectiveStop, HardwareLost, what ``watch`` or the motion raise.
        """
        deadline, began = self._clock.now_s() + limit_s, time.monotonic()
        try:
            while not motion.done():
                if has_ended():
                    return
                self.tick(watch)
                self._arm.state()
                # In a fast simulation node time alone would blame slow answers on the hardware.
                late = time.monotonic() - began > _LEAST_PATIENCE_S
                now_s = self._clock.now_s()
                # A controller that comes forward is waited for, however much it stretches time.
                until_s = -math.inf if patience is None else patience.until_s(now_s)
                if late and now_s > (until_s if math.isfinite(until_s) else deadline):
                    silent = f"did not finish within {limit_s:.1f} s and reports nothing"
                    complaint = silent if patience is None else patience.complaint() or silent
                    raise HardwareLost(f"{what} {complaint}")
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
