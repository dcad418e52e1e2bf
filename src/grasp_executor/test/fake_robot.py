"""A robot in memory: the five ports of the pick sequence, and what can go wrong with each.

Blocks stand on the table. Jaws stop on the block between them, a held block goes where the hand
goes, and what is let go falls. Time passes in the clock's ``sleep`` alone.

A misbehaviour is a function of the robot; an :class:`Event` says in which stage of the pick it
begins. A new one is a line at the end of this file, and what it needs of the fakes.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from gantry import GantryPlanner, gantry
from overhead_view import CAMERA, OVERHEAD, render

from grasp_core.cell import load_cell
from grasp_core.errors import (
    GraspStackError,
    HardwareLost,
    NoGrasp,
    PlanFailure,
    StaleJointStates,
    TrajectoryAborted,
)
from grasp_core.grasp import Grasp, with_label
from grasp_core.hand_drivers import DigitalIoDriver
from grasp_core.rectangle import GraspRectangle
from grasp_core.robot import RobotModel
from grasp_executor.config import PickConfig
from grasp_executor.fault_latch import FaultLatch
from grasp_executor.hand_memory import EmptyWidthMemory
from grasp_executor.interfaces import (
    ArmState,
    GripperState,
    JointTrajectory,
    Observation,
    Planner,
)
from grasp_executor.outcome import PickOutcome, Progress, Stage
from grasp_executor.pick import PickSequence
from grasp_executor.selection import PickGoal
from grasp_executor.station import RobotPort

CELL = load_cell("tabletop")
CONFIG = PickConfig(hold_s=0.3, settle_s=0.03)

_EXPOSURE_S = 0.03
_STOPPING_S = 0.05  # of an arm that was told to
_JAW_SPEED_M_S = 0.4
_MEMORY_S = 1.0
_SWITCH_M = 1e-3
_TURNING_M_S, _TURNED_M = 0.01, 0.005
_STALE_S = 0.1
_OFFSET_N = -2.0  # of the external force that the arm estimates


@dataclass(eq=False)
class Block:
    """A square block: x and y of its middle, z of its foot, sides, and what a detector says.

    Gripped with less than it needs, it turns in the air: it is less and less wide there.
    """

    x_m: float
    y_m: float
    width_m: float = 0.03
    height_m: float = 0.06
    z_m: float = 0.0
    quality: float = 0.9
    label: str = ""
    weight_n: float = 1.5
    needs_n: float = 0.0

    @property
    def in_bin(self) -> bool:
        """Whether it lies where the robot brings things."""
        away = np.abs(np.subtract((self.x_m, self.y_m), CELL.bin_center))
        return self.z_m == 0.0 and bool(np.all(away < CELL.bin_size_m / 2))


@dataclass(frozen=True)
class Event:
    """A misbehaviour that begins once, so long after a stage has."""

    stage: Stage
    misbehave: Callable[[FakeRobot], None]
    after_s: float = 0.0


class FakeRobot:
    """The world, its clock, and a pick sequence that works in it.

    Attributes:
        held: The block in the hand.
        cancelled: Whether the client wants the pick to end.
        stages: Those that the newest pick went through, in order.
        let_go_at_m: Heights of the foot of whatever was let go, in order.
    """

    def __init__(
        self,
        *blocks: Block,
        config: PickConfig = CONFIG,
        planner: Planner | None = None,
        model: RobotModel | None = None,
        memory: EmptyWidthMemory | None = None,
    ) -> None:
        self.blocks = list(blocks)
        self.model = model or gantry()
        self.planner = planner or GantryPlanner()
        self.held: Block | None = None
        self.let_go_at_m: list[float] = []
        self.clock, self.arm = FakeClock(self), FakeArm(self)
        self.hand = FakeHand(self)
        self.camera = FakeCamera(self)
        self.cancelled = False
        self.stages: list[Stage] = []
        self._began_s = 0.0
        self._events: list[Event] = []
        self._config = config
        self.latch = FaultLatch()
        self.restart(memory)

    def restart(self, memory: EmptyWidthMemory | None = None) -> None:
        """The executor is a new one; robot and world stay."""
        self.sequence = PickSequence(
            RobotPort(self.planner, self.arm, self.hand, self.camera, self.clock),
            self.model,
            CELL,
            self._config,
            memory,
            self.latch,
        )

    def pick(self, *events: Event, goal: PickGoal | None = None) -> PickOutcome:
        """One pick, with what goes wrong in it."""
        self.cancelled, self.stages, self._events = False, [], list(events)
        return self.sequence.run(goal or PickGoal(), lambda: self.cancelled, self._note)

    def tip(self) -> np.ndarray:
        """Where the fingertips are, metres, base frame."""
        return self.planner.forward(self.arm.positions).translation

    def between_jaws(self) -> Block | None:
        """The block that the jaws would close on here."""
        x, y, z = self.tip()
        for block in self.blocks:
            beside = abs(x - block.x_m) < 0.01 and abs(y - block.y_m) < 0.01
            if beside and block.z_m < z < block.z_m + block.height_m:
                return block
        return None

    def take(self, block: Block) -> None:
        """The hand holds a block from now on."""
        if self.held is None:
            self.held, self._width_m = block, block.width_m
            self._offset = np.array([block.x_m, block.y_m, block.z_m]) - self.tip()

    def let_fall(self) -> None:
        """Whatever is held falls."""
        if self.held is not None:
            if self.hand.force_n < self.held.needs_n:
                self.held.width_m = self._width_m  # it lies as it lay
            self.let_go_at_m.append(self.held.z_m)
            self.held.z_m, self.held = 0.0, None

    def step(self) -> None:
        """Some time has passed."""
        self._fire()
        self.arm.step()
        if self.held is not None:
            self.held.x_m, self.held.y_m, self.held.z_m = self.tip() + self._offset
            if self.held.z_m > 1e-3 and self.hand.force_n < self.held.needs_n:
                turned_m = self.held.width_m - _TURNING_M_S * self.clock.last_step_s
                self.held.width_m = max(turned_m, self._width_m - _TURNED_M)
        self.hand.step()

    def _note(self, progress: Progress) -> None:
        if not self.stages or self.stages[-1] is not progress.stage:
            self.stages.append(progress.stage)
            self._began_s = self.clock.now
        self._fire()

    def _fire(self) -> None:
        lasted_s = self.clock.now - self._began_s + 1e-9  # of rounding
        for event in tuple(self._events):
            if self.stages and event.stage is self.stages[-1] and lasted_s >= event.after_s:
                self._events.remove(event)
                event.misbehave(self)


class FakeClock:
    """See Clock."""

    def __init__(self, robot: FakeRobot) -> None:
        self._robot = robot
        self.now = self.last_step_s = 0.0
        self.stands_still = False

    def begin(self) -> None:
        """Nothing sets this clock back."""

    def now_s(self) -> float:
        return self.now

    def sleep(self, duration_s: float) -> None:
        if self.stands_still:
            raise HardwareLost("node time has stood still")
        self.now += duration_s
        self.last_step_s = duration_s
        self._robot.step()


class FakeArm:
    """See Arm: follows trajectories exactly."""

    def __init__(self, robot: FakeRobot) -> None:
        self._robot = robot
        self.positions = np.array(robot.model.arm.observe)
        self._velocities = np.zeros_like(self.positions)
        self._stamp_s = 0.0
        self._running: ArmMotion | None = None
        self._failure: GraspStackError | None = None
        self.publishes, self.answers, self.is_blocked = True, True, False
        self.weighs = False
        self.weighs_every_s = 0.0
        self._weighed: tuple[float, float] | None = None
        self.jolt_n = self.jolts_until_s = 0.0
        self.tells: Callable[[np.ndarray], np.ndarray] = lambda positions: positions
        self.tells_until_s = 0.0

    def state(self) -> ArmState:
        _require_fresh(self._robot, self._stamp_s)
        told = self.positions.copy()
        if self._robot.clock.now < self.tells_until_s:
            told = self.tells(told)
        return ArmState(told, self._velocities.copy(), self._stamp_s)

    def start(self, trajectory: JointTrajectory) -> ArmMotion:
        motion = ArmMotion(self._robot, trajectory)
        self._running = motion
        failure, self._failure = self._failure, None
        if failure is not None:
            self.fail(failure)
        return motion

    def external_force_n(self) -> tuple[float, float] | None:
        if not self.weighs:
            return None
        weight_n = 0.0 if self._robot.held is None else self._robot.held.weight_n
        lifted = self._robot.held is not None and self._robot.held.z_m > 0.0
        noise_n = 0.05 * np.sin(50.0 * self._robot.clock.now)
        if self._robot.clock.now < self.jolts_until_s:
            noise_n += self.jolt_n
        if self._weighed is None or self._stamp_s >= self._weighed[1] + self.weighs_every_s:
            self._weighed = _OFFSET_N + weight_n * lifted + noise_n, self._stamp_s
        return self._weighed

    def fail(self, failure: GraspStackError) -> None:
        """End the running motion badly; the next one if none runs."""
        if self.moves and self._running is not None:
            self._running.failure, self._running.ends_s = failure, self._robot.clock.now
            self._velocities[:] = 0.0
        else:
            self._failure = failure

    @property
    def moves(self) -> bool:
        """Whether a motion runs."""
        return self._running is not None and self._robot.clock.now < self._running.ends_s

    def step(self) -> None:
        """Go on along the trajectory."""
        motion, now = self._running, self._robot.clock.now
        if motion is not None and not self.is_blocked:
            path, t = motion.trajectory, min(now, motion.ends_s) - motion.began_s
            self.positions = _along(path.times_s, path.positions, t)
            self._velocities = _along(path.times_s, path.velocities, t) * self.moves
        if self.publishes:
            self._stamp_s = now


class ArmMotion:
    """See Motion: a trajectory under way."""

    def __init__(self, robot: FakeRobot, trajectory: JointTrajectory) -> None:
        self._robot, self.trajectory = robot, trajectory
        self.began_s = robot.clock.now
        self.ends_s = self.began_s + trajectory.duration_s
        self.failure: GraspStackError | None = None

    def done(self) -> bool:
        return self._robot.arm.answers and self._robot.clock.now >= self.ends_s

    def progress_s(self) -> float:
        return math.nan  # a controller without feedback

    def cancel(self) -> None:
        if not self.done():
            self.ends_s = min(self.ends_s, self._robot.clock.now + _STOPPING_S)
            self.failure = TrajectoryAborted("cancelled")

    def check(self) -> None:
        if self.failure is not None:
            raise self.failure


class FakeHand:
    """See Gripper: jaws that stop on what is between them."""

    def __init__(self, robot: FakeRobot) -> None:
        self._robot = robot
        self.gap_m = self.target_m = robot.model.gripper.max_gap_m
        self.force_n = 0.0
        self._presses = False
        self.publishes, self.is_stuck, self.at_rest, self.strength = True, False, True, 1.0
        self.speed_m_s = _JAW_SPEED_M_S
        self.answers: Callable[[], bool] = lambda: self.at_rest
        self.verdict: GraspStackError | None = None
        self.tells: Callable[[GripperState], GripperState] = lambda state: state
        self.tells_until_s = 0.0
        self.commands: list[float] = []
        self.asked: list[tuple[float, float]] = []
        self._samples = deque([self._measure()])

    def state(self) -> GripperState:
        _require_fresh(self._robot, self._samples[-1].stamp_s)
        return self._samples[-1]

    def states_since(self, stamp_s: float) -> list[GripperState]:
        self.state()
        return [sample for sample in self._samples if sample.stamp_s > stamp_s]

    def start(self, gap_m: float, force_n: float) -> HandMotion:
        self.target_m, self.force_n = gap_m, force_n
        self.commands.append(gap_m)
        self.asked.append((gap_m, force_n))
        return HandMotion(self)

    def step(self) -> None:
        """Move the jaws, take hold or let go, and measure."""
        robot, reach = self._robot, self.speed_m_s * self._robot.clock.last_step_s
        block = robot.held or robot.between_jaws()
        stop_m = self.target_m
        if block is not None and self.target_m < block.width_m <= self.gap_m:
            stop_m = block.width_m
        if not self.is_stuck:
            self.gap_m = float(np.clip(stop_m, self.gap_m - reach, self.gap_m + reach))
            self._presses = self.gap_m == stop_m != self.target_m
        if self._presses:
            robot.take(block)
        elif robot.held is not None and self.target_m > self.gap_m > robot.held.width_m:
            robot.let_fall()
        self.at_rest = self.is_stuck or self.gap_m == stop_m
        if self.publishes:
            state = self._measure()
            lying = robot.clock.now < self.tells_until_s
            self._samples.append(self.tells(state) if lying else state)
            while self._samples[-1].stamp_s - self._samples[0].stamp_s > _MEMORY_S:
                self._samples.popleft()

    def _measure(self) -> GripperState:
        """What its driver tells."""
        robot, hand = self._robot, self._robot.model.gripper
        if isinstance(driver := hand.driver, DigitalIoDriver):
            broken = robot.held is not None or robot.between_jaws() is not None
            levels = {
                driver.part_present_input: broken,
                driver.closed_input: self.gap_m <= _SWITCH_M,
                driver.opened_input: self.gap_m >= hand.max_gap_m - _SWITCH_M,
            }
            inputs = driver.inputs_from({line: on for line, on in levels.items() if line})
            return GripperState(math.nan, np.full(2, np.nan), robot.clock.now, inputs)
        effort = np.full(2, self.force_n * self.strength * self._presses)
        return GripperState(self.gap_m, effort, robot.clock.now)


class HandMotion:
    """See Motion: jaws under way."""

    def __init__(self, hand: FakeHand) -> None:
        self._hand = hand
        hand.at_rest = False

    def done(self) -> bool:
        return self._hand.answers()

    def cancel(self) -> None:
        if not self._hand.at_rest:
            self._hand.target_m, self._hand.at_rest = self._hand.gap_m, True

    def check(self) -> None:
        if self._hand.verdict is not None:
            raise self._hand.verdict


class FakeCamera:
    """See Camera: looks straight down, and finds the middle of every block."""

    def __init__(self, robot: FakeRobot) -> None:
        self._robot = robot
        self.failure: Exception | None = None
        self.age_s = 0.0

    def look(self, not_before_s: float, label: str, wait: Callable[[], None]) -> Observation:
        while self._robot.clock.now < not_before_s + _EXPOSURE_S:
            wait()
        if self.failure is not None:
            raise self.failure
        seen = [block for block in self._robot.blocks if not block.in_bin]
        if not seen:
            raise NoGrasp("the table is empty")
        grasps = sorted(map(_grasp_of, seen), key=lambda grasp: -grasp.quality)
        return self._observation(with_label(grasps, label))

    def see(self, not_before_s: float, wait: Callable[[], None]) -> Observation:
        while self._robot.clock.now < not_before_s + _EXPOSURE_S:
            wait()
        if self.failure is not None:
            raise self.failure
        return self._observation([])

    def _observation(self, grasps: Sequence[Grasp]) -> Observation:
        seen = [block for block in self._robot.blocks if not block.in_bin]
        depth_m = render(list(map(_extent, seen)), OVERHEAD)
        stamp_s = self._robot.clock.now - self.age_s
        return Observation(grasps, depth_m, CAMERA, OVERHEAD, stamp_s)


def _along(times_s: np.ndarray, rows: np.ndarray, t: float) -> np.ndarray:
    return np.array([np.interp(t, times_s, column) for column in rows.T])


def _require_fresh(robot: FakeRobot, stamp_s: float) -> None:
    if robot.clock.now - stamp_s > _STALE_S:
        raise StaleJointStates(f"the states are {robot.clock.now - stamp_s:.2f} s old")


def _extent(block: Block) -> tuple[float, float, float, float, float]:
    half, top = block.width_m / 2, block.z_m + block.height_m
    return (block.x_m - half, block.x_m + half, block.y_m - half, block.y_m + half, top)


def _grasp_of(block: Block) -> Grasp:
    top = OVERHEAD.inverse().apply([block.x_m, block.y_m, block.z_m + block.height_m])
    u, v = CAMERA.project(top)
    width_px = CAMERA.fx * block.width_m / top[2]
    rectangle = GraspRectangle(float(u), float(v), width_px, 0.5 * width_px, 0.0)
    return Grasp(rectangle, block.quality, depth_m=float(top[2]), label=block.label)


# Misbehaviours


def cancels(robot: FakeRobot) -> None:
    """The client loses interest."""
    robot.cancelled = True


def sees(failure: Exception) -> Callable[[FakeRobot], None]:
    """Camera or detector fail."""
    return lambda robot: setattr(robot.camera, "failure", failure)


def plans(*failures: PlanFailure | None) -> Callable[[FakeRobot], None]:
    """The next searches for a configuration end so."""
    return lambda robot: robot.planner.failures.extend(failures)


def while_planning(misbehave: Callable[[FakeRobot], None]) -> Callable[[FakeRobot], None]:
    """It happens during the next attempt of the planner."""
    return lambda robot: setattr(robot.planner, "in_next", lambda: misbehave(robot))


def moves(failure: GraspStackError) -> Callable[[FakeRobot], None]:
    """The running motion of the arm ends so; the next one if none runs."""
    return lambda robot: robot.arm.fail(failure)


def is_held_up(robot: FakeRobot) -> None:
    """The arm stays where it is, and its controller reports success."""
    robot.arm.is_blocked = True


def reports_nothing(robot: FakeRobot) -> None:
    """The arm's controller answers no more."""
    robot.arm.answers = False


