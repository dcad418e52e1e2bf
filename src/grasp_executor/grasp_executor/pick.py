"""The pick sequence: look, choose, approach, close, verify, lift, hold, carry, release.

ROS-free: it runs the same over ROS actions and over the in-process simulator.
"""

from __future__ import annotations

import contextlib
import math
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from grasp_core.cell import Cell
from grasp_core.errors import (
    Cancelled,
    Code,
    Dropped,
    EmptyGrip,
    GraspStackError,
    Slipped,
    StaleJointStates,
)
from grasp_core.grasp import Grasp
from grasp_core.robot import RobotModel
from grasp_executor.approach import GraspPlan
from grasp_executor.choice import Chooser
from grasp_executor.config import PickConfig
from grasp_executor.grasp_pose import GraspTarget, check_camera_pose
from grasp_executor.grip import COMMANDED, EmptyWidth, Grip, GripVerifier, HoldMonitor
from grasp_executor.motion import OPEN_TOLERANCE_M, Mover
from grasp_executor.outcome import PickOutcome, Progress, Stage
from grasp_executor.scene import Box
from grasp_executor.selection import PickGoal
from grasp_executor.station import Held, RobotPort, Station

_AT_JOINTS_RAD = 0.02
_HOLD_PATIENCE = 5.0
_LOSS_S = 0.4

_LOST = (EmptyGrip, Dropped, Slipped)
"""Failures of a closing after which the scene is looked at again, if the jaws are empty."""


class PickSequence:
    """Runs picks, one at a time; remembers between them what the gripper holds."""

    def __init__(
        self, robot: RobotPort, model: RobotModel, cell: Cell, config: PickConfig
    ) -> None:
        self._station = Station(robot, model, cell, config)

    def show_surroundings(self, show: Callable[[tuple[Box, ...]], None]) -> None:
        """Have the obstacles of every look drawn."""
        self._station.surroundings.show = show

    def run(
        self,
        goal: PickGoal,
        cancelled: Callable[[], bool] = lambda: False,
        report: Callable[[Progress], None] = lambda progress: None,
    ) -> PickOutcome:
        """Do one pick.

        Args:
            goal: What to pick, and how often to try.
            cancelled: Asked at every tick; True stops the arm and ends the pick.
            report: Called at every change of stage and while forces are watched.

        Returns:
            The typed result, whatever happened; the arm is at rest.
        """
        run = _Run(self._station, goal, cancelled, report)
        try:
            run.execute()
        except GraspStackError as failure:
            run.outcome.code, run.outcome.message = failure.code, str(failure)
        except Exception as failure:
            # The boundary of the sequence: a fault here must end as a typed result.
            run.outcome.code = Code.INTERNAL
            run.outcome.message = f"{type(failure).__name__}: {failure}\n{traceback.format_exc()}"
        run.outcome.holding = self._station.holds()
        return run.outcome


