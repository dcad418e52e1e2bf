"""The gripper's controller: moves to a gap with a force limit, and tells how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_sim.config import SimConfig

_STILL_M = 0.0002


@dataclass
class GripperGoal:
    """A gripper command and how it stands.

    Attributes:
        gap_m: Commanded gap, metres.
        force_n: Force limit per finger, newtons.
        reached_goal: The gap was reached.
        stalled: The force limit was reached without motion.
        cancelled: Replaced or cancelled.
    """

    gap_m: float
    force_n: float
    reached_goal: bool = False
    stalled: bool = False
    cancelled: bool = False

    @property
    def done(self) -> bool:
        """Whether it has ended; the force stays on."""
        return self.reached_goal or self.stalled or self.cancelled


class GripperController:
    """Keeps the last command and watches the gap."""

    def __init__(self, config: SimConfig, max_gap_m: float) -> None:
        self._config = config
        self._max_gap_m = max_gap_m
        self.goal = GripperGoal(max_gap_m, config.default_force_n, reached_goal=True)
        self._still_since_s = 0.0
        self._still_gap_m = max_gap_m

    def command(self, gap_m: float, force_n: float, now_s: float) -> GripperGoal:
        """Move to a gap; a force of 0 means the default one."""
        if not self.goal.done:
            self.goal.cancelled = True
        gap = min(max(gap_m, 0.0), self._max_gap_m)
        self.goal = GripperGoal(gap, force_n if force_n > 0.0 else self._config.default_force_n)
        self._still_since_s, self._still_gap_m = now_s, float("inf")
        return self.goal

    def cancel(self, gap_m: float) -> None:
        """Stop where the fingers are, and stay there."""
        if not self.goal.done:
            self.goal.cancelled = True
            self.goal = GripperGoal(gap_m, self.goal.force_n, reached_goal=True)

    @property
    def is_squeezing(self) -> bool:
        """Whether the fingers press on something."""
        return self.goal.stalled

    def watch(self, now_s: float, gap_m: float) -> None:
        """Judge the running command by the measured gap."""
        if abs(gap_m - self._still_gap_m) > _STILL_M:
            self._still_since_s, self._still_gap_m = now_s, gap_m
        if self.goal.done:
            return
        if abs(gap_m - self.goal.gap_m) <= self._config.gripper_tolerance_m:
            self.goal.reached_goal = True
        elif now_s - self._still_since_s >= self._config.stall_s:
            self.goal.stalled = True