def arm_states_stop(robot: FakeRobot) -> None:
    """Nothing more is heard of where the arm is."""
    robot.arm.publishes = False


def hand_states_stop(robot: FakeRobot) -> None:
    """Nothing more is heard of where the fingers are."""
    robot.hand.publishes = False


def clock_stops(robot: FakeRobot) -> None:
    """The publisher of node time is gone."""
    robot.clock.stands_still = True


def jaws_stick(robot: FakeRobot) -> None:
    """The jaws do not move any more."""
    robot.hand.is_stuck = True


def slips(robot: FakeRobot) -> None:
    """The held block turns between the jaws: it is less wide there."""
    robot.held.width_m -= 0.005


def turns_below(force_n: float) -> Callable[[FakeRobot], None]:
    """The held block turns in the air unless it is gripped with so much."""
    return lambda robot: setattr(robot.held, "needs_n", force_n)


def comes_back(robot: FakeRobot) -> None:
    """The first block lies on the table again."""
    robot.blocks[0].x_m, robot.blocks[0].y_m = 0.5, 0.0


def weakens(robot: FakeRobot) -> None:
    """The jaws press too weakly, but they press."""
    robot.hand.strength = 0.3


def drops(robot: FakeRobot) -> None:
    """The held block falls, clear of the jaws."""
    if robot.held is not None:
        robot.held.x_m += 0.03
        robot.let_fall()


