"""Getting the hand empty and out of the camera's view, before a pick and after it."""

from __future__ import annotations

import numpy as np

from grasp_core.errors import GripperFailed, HandNotEmpty
from grasp_executor.hand import OPEN_TOLERANCE_M
from grasp_executor.interfaces import JointTrajectory
from grasp_executor.outcome import Stage
from grasp_executor.pick_context import PickContext

_AT_JOINTS_RAD = 0.02


class Clearing:
    """Puts away, carries to the bin, opens, rises, and measures what an empty hand looks like."""

    def __init__(self, context: PickContext) -> None:
        self._context = context
        self._station = context.station
        self._hand = context.station.hand
        self._robot = context.station.robot
        self._config = context.station.config
        self._mover = context.mover
        self._jaws = context.jaws
        self._holding = context.holding

    def clear_hand(self) -> None:
        """Judge the hand before anything moves; bring away what an earlier pick left in it.

        Raises:
            HandNotEmpty: It may hold something, and nobody knows how to put that away.
        """
        hand = self._hand
        if hand.stands_open():
            return
        if hand.certainly_empty(self._mover.tick):
            self._station.emptied(self._robot.gripper.state().gap_m)
        elif hand.held is not None:
            self._holding.take_as_it_is()
            with self._context.stage(Stage.PUT_AWAY):
                self._rise_if_low(carrying=True)
            self.carry_and_release(Stage.PUT_AWAY)
        elif hand.stands_where_it_closed(self._robot.arm.state().positions):
            with self._context.stage(Stage.RETREAT):
                self.leave_open(hand.opening_m)
            self._open_wide()
        else:
            how = "or shut to its remembered empty width"
            if not self._station.model.gripper.reports_opening:
                how = "or shut, as the switches at the ends of its way tell, and no part shown,"
            raise HandNotEmpty(
                f"the hand, {self._robot.gripper.state().opening}, may hold something: only wide "
                f"open {how} it is certainly empty; hold a hand under it, and call release"
            )

    def observe(self, stage: Stage) -> None:
        """Move out of the camera's view, hand empty: wide open, or shut by the measurement."""
        with self._context.stage(stage):
            goal = np.array(self._station.model.arm.observe)
            if np.abs(self._robot.arm.state().positions - goal).max() > _AT_JOINTS_RAD:
                self._rise_if_low()
                start = self._robot.arm.state().positions
                self._mover.follow(
                    self._station.pick_planner.plan_to(start, goal, self._context.tell)
                )
        if not self._hand.is_measured:
            self._measure_empty()
            return
        state = self._robot.gripper.state()
        if not (self._hand.is_wide(state, OPEN_TOLERANCE_M) or self._hand.looks_empty(state)):
            self._open_wide()

    def _rise_if_low(self, *, carrying: bool = False) -> None:
        """Leave the objects straight upwards: sideways they may stand in the way."""
        start = self._robot.arm.state().positions
        T_base_tcp = self._robot.planner.forward(start)
        safe = self._station.cell.support_z_m + self._config.lift_m
        if self._station.over_workspace(T_base_tcp) and T_base_tcp.translation[2] < safe - 0.001:
            plan = self._station.pick_planner.plan_up(start, safe, self._context.tell)
            if carrying:
                self._follow_carrying(plan)
            else:
                self._mover.follow(plan)

    def _measure_empty(self) -> None:
        """Learn, or check, what a closed, empty gripper looks like, once per start-up.

        The jaws must be seen wide open first: then nothing is between them, and out here nothing
        comes between them while they close. They stay shut where that is seen: the grasp opens
        them as far as it needs.

        Raises:
            GripperFailed: They do not open to their widest, or close to another gap than ever, or
                their inputs show a part where there is none.
        """
        with self._context.stage(Stage.MEASURE_EMPTY):
            widest = self._station.model.gripper.max_gap_m
            if not self._hand.is_wide(self._robot.gripper.state()):
                self._open_wide()
            state = self._jaws.fresh_state()
            if not self._hand.is_wide(state):
                raise GripperFailed(
                    f"the jaws are {state.opening} when told to open, their widest is "
                    f"{widest * 1000:.1f} mm: home the hand, or correct max_gap_m of its profile"
                )
            self._hand.closes(widest, None)
            self._jaws.close(self._station.model.gripper.start_force_n)
            shut = self._jaws.fresh_state()
            self._hand.measured(shut)
            if not self._hand.looks_empty(shut):  # no switch tells that they met
                self._open_wide()

    def _open_wide(self) -> None:
        widest = self._station.model.gripper.max_gap_m
        self._jaws.open(widest, self._station.model.gripper.start_force_n)
        self._station.emptied(widest)
        self._robot.planner.set_gap(widest)

    def _follow_carrying(self, trajectory: JointTrajectory) -> None:
        """Follow with what is held, once it is sure to be there, and watch it."""
        self._holding.until_sure()
        self._mover.follow(trajectory, self._holding.watch)

    def _watch_while_planning(self) -> None:
        """The planner's ``wait`` while something is held."""
        self._context.check()
        self._holding.watch()

    def carry_and_release(self, stage: Stage) -> None:
        """Take what is held to the bin, and open the hand there.

        Raises:
            PlanFailure: There is no way; it stays in the hand.
            Dropped, Slipped, GripperFailed, ...: See Holding, Mover and Jaws.
        """
        with self._context.stage(stage):
            start = self._robot.arm.state().positions
            target = self._hand.held_now().target
            plan = self._station.pick_planner.plan_drop(start, target, self._watch_while_planning)
            self._follow_carrying(plan)
            self._mover.settle(self._config.settle_s, self._holding.watch)
            self._holding.until_sure()  # what was lost on the way is not in the bin
        with self._context.stage(Stage.RELEASE):
            self._open_wide()

    def leave_open(self, opening_m: float) -> None:
        """Open no wider than on the way down, and rise: neighbours stand beside the jaws."""
        self._jaws.open(opening_m, self._station.model.gripper.start_force_n)
        self._station.emptied(opening_m)
        self._rise_if_low()
