"""A robot that is looked at and never told to move: what a dry run works with."""

from __future__ import annotations

from collections.abc import Sequence

from grasp_core.errors import DryRun
from grasp_executor.interfaces import (
    Arm,
    ArmMotion,
    ArmState,
    Gripper,
    GripperState,
    JointTrajectory,
    Motion,
)

_SWITCH_OFF = "nothing moves in a dry run: start with dry_run:=false to move"


class StillArm:
    """An arm behind its port that takes no trajectory."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    def state(self) -> ArmState:
        """See Arm."""
        return self._arm.state()

    def start(self, trajectory: JointTrajectory) -> ArmMotion:
        """Refuse.

        Raises:
            DryRun: Always.
        """
        raise DryRun(_SWITCH_OFF)

    def external_force_n(self) -> tuple[float, float] | None:
        """See Arm."""
        return self._arm.external_force_n()


class StillGripper:
    """A gripper behind its port that takes no command."""

    def __init__(self, gripper: Gripper) -> None:
        self._gripper = gripper

    def state(self) -> GripperState:
        """See Gripper."""
        return self._gripper.state()

    def states_since(self, stamp_s: float) -> Sequence[GripperState]:
        """See Gripper."""
        return self._gripper.states_since(stamp_s)

    def start(self, gap_m: float, force_n: float) -> Motion:
        """Refuse.

        Raises:
            DryRun: Always.
        """
        raise DryRun(_SWITCH_OFF)
