"""The pick sequence: look, choose, approach, close, verify, lift, hold, carry, release.

ROS-free: it runs the same over ROS actions and over the in-process simulator.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Sequence

from grasp_core.cell import Cell
from grasp_core.errors import (
    Cancelled,
    Code,
    Dropped,
    EmptyGrip,
    GraspStackError,
    NotPlaced,
    Slipped,
    StaleDetection,
)
from grasp_core.grasp import Grasp
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.approach import GraspPlan
from grasp_executor.choice import Chooser
from grasp_executor.clearing import Clearing
from grasp_executor.config import PickConfig
from grasp_executor.dry_run import rehearsed
from grasp_executor.fault_latch import FaultLatch
from grasp_executor.firm_grip import FirmGrip
from grasp_executor.grasp_pose import check_camera_pose
from grasp_executor.grip import NONE, PAYLOAD
from grasp_executor.hand_memory import EmptyWidthMemory
from grasp_executor.interfaces import JointTrajectory, JointVector, Observation, Operator
from grasp_executor.outcome import PickOutcome, Progress, Stage
from grasp_executor.pick_context import PickContext
from grasp_executor.placing import check_placed
from grasp_executor.release import ReleaseReport, release_hand
from grasp_executor.scene import Box
from grasp_executor.selection import PickGoal
from grasp_executor.station import RobotPort, Station

_AT_JOINTS_RAD = 0.02
_LOSS_S = 0.4
_MOST_OLD_IMAGES = 3  # in a pick; more of them are no accident

_LOST = (EmptyGrip, Dropped, Slipped)
"""Failures of a closing after which the scene is looked at again, if the jaws are empty."""


class _ImageTooOld(StaleDetection):
    """The image that a plan was made from says little of the scene now."""


class PickSequence:
    """Runs picks, one at a time; remembers between them what the hand may hold."""

    def __init__(
        self,
        robot: RobotPort,
        model: RobotModel,
        cell: Cell,
        config: PickConfig,
        memory: EmptyWidthMemory | None = None,
        latch: FaultLatch | None = None,
    ) -> None:
        """See Station."""
        self._station = Station(robot, model, cell, config, memory, latch)

    def show_surroundings(self, show: Callable[[tuple[Box, ...]], None]) -> None:
        """Have the obstacles of every look drawn."""
        self._station.surroundings.show = show

    def show_motions(self, show: Callable[[JointTrajectory], None]) -> None:
        """Have every motion of the arm drawn before it begins; a dry run's as one."""
        self._station.show_motion = show

    def ask_before_motions(self, operator: Operator) -> None:
        """Have every motion of arm and hand confirmed, of the picks that begin from now on."""
        self._station.operator = operator

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
        self._station.robot.clock.begin()
        run = _Run(self._station, goal, cancelled, report)
        try:
            self._station.latch.require_clear()
            run.execute()
        except GraspStackError as failure:
            self._station.latch.keep(failure)
            run.outcome.code, run.outcome.message = failure.code, str(failure)
        except Exception as failure:
            # The boundary of the sequence: a fault here must end as a typed result.
            run.outcome.code = Code.INTERNAL
            run.outcome.message = f"{type(failure).__name__}: {failure}\n{traceback.format_exc()}"
        run.outcome.holding = self._station.hand.may_hold()
        return run.outcome

    def release(self, confirm: bool = True) -> ReleaseReport:
        """Open the hand where it is, for an operator; no pick may be running.

        Args:
            confirm: False only tells where it would open.
        """
        return release_hand(self._station, confirm)

    def acknowledge(self) -> tuple[bool, str]:
        """An operator has seen a contact or a stop; see FaultLatch."""
        return self._station.latch.acknowledge()

    def outliers(self) -> dict[str, int]:
        """How many single samples were passed over so far, by what was wrong with them."""
        return self._station.outliers()


