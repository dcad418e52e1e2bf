"""The robot in memory, with sensors and drivers that misbehave; a misbehaviour is a line below."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from fake_robot import CELL, CONFIG, Block, FakeArm, FakeHand, FakeRobot

from grasp_executor.config import PickConfig
from grasp_executor.interfaces import ArmState, GripperState

Report = Callable[[GripperState], GripperState | None]
_ON_THE_TABLE_M = 0.02


class UnkindRobot(FakeRobot):
    """A robot whose hand and arm say what they are told to say.

    Attributes:
        starts: Motions of the arm that were begun.
        opened_in_the_air: Where jaws were told to open with a block above the table, metres.
    """

    def __init__(self, *blocks: Block, config: PickConfig = CONFIG) -> None:
        self.starts = 0
        self.opened_in_the_air: list[np.ndarray] = []
        self._due: list[tuple[float, Callable[[], None]]] = []
        super().__init__(*blocks, config=config)
        self.arm, self.hand = UnkindArm(self), UnkindHand(self)
        self.restart()

    def later(self, seconds: float, happens: Callable[[], None]) -> None:
        """Something happens when so much node time has passed."""
        self._due.append((self.clock.now + seconds, happens))

    def step(self) -> None:
        for entry in [entry for entry in self._due if entry[0] <= self.clock.now]:
            self._due.remove(entry)
            entry[1]()
        super().step()


class UnkindHand(FakeHand):
    """A hand whose samples are changed on their way."""

    def __init__(self, robot: FakeRobot) -> None:
        super().__init__(robot)
        self.reports: list[Report] = []

    def start(self, gap_m, force_n):
        robot, held = self._robot, self._robot.held
        opens = held is not None and gap_m > held.width_m + 1e-3
        if opens and held.z_m > _ON_THE_TABLE_M and not _over_the_bin(held):
            robot.opened_in_the_air.append(robot.tip())
        return super().start(gap_m, force_n)

    def step(self):
        super().step()
        if not self.publishes or not self.reports:
            return
        sample = self._samples.pop()
        for report in self.reports:
            sample = report(sample) if sample is not None else None
        if sample is not None:
            self._samples.append(sample)


class UnkindArm(FakeArm):
    """An arm whose states are changed on their way."""

    def __init__(self, robot: FakeRobot) -> None:
        super().__init__(robot)
        self.reports: list[Callable[[ArmState], ArmState]] = []

    def state(self):
        state = super().state()
        for report in self.reports:
            state = report(state)
        return state

    def start(self, trajectory):
        self._robot.starts += 1
        return super().start(trajectory)


def _over_the_bin(block: Block) -> bool:
    away = np.abs(np.subtract((block.x_m, block.y_m), CELL.bin_center))
    return bool(np.all(away < CELL.bin_size_m / 2))


# Misbehaviours


def reports(change: Report) -> Callable[[UnkindRobot], None]:
    """Every sample of the hand is changed from now on."""
    return lambda robot: robot.hand.reports.append(change)


def width(gap_m: float, samples: float = np.inf) -> Callable[[UnkindRobot], None]:
    """So many samples of the hand show this gap, all if not told."""

    def begin(robot: UnkindRobot) -> None:
        seen = itertools.count()
        robot.hand.reports.append(
            lambda state: replace(state, gap_m=gap_m) if next(seen) < samples else state
        )

    return begin


def force(newtons: float) -> Callable[[UnkindRobot], None]:
    """Both fingers report this force, with the noise of a sensor."""

    def begin(robot: UnkindRobot) -> None:
        seen = itertools.count()
        robot.hand.reports.append(
            lambda state: replace(state, effort_n=np.full(2, newtons + 1e-3 * (next(seen) % 7)))
        )

    return begin


def one_finger(newtons: float) -> Callable[[UnkindRobot], None]:
    """One finger reports this force, the other one what it feels."""
    return reports(
        lambda state: replace(state, effort_n=np.array([newtons, float(state.effort_n[1])]))
    )


def repeats(times: int) -> Callable[[UnkindRobot], None]:
    """Each measurement is told so many times, with fresh stamps."""

    def begin(robot: UnkindRobot) -> None:
        kept: list[GripperState] = []

        def change(state: GripperState) -> GripperState:
            kept.append(state)
            return replace(kept[(len(kept) - 1) // times * times], stamp_s=state.stamp_s)

        robot.hand.reports.append(change)

    return begin


def one_in(period: int) -> Callable[[UnkindRobot], None]:
    """One sample in so many comes."""

    def begin(robot: UnkindRobot) -> None:
        seen = itertools.count()
        robot.hand.reports.append(lambda state: None if next(seen) % period else state)

    return begin


def arm_reports(change: Callable[[ArmState], ArmState]) -> Callable[[UnkindRobot], None]:
    """The arm's states are changed from now on."""
    return lambda robot: robot.arm.reports.append(change)


def never_rests(robot: UnkindRobot) -> None:
    """The joints creep on after their trajectory."""
    robot.arm.reports.append(lambda state: replace(state, velocities=np.full(4, 0.05)))


def result_is_late(seconds: float) -> Callable[[UnkindRobot], None]:
    """The controller tells the result of the running motion so much later."""

    def begin(robot: UnkindRobot) -> None:
        robot.arm.answers = False
        robot.later(seconds, lambda: setattr(robot.arm, "answers", True))

    return begin
