"""Arm and gripper whose states are finite: what is not is skipped once, and a fault if it lasts.

A single state that is not finite is an outlier, counted and left out. Nothing behind these ports
has to think of NaN, which compares as false with everything.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grasp_core.errors import InvalidStates
from grasp_core.gripper_profile import GripperProfile
from grasp_executor.interfaces import (
    Arm,
    ArmMotion,
    ArmState,
    Gripper,
    GripperState,
    JointTrajectory,
    Motion,
)


class _Doubts:
    """Counts what is not finite, and says when it has lasted too long."""

    def __init__(self, what: str, patience_s: float) -> None:
        self._what = what
        self._patience_s = patience_s
        self._good_s: float | None = None
        self._seen_s = -np.inf
        self.outliers = 0

    def accept(self, stamp_s: float) -> None:
        """A finite state."""
        self._good_s = stamp_s
        self._seen_s = max(self._seen_s, stamp_s)

    def reject(self, stamp_s: float, values: str) -> None:
        """One that is not.

        Raises:
            InvalidStates: There was no finite one for too long, or never.
        """
        if stamp_s > self._seen_s:
            self.outliers += 1
            self._seen_s = stamp_s
        if self._good_s is None or not stamp_s - self._good_s < self._patience_s:
            raise InvalidStates(
                f"{self._what} reads {values}, which is not finite, for more than "
                f"{self._patience_s:.2f} s: its driver or sensor is broken; check it before "
                "anything moves"
            )


class FiniteArm:
    """An arm behind its port, positions and velocities finite."""

    def __init__(self, arm: Arm, patience_s: float) -> None:
        """Wrap.

        Args:
            arm: Whose states may be anything.
            patience_s: For how long the last finite state stands in for others, seconds.
        """
        self._arm = arm
        self._doubts = _Doubts("the arm", patience_s)
        self._last: ArmState | None = None

    @property
    def outliers(self) -> int:
        """How many states were not finite."""
        return self._doubts.outliers

    def state(self) -> ArmState:
        """See Arm.

        Raises:
            InvalidStates: A position or velocity is not finite for too long.
        """
        state = self._arm.state()
        values = np.concatenate([state.positions, state.velocities])
        if np.isfinite(values).all():
            self._doubts.accept(state.stamp_s)
            self._last = state
            return state
        self._doubts.reject(state.stamp_s, f"{values}")
        return self._last or state  # without an earlier one it was rejected for good

    def start(self, trajectory: JointTrajectory) -> ArmMotion:
        """See Arm."""
        return self._arm.start(trajectory)

    def external_force_n(self) -> tuple[float, float] | None:
        """See Arm; None, too, where it is not finite."""
        measured = self._arm.external_force_n()
        return measured if measured is not None and np.isfinite(measured).all() else None


class FiniteGripper:
    """A gripper behind its port: what it promises to report is finite."""

    def __init__(self, gripper: Gripper, patience_s: float, profile: GripperProfile) -> None:
        """Wrap.

        Args:
            gripper: Whose states may be anything.
            patience_s: For how long a state that is not finite is skipped, seconds.
            profile: Says whether its gap and its effort count.
        """
        self._gripper = gripper
        self._profile = profile
        self._doubts = _Doubts("the hand", patience_s)
        self._last: GripperState | None = None

    @property
    def outliers(self) -> int:
        """How many states were not finite."""
        return self._doubts.outliers

    def state(self) -> GripperState:
        """See Gripper.

        Raises:
            InvalidStates: The gap, or an effort that counts, is not finite for too long.
        """
        state = self._gripper.state()
        if self._usable(state):
            self._last = state
        return self._last or state  # without an earlier one it was rejected for good

    def states_since(self, stamp_s: float) -> Sequence[GripperState]:
        """See Gripper and :meth:`state`; what is not finite is left out."""
        return [state for state in self._gripper.states_since(stamp_s) if self._usable(state)]

    def start(self, gap_m: float, force_n: float) -> Motion:
        """See Gripper."""
        return self._gripper.start(gap_m, force_n)

    def _usable(self, state: GripperState) -> bool:
        finite = not self._profile.reports_opening or bool(np.isfinite(state.gap_m))
        if self._profile.reports_force:
            finite &= bool(np.isfinite(state.effort_n).all())
        if finite:
            self._doubts.accept(state.stamp_s)
        else:
            self._doubts.reject(state.stamp_s, _words(state))
        return finite


def _words(state: GripperState) -> str:
    efforts = ", ".join(f"{effort:.1f}" for effort in state.effort_n)
    return f"{state.gap_m * 1000:.1f} mm with {efforts} N"