class _Run:
    """One pick at a station."""

    def __init__(
        self,
        station: Station,
        goal: PickGoal,
        cancelled: Callable[[], bool],
        report: Callable[[Progress], None],
    ) -> None:
        context = PickContext(station, cancelled, report)
        self.outcome = context.outcome
        self._context = context
        self._clearing = Clearing(context)
        self._station = station
        self._config = station.config
        self._robot = station.robot
        self._hand = station.hand
        self._goal = goal
        self._mover = context.mover
        self._jaws = context.jaws
        self._holding = context.holding
        self._image_s = math.inf
        self._waited_s = 0.0
        self._grip = FirmGrip(context)
        self._failed: list[Transform] = []

    def execute(self) -> None:
        """Run attempts until one succeeds or they are used up.

        Raises:
            GraspStackError: What ended the pick.
        """
        forces_n = self._station.model.gripper.grip_forces_n(self._goal.delicate_force_n)
        if self._config.dry_run:
            raise rehearsed(self._context, self._look, self._choose)
        self._clearing.clear_hand()
        old_images = 0
        while True:
            self.outcome.begin_attempt()
            self._clearing.observe(Stage.OBSERVE)
            plan = self._choose(self._look(), self._robot.arm.state().positions)
            try:
                self._grasp(plan, forces_n)
                with self._context.stage(Stage.HOLD):
                    self._holding.hold()
                self._clearing.carry_and_release(Stage.CARRY)
                break
            except _ImageTooOld:
                old_images += 1
                if old_images >= _MOST_OLD_IMAGES:
                    raise
            except _LOST as failure:
                self._failed.append(plan.target.T_base_grasp)
                self._after_loss(failure, plan)
        self.outcome.code = Code.OK
        self.outcome.message = self._success()
        try:
            self._clearing.observe(Stage.RETURN)
            if self._config.check_placed:
                with self._context.stage(Stage.CHECK):
                    check_placed(self._context, plan.target)
        except NotPlaced:
            raise
        except GraspStackError as failure:
            # The object is where it belongs; what follows does not undo that.
            self._station.latch.keep(failure)
            self.outcome.message += f"; on the way back: {failure}"

    def _success(self) -> str:
        outcome = self.outcome
        if outcome.force_source == PAYLOAD:
            how = f"weighing {2.0 * outcome.force_n:.1f} N"
        elif outcome.force_source == NONE:
            how = "as the hand's inputs show"
        else:
            how = f"with {outcome.force_n:.1f} N ({outcome.force_source})"
        grip_n = outcome.grip_force_n
        grip = "" if math.isnan(grip_n) else f"gripped with {grip_n:.0f} N, "
        return f"held {outcome.held_s:.1f} s {how}, {grip}taken to the bin"

    def _after_loss(self, failure: GraspStackError, plan: GraspPlan) -> None:
        """Make ready for the next attempt, or end with the failure that counts.

        Raises:
            EmptyGrip, Dropped, Slipped: There is no attempt left, or something may still be in
                the hand: in the air, it stays shut.
        """
        if self._grip.is_lifted:
            self._mover.settle(_LOSS_S)  # jaws that are still closing hold nothing
            if not self._hand.certainly_empty(self._mover.tick):
                raise failure
        try:
            self._leave_empty(plan)
            if self.outcome.attempts >= self._goal.max_attempts:
                self._clearing.observe(Stage.RETURN)
        except Cancelled:
            raise
        except GraspStackError as second:
            raise type(failure)(f"{failure}; afterwards: {second}") from second
        if self.outcome.attempts >= self._goal.max_attempts:
            raise failure

    def _look(self) -> Observation:
        with self._context.stage(Stage.LOOK):
            self._mover.settle(self._config.settle_s)
            not_before = self._robot.clock.now_s()
            observation = self._robot.camera.look(not_before, self._goal.label, self._mover.tick)
            check_camera_pose(observation.T_base_camera, self._station.cell)
            self._station.surroundings.see(observation)
            self._image_s, self._waited_s = observation.stamp_s, self._mover.waited_s
            return observation

    def _choose(self, observation: Observation, start: JointVector) -> GraspPlan:
        with self._context.stage(Stage.PLAN):
            chooser = Chooser(
                self._station, self._goal, self._try, self._context.tell, self._failed
            )
            plan = chooser.first_executable(observation, start)
            self.outcome.T_base_grasp = plan.target.T_base_grasp
            return plan

    def _try(self, grasp: Grasp) -> None:
        self.outcome.grasp = grasp
        self._context.tell()

    # -- the grasp ------------------------------------------------------------------------------

    def _grasp(self, plan: GraspPlan, forces_n: Sequence[float]) -> None:
        """Go there, close as hard as need be, lift."""
        self._holding.begin()
        with self._context.stage(Stage.PREGRASP):
            self._travel(plan)
            self._holding.weigh_empty()
        with self._context.stage(Stage.APPROACH):
            self._follow_by_image(plan.approach)
        self.outcome.attempts += 1
        self._grip.take(plan, forces_n)
        with self._context.stage(Stage.LIFT):
            self._lift(plan)

    def _travel(self, plan: GraspPlan) -> None:
        """Go above the grasp, with the jaws no wider on the way than was planned for."""
        opening_m, gap_m = plan.target.opening_m, self._robot.gripper.state().gap_m
        # Empty jaws that move to an opening, from wherever they are, stay empty.
        self._station.emptied(min(opening_m, gap_m))
        if gap_m <= opening_m:
            with self._jaws.opening(opening_m, self._station.model.gripper.start_force_n):
                self._follow_by_image(plan.travel)
        else:
            self._jaws.open(opening_m, self._station.model.gripper.start_force_n)
            self._follow_by_image(plan.travel)
        self._station.emptied(opening_m)

    def _lift(self, plan: GraspPlan) -> None:
        self._holding.until_sure()
        self._mover.follow(plan.lift, self._holding.watch)
        self._mover.settle(self._config.settle_s, self._holding.watch)
        self._holding.until_sure()
        self._holding.verify(plan.target, lifted=True)

    def _follow_by_image(self, trajectory: JointTrajectory) -> None:
        """Follow what was planned from an image, if that is not too old.

        While an operator is asked, the image does not age: whoever confirms sees the scene.

        Raises:
            StaleDetection: It is; nothing has moved.
        """
        waited_s = self._mover.waited_s - self._waited_s
        age_s = self._robot.clock.now_s() - self._image_s - waited_s
        if not age_s <= self._config.max_plan_age_s:
            raise _ImageTooOld(
                f"the image is {age_s:.1f} s old before the arm starts towards the grasp, allowed "
                f"are {self._config.max_plan_age_s:.1f} s: plan on a faster machine, or raise "
                "max_plan_age_s"
            )
        self._mover.follow(trajectory)

    def _leave_empty(self, plan: GraspPlan) -> None:
        """Open the jaws where they are and rise straight up: above the hand the way is clear."""
        with self._context.stage(Stage.RETREAT):
            self._clearing.leave_open(plan.target.opening_m)
