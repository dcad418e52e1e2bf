"""Closing with as little force as holds: a test lift proves the grip, or it is closed harder.

What gives way is set down where it stood: the hand is open, and what it let go is on its support,
whenever the next closing begins or the last one has failed.
"""

from __future__ import annotations

from collections.abc import Sequence

from grasp_core.errors import Dropped, GraspStackError, PlanFailure, Slipped, WeakGrip
from grasp_executor.approach import GraspPlan
from grasp_executor.outcome import Stage
from grasp_executor.pick_context import PickContext

_LOSS_S = 0.4


class FirmGrip:
    """Closes on an object and lifts it a little, again and again with more force.

    Attributes:
        is_lifted: Whether what was closed on last has left its support and was not set down.
    """

    def __init__(self, context: PickContext) -> None:
        self._context = context
        self._station = context.station
        self._hand = context.station.hand
        self._robot = context.station.robot
        self._mover = context.mover
        self._jaws = context.jaws
        self._holding = context.holding
        self.is_lifted = False

    def take(self, plan: GraspPlan, forces_n: Sequence[float]) -> None:
        """Close, verify, and prove the grip in a test lift, with each force until one holds.

        Args:
            plan: Whose approach has been followed.
            forces_n: Newtons per finger, increasing; not empty.

        Raises:
            EmptyGrip: Nothing is between the jaws, which are still on the support.
            Slipped, Dropped, WeakGrip: The last grip, too, gave way: the object was set down and
                the jaws are open; or it is gone; or ``is_lifted``, it cannot be set down.
            Cancelled, StaleJointStates, TrajectoryAborted, GripperFailed, ...: The hand stays as
                it is.
        """
        self.is_lifted = False
        left = list(forces_n)
        while True:
            force_n = left.pop(0)
            needed_n = 0.0
            self._close(plan, force_n)
            try:
                needed_n = self._prove(plan)
                if needed_n <= force_n or not left:
                    return
                failure: GraspStackError = Slipped(f"its weight needs {needed_n:.0f} N per finger")
            except (Slipped, Dropped, WeakGrip) as gave_way:
                failure = gave_way
            self._set_down(plan, failure)
            if not left:
                raise type(failure)(f"{failure}; it was closed with {force_n:.0f} N") from failure
            left = [one for one in left if one >= needed_n] or left[-1:]

    def _close(self, plan: GraspPlan, force_n: float) -> None:
        with self._context.stage(Stage.CLOSE):
            self._hand.closes(plan.target.opening_m, self._robot.arm.state().positions)
            self._holding.closes(force_n)
            self._jaws.close(force_n)
        with self._context.stage(Stage.VERIFY):
            self._holding.verify(plan.target, lifted=False)

    def _prove(self, plan: GraspPlan) -> float:
        """Lift a little and see whether the grip stays; the force that the weight needs, newtons.

        Raises:
            See :meth:`take`.
        """
        with self._context.stage(Stage.TEST_LIFT):
            self._holding.until_sure()
            self.is_lifted = True
            self._hand.leaves_support()
            self._mover.follow(plan.test_lift, self._holding.watch)
            self._mover.settle(self._station.config.settle_s, self._holding.watch)
            self._holding.until_sure()
            return self._holding.prove(plan.target)

    def _set_down(self, plan: GraspPlan, failure: GraspStackError) -> None:
        """Lower what is held to where it stood, and open.

        Raises:
            GraspStackError: ``failure`` where nothing is held any more, or the way down cannot be
                planned and it stays in the hand; what happened on the way, if anything did.
        """
        with self._context.stage(Stage.SET_DOWN):
            self._mover.settle(_LOSS_S)  # jaws that are still closing hold nothing
            if self._hand.certainly_empty(self._mover.tick):
                raise failure
            self._holding.take_as_it_is()
            start = self._robot.arm.state().positions
            try:
                way = self._station.pick_planner.plan_down(start, plan.target, self._watch)
            except PlanFailure as second:
                raise type(failure)(f"{failure}; it cannot be set down: {second}") from second
            if way is not None:
                self._mover.follow(way, self._holding.watch)
            self._jaws.open(plan.target.opening_m, self._station.model.gripper.start_force_n)
            self._station.emptied(plan.target.opening_m)
            self.is_lifted = False

    def _watch(self) -> None:
        """The planner's ``wait`` while something is held."""
        self._context.check()
        self._holding.watch()
