"""Opening and closing the jaws: the measured gap decides, not what the driver says of it.

Drivers abort on closing over an object, never call it stalled, answer before the jaws have
stopped, or not at all. So a motion has ended when the jaws have been seen to rest. Where nobody
measures the gap, a switch at the end of their way tells, or the time that they take at most.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator

from grasp_core.errors import GraspStackError, GripperFailed
from grasp_core.gripper_profile import GripperProfile
from grasp_core.hand_drivers import DigitalIoDriver
from grasp_executor.config import PickConfig
from grasp_executor.hand import OPEN_TOLERANCE_M, WIDEST_M
from grasp_executor.interfaces import Clock, Gripper, GripperState, Motion
from grasp_executor.motion import Mover, watch_nothing
from grasp_executor.persistence import FEWEST_SAMPLES

_STILL_M = 0.0003  # noise of a resting hand's gap
_MOVED_M = 0.001
_START_S = 0.5  # in which jaws begin to move after the command; drivers may answer before
_SILENT_S = 0.5  # of rest after a motion, when its driver says nothing


class Jaws:
    """Moves the jaws, and waits until they rest."""

    def __init__(
        self,
        gripper: Gripper,
        clock: Clock,
        mover: Mover,
        config: PickConfig,
        profile: GripperProfile,
    ) -> None:
        self._profile = profile
        self._gripper = gripper
        self._clock = clock
        self._mover = mover
        self._config = config

    def open(self, gap_m: float, force_n: float) -> None:
        """Open to a gap.

        Raises:
            GripperFailed: They stopped short of it, or do not stop.
        """
        with self.opening(gap_m, force_n):
            pass

    @contextlib.contextmanager
    def opening(self, gap_m: float, force_n: float) -> Iterator[None]:
        """Open to a gap while something else goes on; at its end they are open.

        Raises:
            GripperFailed: They stopped short of the gap, or do not stop.
        """
        with self._moving(gap_m, force_n):
            yield
        state = self.fresh_state()
        if not self._profile.reports_opening:
            if state.inputs.opened is False or state.inputs.closed:
                raise GripperFailed(
                    f"the jaws were told to open, and their inputs say {state.inputs}: something "
                    "blocks them, the drive has no pressure, or move_s of the hand is too short"
                )
        elif not state.gap_m >= gap_m - OPEN_TOLERANCE_M:
            raise GripperFailed(
                f"the jaws opened to {state.gap_m * 1000:.1f} mm instead of {gap_m * 1000:.1f} "
                "mm: something blocks them"
            )

    def close(self, force_n: float) -> None:
        """Close until they rest on something or meet.

        Raises:
            GripperFailed: They do not come to rest.
        """
        with self._moving(0.0, force_n):
            pass

    def fresh_state(self) -> GripperState:
        """A state measured after now.

        Raises:
            StaleJointStates, InvalidStates.
        """
        now = self._clock.now_s()
        while (state := self._gripper.state()).stamp_s < now:
            self._clock.sleep(self._config.tick_s)
        return state

    @contextlib.contextmanager
    def _moving(self, gap_m: float, force_n: float) -> Iterator[None]:
        """Start, let something else go on, and wait until they rest; what fails stops them."""
        self._mover.check_start()
        aim = f"open to {gap_m * 1000:.0f} mm" if gap_m > 0.0 else f"close with {force_n:.0f} N"
        self._mover.confirm(f"the jaws {aim}")
        rest = self._rest(gap_m)
        motion = self._gripper.start(gap_m, force_n)
        try:
            yield
        except BaseException:
            with contextlib.suppress(GraspStackError):  # the first failure says more
                motion.cancel()
            raise
        self._finish(motion, rest)

    def _finish(self, motion: Motion, rest: _Rest | _RestByInputs) -> None:
        limit_s = self._config.gripper_timeout_s
        deadline = self._clock.now_s() + limit_s
        self._mover.finish(
            motion, limit_s, "the gripper", watch_nothing, lambda: rest.has_lasted(_SILENT_S)
        )
        started_by = self._clock.now_s() + _START_S
        while not rest.is_reached():
            now = self._clock.now_s()
            if rest.has_lasted(self._config.jaw_rest_s) or (rest.is_still() and now > started_by):
                return
            if now > deadline:
                raise GripperFailed(
                    f"the jaws do not come to rest within {limit_s:.1f} s of the command: look at "
                    "the hand; a slow one needs a longer gripper_timeout_s"
                )
            self._mover.tick()

    def _rest(self, gap_m: float) -> _Rest | _RestByInputs:
        driver = self._profile.driver
        if isinstance(driver, DigitalIoDriver):
            return _RestByInputs(self._gripper, self._clock, gap_m == 0.0, driver.move_s)
        return _Rest(self._gripper, gap_m, self._config.jaw_rest_s)


class _RestByInputs:
    """Whether jaws whose gap nobody measures have come to the end of their way."""

    def __init__(self, gripper: Gripper, clock: Clock, closes: bool, move_s: float) -> None:
        self._gripper = gripper
        self._clock = clock
        self._closes = closes
        self._move_s = move_s
        self._begun_s: float | None = None

    def is_reached(self) -> bool:
        """Whether a switch says so, or their time is over since their driver has answered."""
        now_s = self._clock.now_s()
        if self._begun_s is None:
            self._begun_s = now_s
        state = self._gripper.state()
        at_end = state.inputs.closed if self._closes else state.inputs.opened
        has_come = state.stamp_s >= self._begun_s and bool(at_end)
        return has_come or now_s - self._begun_s >= self._move_s

    def is_still(self) -> bool:
        """Nothing tells."""
        return False

    def has_lasted(self, time_s: float) -> bool:
        """Nothing tells."""
        return False


class _Rest:
    """Whether the jaws have come to rest since they were told to move."""

    def __init__(self, gripper: Gripper, target_m: float, rest_s: float) -> None:
        self._gripper = gripper
        self._target_m = target_m
        self._rest_s = rest_s
        first = gripper.state()
        self._from_m = first.gap_m
        self._seen_s = first.stamp_s
        self._moved = False
        self._still: deque[GripperState] = deque()

    def _look(self) -> None:
        for state in self._gripper.states_since(self._seen_s):
            self._seen_s = state.stamp_s
            self._moved |= abs(state.gap_m - self._from_m) > _MOVED_M
            if self._still and abs(state.gap_m - self._still[0].gap_m) > _STILL_M:
                self._still.clear()
            self._still.append(state)

    def is_reached(self) -> bool:
        """Whether an opening is complete; closing jaws are always waited for."""
        self._look()
        newest = self._still[-1].gap_m if self._still else self._from_m
        return self._target_m > 0.0 and abs(newest - self._target_m) <= WIDEST_M

    def is_still(self) -> bool:
        """Whether they rest, moved or not."""
        self._look()
        return self._lasted(self._rest_s)

    def has_lasted(self, time_s: float) -> bool:
        """Whether they have moved, or need not, and rested for a time, seconds."""
        self._look()
        there = abs(self._from_m - self._target_m) <= WIDEST_M
        return (self._moved or there) and self._lasted(time_s)

    def _lasted(self, time_s: float) -> bool:
        if len(self._still) < FEWEST_SAMPLES:
            return False
        return self._still[-1].stamp_s - self._still[0].stamp_s >= time_s