class _Run:
    """One pick at a station."""

    def __init__(
        self,
        station: Station,
        goal: PickGoal,
        cancelled: Callable[[], bool],
        report: Callable[[Progress], None],
    ) -> None:
        self._station = station
        self._config = station.config
        self._robot = station.robot
        self._goal = goal
        self._cancelled = cancelled
        self._report = report
        self._mover = Mover(
            self._robot.arm,
            self._robot.gripper,
            self._robot.clock,
            self._config.tick_s,
            cancelled,
            self._config.standstill_s,
        )
        self._stage = Stage.OBSERVE
        self._watched_from_s = 0.0
        self._lifted = False
        self.outcome = PickOutcome()

    def execute(self) -> None:
        """Run attempts until one succeeds or they are used up.

        Raises:
            GraspStackError: What ended the pick.
        """
        self._clear_hand()
        while True:
            self.outcome.begin_attempt()
            self._observe(Stage.OBSERVE)
            plan = self._look_and_plan()
            try:
                self._grasp(plan)
                self._hold()
                self._carry_and_release(Stage.CARRY)
                break
            except _LOST as failure:
                self._after_loss(failure, plan)
        self.outcome.code = Code.OK
        self.outcome.message = (
            f"held {self.outcome.held_s:.1f} s with {self.outcome.force_n:.1f} N "
            f"({self.outcome.force_source}), taken to the bin"
        )
        try:
            self._observe(Stage.RETURN)
        except GraspStackError as failure:
            # The object is where it belongs; what follows does not undo that.
            self.outcome.message += f"; on the way back: {failure}"

    def _after_loss(self, failure: GraspStackError, plan: GraspPlan) -> None:
        """Make ready for the next attempt, or end with the failure that counts.

        Raises:
            EmptyGrip, Dropped, Slipped: There is no attempt left, or something may still be in
                the hand: in the air, a weak grip is better than none.
        """
        if self._lifted:
            self._mover.settle(_LOSS_S)  # jaws that are still closing hold nothing
            if self._station.holds():
                raise failure
        try:
            self._leave_empty(plan)
            if self.outcome.attempts >= self._goal.max_attempts:
                self._observe(Stage.RETURN)
        except Cancelled:
            raise
        except GraspStackError as second:
            raise type(failure)(f"{failure}; afterwards: {second}") from second
        if self.outcome.attempts >= self._goal.max_attempts:
            raise failure

    @contextlib.contextmanager
    def _in(self, stage: Stage) -> Iterator[None]:
        """Report a stage, and its duration when it ends."""
        self._stage = stage
        self._tell()
        start = self._robot.clock.now_s()
        try:
            yield
        finally:
            self.outcome.stage_s.append((stage, self._robot.clock.now_s() - start))

    def _tell(self, force_n: float = math.nan) -> None:
        self._report(Progress(self._stage, self.outcome.grasp, force_n))
        self._stop_if_cancelled()

    def _stop_if_cancelled(self) -> None:
        if self._cancelled():
            raise Cancelled(f"cancelled by the client in stage {self._stage.value}")

    # -- before the grasp -----------------------------------------------------------------------

    def _clear_hand(self) -> None:
        """Bring away what an earlier, interrupted pick left in the hand."""
        if not self._station.closed:
            return
        if self._station.held is not None and self._station.holds():
            # It may have slipped or hang loosely: all that counts now is that it is there.
            gap_m = self._robot.gripper.state().gap_m
            held = self._station.held
            grip = replace(held.monitor.grip, gap_m=gap_m, force_source=COMMANDED)
            self._hold_by(held.target, grip, settling=True)
            with self._in(Stage.PUT_AWAY):
                self._rise_if_low()
            self._carry_and_release(Stage.PUT_AWAY)
        elif self._station.empty is not None:  # else it is not known yet what the jaws are shut on
            with self._in(Stage.RETREAT):
                self._leave_open(self._station.opening_m)
            self._open_wide()

    def _observe(self, stage: Stage) -> None:
        """Move out of the camera's view, hand open and empty."""
        with self._in(stage):
            goal = np.array(self._station.model.arm.observe)
            if np.abs(self._robot.arm.state().positions - goal).max() > _AT_JOINTS_RAD:
                self._rise_if_low()
                start = self._robot.arm.state().positions
                self._mover.follow(self._station.pick_planner.plan_to(start, goal, self._tell))
        if self._station.empty is None:
            self._measure_empty()
        widest = self._station.model.gripper.max_gap_m
        if self._robot.gripper.state().gap_m < widest - OPEN_TOLERANCE_M:
            self._open_wide()

    def _rise_if_low(self) -> None:
        """Leave the objects straight upwards: sideways they may stand in the way."""
        start = self._robot.arm.state().positions
        T_base_tcp = self._robot.planner.forward(start)
        safe = self._station.cell.support_z_m + self._config.lift_m
        if self._station.over_workspace(T_base_tcp) and T_base_tcp.translation[2] < safe - 0.001:
            self._mover.follow(self._station.pick_planner.plan_up(start, safe, self._tell))

    def _measure_empty(self) -> None:
        """Learn what a closed, empty gripper looks like, once per start-up."""
        with self._in(Stage.MEASURE_EMPTY):
            self._station.close_from(self._robot.gripper.state().gap_m)
            self._mover.close(self._config.force_n)
            self._station.empty = EmptyWidth(self._mover.fresh_gripper_state().gap_m)
            self._open_wide()

    def _open_wide(self) -> None:
        widest = self._station.model.gripper.max_gap_m
        self._mover.open(widest, self._config.force_n)
        self._station.emptied()
        self._robot.planner.set_gap(widest)

    def _look_and_plan(self) -> GraspPlan:
        with self._in(Stage.LOOK):
            self._mover.settle(self._config.settle_s)
            not_before = self._robot.clock.now_s()
            observation = self._robot.camera.look(not_before, self._goal.label, self._mover.tick)
            check_camera_pose(observation.T_base_camera, self._station.cell)
            self._station.surroundings.see(observation)
        with self._in(Stage.PLAN):
            start = self._robot.arm.state().positions
            chooser = Chooser(self._station, self._goal, self._try, self._tell)
            plan = chooser.first_executable(observation, start)
            self.outcome.T_base_grasp = plan.target.T_base_grasp
            return plan

    def _try(self, grasp: Grasp) -> None:
        self.outcome.grasp = grasp
        self._tell()

    # -- the grasp ------------------------------------------------------------------------------

    def _grasp(self, plan: GraspPlan) -> None:
        """Go there, close, verify, lift."""
        self._lifted = False
        with self._in(Stage.PREGRASP):
            self._mover.open(plan.target.opening_m, self._config.force_n)
            self._mover.follow(plan.travel)
        with self._in(Stage.APPROACH):
            self._mover.follow(plan.approach)
        with self._in(Stage.CLOSE):
            self.outcome.attempts += 1
            self._station.close_from(plan.target.opening_m)
            self._mover.close(self._config.force_n)
        with self._in(Stage.VERIFY):
            self._hold_by(plan.target, self._verify(plan), settling=True)
        self._lifted = True
        with self._in(Stage.LIFT):
            self._mover.follow(plan.lift, self._watch_grip)
            self._mover.settle(self._config.settle_s, self._watch_grip)
            self._hold_by(plan.target, self._verify(plan), settling=False)

    def _hold_by(self, target: GraspTarget, grip: Grip, *, settling: bool) -> None:
        """From now on, watch this grip."""
        self._watched_from_s = self._robot.gripper.state().stamp_s
        monitor = HoldMonitor(self._config, self._station.empty_width(), grip, settling=settling)
        self._station.held = Held(target, monitor)

    def _verify(self, plan: GraspPlan) -> Grip:
        """Gather a window of samples and judge the grip.

        Raises:
            EmptyGrip: They do not prove an object.
            StaleJointStates: They do not come without gaps.
        """
        verifier = GripVerifier(
            self._config,
            self._station.empty_width(),
            plan.target.opening_m,
            self._station.model.gripper.reports_force,
        )
        # Samples and clock travel separately: count from the later of the two.
        started = max(self._robot.clock.now_s(), self._robot.gripper.state().stamp_s)
        deadline = started + _HOLD_PATIENCE
        while not verifier.complete():
            if self._robot.clock.now_s() > deadline:
                raise StaleJointStates(
                    f"no {self._config.verify_s} s of the gripper's states came without a gap of "
                    f"more than {self._config.max_state_gap_s} s"
                )
            self._mover.tick()
            for state in self._robot.gripper.states_since(max(started, verifier.seen_until_s)):
                verifier.add(state)
                self._tell(float(np.min(state.effort_n)))
        grip = verifier.grip()
        self.outcome.force_n, self.outcome.force_source = grip.force_n, grip.force_source
        self.outcome.opening_m = grip.gap_m
        return grip

    def _watch_grip(self) -> None:
        """Take the new gripper samples while something is held.

        Raises:
            Dropped, Slipped, StaleJointStates, Cancelled.
        """
        monitor = self._station.held_now().monitor
        for state in self._robot.gripper.states_since(
            max(self._watched_from_s, monitor.seen_until_s)
        ):
            monitor.add(state)
            if self._stage is not Stage.CARRY:  # the result tells of the hold
                self.outcome.force_n, self.outcome.opening_m = (
                    monitor.lowest_force_n,
                    monitor.gap_m,
                )
            self._tell(float(np.min(state.effort_n)))

    def _watch_while_planning(self) -> None:
        """The planner's ``wait`` while something is held."""
        self._stop_if_cancelled()
        self._watch_grip()

    def _hold(self) -> None:
        """Hold the object in the air; a gap in the data or a moving arm restarts the clock."""
        with self._in(Stage.HOLD):
            monitor, clock = self._station.held_now().monitor, self._robot.clock
            monitor.restart()
            started_s = math.inf  # time of samples, not of the clock: a hold is what was seen
            patience_s = _HOLD_PATIENCE * (1.0 + self._config.hold_s)
            deadline = clock.now_s() + patience_s
            while self.outcome.held_s < self._config.hold_s:
                self._mover.tick(self._watch_grip)
                seen_s = monitor.seen_until_s
                undisturbed = math.isfinite(started_s) and not monitor.interrupted
                if not (undisturbed and self._mover.at_rest()):
                    monitor.restart()
                    started_s = seen_s
                if clock.now_s() > deadline:
                    raise StaleJointStates(
                        f"no undisturbed {self._config.hold_s:.1f} s of gripper data within "
                        f"{patience_s:.0f} s"
                    )
                self.outcome.held_s = seen_s - started_s if math.isfinite(started_s) else 0.0

    # -- after the grasp ------------------------------------------------------------------------

    def _carry_and_release(self, stage: Stage) -> None:
        with self._in(stage):
            start = self._robot.arm.state().positions
            target = self._station.held_now().target
            plan = self._station.pick_planner.plan_drop(start, target, self._watch_while_planning)
            self._mover.follow(plan, self._watch_grip)
            self._mover.settle(self._config.settle_s, self._watch_grip)
        with self._in(Stage.RELEASE):
            self._open_wide()

    def _leave_empty(self, plan: GraspPlan) -> None:
        """Open the jaws where they are and rise straight up: above the hand the way is clear."""
        with self._in(Stage.RETREAT):
            self._leave_open(plan.target.opening_m)

    def _leave_open(self, opening_m: float) -> None:
        """Open no wider than on the way down, and rise: neighbours stand beside the jaws."""
        self._mover.open(opening_m, self._config.force_n)
        self._station.emptied()
        self._rise_if_low()
