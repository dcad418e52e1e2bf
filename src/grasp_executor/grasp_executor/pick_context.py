"""What the steps of one pick share: robot, stages, cancel, and what is reported."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator

from grasp_core.errors import Cancelled
from grasp_executor.holding import Holding
from grasp_executor.jaws import Jaws
from grasp_executor.motion import Mover
from grasp_executor.outcome import PickOutcome, Progress, Stage
from grasp_executor.station import Station


class PickContext:
    """One pick at a station.

    Attributes:
        station: Robot, hand and surroundings.
        mover: Moves the arm.
        jaws: Move the fingers.
        holding: Watches what is between them.
        outcome: What is reported in the end.
    """

    def __init__(
        self,
        station: Station,
        cancelled: Callable[[], bool],
        report: Callable[[Progress], None],
    ) -> None:
        self._cancelled = cancelled
        self._report = report
        self._stage = Stage.OBSERVE
        self._waits_for = ""
        robot, config = station.robot, station.config
        self.station = station
        self.mover = Mover(
            robot.arm,
            robot.clock,
            config.tick_s,
            cancelled,
            station.latch.check_stop,
            config.standstill_s,
            station.motion_gate(self._waiting),
        )
        self.jaws = Jaws(robot.gripper, robot.clock, self.mover, config, station.model.gripper)
        self.outcome = PickOutcome()
        self.holding = Holding(station, self.mover, self.outcome, self.tell)

    @contextlib.contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Report a stage, and its duration when it ends."""
        self._stage = stage
        self.tell()
        start = self.station.robot.clock.now_s()
        try:
            yield
        finally:
            self.outcome.stage_s.append((stage, self.station.robot.clock.now_s() - start))

    def tell(self, force_n: float = math.nan) -> None:
        """Report the stage and a measured force, newtons, and see whether to go on.

        Raises:
            Cancelled, ProtectiveStop.
        """
        self._report(Progress(self._stage, self.outcome.grasp, force_n, self._waits_for))
        self.check()

    def _waiting(self, what: str) -> None:
        """Report what waits for an operator's word; the empty text when nothing does any more."""
        self._waits_for = what
        self.tell()

    def check(self) -> None:
        """See whether to go on.

        Raises:
            Cancelled, ProtectiveStop.
        """
        self.station.latch.check_stop()
        if self._cancelled():
            raise Cancelled(f"cancelled by the client in stage {self._stage.value}")