def rolls_away(robot: FakeRobot) -> None:
    """The blocks on the table move."""
    for block in robot.blocks:
        block.x_m += 0.08


def hand_tells(seconds: float, **values: object) -> Callable[[FakeRobot], None]:
    """For a while, the hand's states carry these values instead of what is measured."""

    def misbehave(robot: FakeRobot) -> None:
        robot.hand.tells = lambda state: replace(state, **values)
        robot.hand.tells_until_s = robot.clock.now + seconds

    return misbehave


def arm_tells_nan(seconds: float) -> Callable[[FakeRobot], None]:
    """For a while, the arm's positions are not numbers."""

    def misbehave(robot: FakeRobot) -> None:
        robot.arm.tells = lambda positions: positions * np.nan
        robot.arm.tells_until_s = robot.clock.now + seconds

    return misbehave


def arm_is_jolted(seconds: float, force_n: float) -> Callable[[FakeRobot], None]:
    """For a while, the arm feels another force."""

    def misbehave(robot: FakeRobot) -> None:
        robot.arm.jolt_n = force_n
        robot.arm.jolts_until_s = robot.clock.now + seconds

    return misbehave


def hand_answers_never(robot: FakeRobot) -> None:
    """The driver of the hand does as told, and does not say so."""
    robot.hand.answers = lambda: False


def hand_answers_early(robot: FakeRobot) -> None:
    """The driver of the hand answers before the jaws have moved."""
    robot.hand.answers = lambda: True


def stops_itself(robot: FakeRobot) -> None:
    """The robot goes into a protective stop."""
    robot.latch.report_stop("safety", "reflex")
