"""Where an arm is on its trajectory, and whether it follows, by its controller's own account.

The controller alone knows its set point: it may stretch time, pause, or begin late. What is
judged is therefore the distance of ``actual`` from ``desired`` as the controller tells both, and
how far ``desired`` has come along the path; no clock of this side takes part.
"""

from __future__ import annotations

import math

import numpy as np

from grasp_core.errors import GraspStackError, InvalidStates, UnexpectedContact
from grasp_executor.interfaces import ArmMotion, JointTrajectory, JointVector

_SAME_PLACE_RAD = 1e-3  # a path that comes by again is taken to be where it was first
_FEWEST_SAMPLES = 2  # one sample proves nothing
_ADVANCE_S = 1e-3
_AT_END_S = 0.01


class Tracking:
    """Judges one trajectory by samples of set point and position."""

    def __init__(
        self, trajectory: JointTrajectory, path_tolerance_rad: JointVector, contact_s: float
    ) -> None:
        """Begin without a sample.

        Args:
            trajectory: What the controller follows.
            path_tolerance_rad: Joint error allowed, shape (J,), rad.
            contact_s: Time beyond it that means a contact, seconds between samples.
        """
        self._trajectory = trajectory
        self._tolerance_rad, self._contact_s = path_tolerance_rad, contact_s
        self._stamp_s, self._progress_s = -math.inf, math.nan
        self._off_since_s, self._off_samples = math.inf, 0
        self._segment, self._share = 0, 0.0
        self._failure: GraspStackError | None = None

    def progress_s(self) -> float:
        """See ArmMotion."""
        if self._failure is not None:
            raise self._failure
        return self._progress_s

    def add(self, stamp_s: float, desired: JointVector, actual: JointVector) -> None:
        """Take a sample, positions of shape (J,), rad; one that is not newer is the last again."""
        if stamp_s <= self._stamp_s or self._failure is not None:
            return
        self._stamp_s = stamp_s
        finite = np.isfinite(desired) & np.isfinite(actual)
        if not finite.all():
            worst = self._trajectory.joints[int(finite.argmin())]
            self._failure = InvalidStates(
                f"the arm's controller tells a position of {worst} that is not finite"
            )
            return
        self._progress_s = self._time_at(desired)
        self._judge(stamp_s, np.abs(actual - desired))

    def _judge(self, stamp_s: float, off_rad: JointVector) -> None:
        if np.all(off_rad <= self._tolerance_rad):
            self._off_since_s, self._off_samples = math.inf, 0
            return
        self._off_since_s = min(self._off_since_s, stamp_s)
        self._off_samples += 1
        lasted_s = stamp_s - self._off_since_s
        if self._off_samples >= _FEWEST_SAMPLES and lasted_s >= self._contact_s:
            worst = int((off_rad / self._tolerance_rad).argmax())
            self._failure = UnexpectedContact(
                f"{self._trajectory.joints[worst]} has been off its set point for {lasted_s:.2f} "
                f"s, now by {off_rad[worst]:.3f} rad; {self._tolerance_rad[worst]:.3f} are "
                "allowed: something is in the arm's way"
            )

    def _time_at(self, desired: JointVector) -> float:
        """Time of the trajectory at which the set point is there, not before the last one."""
        path, times = self._trajectory.positions, self._trajectory.times_s
        if len(path) < 2:
            return float(times[-1])
        begin, along = path[self._segment : -1], np.diff(path[self._segment :], axis=0)
        length = np.maximum(np.einsum("ij,ij->i", along, along), 1e-18)
        least = np.zeros(len(begin))
        least[0] = self._share
        share = np.clip(np.einsum("ij,ij->i", desired - begin, along) / length, least, 1.0)
        away = np.linalg.norm(begin + share[:, None] * along - desired, axis=1)
        first = int(np.flatnonzero(away <= away.min() + _SAME_PLACE_RAD)[0])
        # Within that, the nearest: neighbouring segments meet.
        while first + 1 < len(away) and away[first + 1] < away[first]:
            first += 1
        self._segment += first
        self._share = float(share[first])
        k = self._segment
        return float(times[k] + self._share * (times[k + 1] - times[k]))


class Patience:
    """Until when a motion may go on that comes forward, however slowly."""

    def __init__(
        self, motion: ArmMotion, duration_s: float, standstill_s: float, slack_s: float
    ) -> None:
        """Watch a motion.

        Args:
            motion: What is watched.
            duration_s: Of its trajectory, at full speed.
            standstill_s: It may stand still so long on its way: the speed may be scaled to 0 %.
            slack_s: It may take so long at its end.
        """
        self._motion, self._duration_s = motion, duration_s
        self._standstill_s, self._slack_s = standstill_s, slack_s
        self._furthest_s = self._until_s = -math.inf

    def until_s(self, now_s: float) -> float:
        """Time by which it must have come further; minus infinity where nothing is known.

        Raises:
            UnexpectedContact, InvalidStates: See ArmMotion.
        """
        progress_s = self._motion.progress_s()
        if progress_s >= self._furthest_s + _ADVANCE_S:
            self._furthest_s = progress_s
            at_end = progress_s >= self._duration_s - _AT_END_S
            self._until_s = now_s + (self._slack_s if at_end else self._standstill_s)
        return self._until_s

    def complaint(self) -> str:
        """What it has done, in words; empty where nothing is known."""
        if not math.isfinite(self._furthest_s):
            return ""
        share = 100.0 * min(1.0, self._furthest_s / max(self._duration_s, 1e-9))
        return (
            f"has stood still at {share:.0f} % of its trajectory for {self._standstill_s:.0f} s: "
            "raise the speed scaling, or release its stop"
            if share < 100.0
            else "is at the end of its trajectory and reports nothing"
        )
