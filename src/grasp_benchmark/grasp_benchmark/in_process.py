"""The pick sequence's interfaces over the simulation in this process: no ROS, no waiting.

The same sequence as in the executor node, faster than real time and repeatable bit for bit.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from grasp_core.cell import Cell
from grasp_core.errors import (
    GripperFailed,
    NoGrasp,
    NoTransform,
    TrajectoryAborted,
    TrajectoryRefused,
    UnexpectedContact,
)
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp, with_label
from grasp_core.hand_drivers import DigitalIoDriver
from grasp_core.robot import ArmProfile, RobotModel
from grasp_core.transform import Transform
from grasp_detection.detector import Detector, remark_of, with_depth
from grasp_executor.config import PickConfig
from grasp_executor.interfaces import (
    ArmState,
    GripperState,
    JointTrajectory,
    Motion,
    Observation,
    Planner,
)
from grasp_executor.pick import PickSequence
from grasp_executor.planning.registry import DEFAULT_PLANNER, create_planner
from grasp_executor.station import RobotPort
from grasp_sim.config import STEPS_PER_S
from grasp_sim.gripper import GripperGoal
from grasp_sim.hand_sensor import HandReading
from grasp_sim.simulation import Simulation
from grasp_sim.trajectory import ErrorCode, Goal, InvalidTrajectory, Status, Tolerances


class SimClock:
    """Simulation time; sleeping is stepping."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def begin(self) -> None:
        """See Clock: simulated time never goes back."""

    def now_s(self) -> float:
        """See Clock."""
        return self._simulation.time_s

    def sleep(self, duration_s: float) -> None:
        """See Clock."""
        for _ in range(max(1, round(duration_s * STEPS_PER_S))):
            self._simulation.step()


class _ArmMotion:
    """A trajectory goal as a Motion."""

    def __init__(self, simulation: Simulation, goal: Goal | None, refusal: str = "") -> None:
        self._simulation = simulation
        self._goal = goal
        self._refusal = refusal

    def done(self) -> bool:
        """See Motion."""
        return self._goal is None or self._goal.done

    def cancel(self) -> None:
        """See Motion."""
        if self._goal is not None:
            self._simulation.stop_arm(self._goal)

    def progress_s(self) -> float:
        """See ArmMotion; the controller judges the deviation itself."""
        return math.nan if self._goal is None else self._goal.steps / STEPS_PER_S

    def check(self) -> None:
        """See Motion."""
        goal = self._goal
        if goal is None:
            raise TrajectoryRefused(self._refusal)
        if goal.status is Status.ABORTED and goal.error_code is ErrorCode.PATH_TOLERANCE_VIOLATED:
            raise UnexpectedContact(goal.error_text)
        if goal.status in (Status.ABORTED, Status.CANCELLED):
            raise TrajectoryAborted(goal.error_text)


class SimArm:
    """See Arm."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def state(self) -> ArmState:
        """See Arm."""
        positions, velocities = self._simulation.arm_state()
        return ArmState(positions, velocities, self._simulation.time_s)

    def start(self, trajectory: JointTrajectory) -> _ArmMotion:
        """See Arm."""
        try:
            goal = self._simulation.follow(
                trajectory.joints,
                trajectory.times_s,
                trajectory.positions.tolist(),
                trajectory.velocities.tolist(),
                trajectory.accelerations.tolist(),
                _tolerances(self._simulation.robot.arm),
            )
        except InvalidTrajectory as error:
            return _ArmMotion(self._simulation, None, str(error))
        return _ArmMotion(self._simulation, goal)

    def external_force_n(self) -> tuple[float, float] | None:
        """See Arm."""
        wrench = self._simulation.external_wrench()
        return None if wrench is None else (float(wrench[2]), self._simulation.time_s)


def _tolerances(arm: ArmProfile) -> Tolerances:
    """Those of the profile travel with every goal; the simulation takes one for all joints."""
    path_rad, goal_rad = arm.tolerances_rad()
    return Tolerances(float(path_rad.min()), float(goal_rad.min()), arm.goal_time_tolerance_s)


class _GripperMotion:
    """A gripper goal as a Motion."""

    def __init__(self, simulation: Simulation, goal: GripperGoal) -> None:
        self._simulation = simulation
        self._goal = goal

    def done(self) -> bool:
        """See Motion."""
        return self._goal.done

    def cancel(self) -> None:
        """See Motion."""
        if not self._goal.done:
            self._simulation.stop_gripper(self._goal)

    def check(self) -> None:
        """See Motion."""
        if self._goal.cancelled:
            raise GripperFailed("the gripper's command was cancelled")


class SimGripper:
    """See Gripper: what the hand's driver publishes, when it does."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._hand = simulation.robot.gripper

    def state(self) -> GripperState:
        """See Gripper."""
        return self._state_of(self._simulation.newest_hand_reading())

    def states_since(self, stamp_s: float) -> list[GripperState]:
        """See Gripper."""
        return [self._state_of(one) for one in self._simulation.hand_readings_since(stamp_s)]

    def start(self, gap_m: float, force_n: float) -> Motion:
        """See Gripper."""
        if not self._hand.driver.opens_partly:
            widest_m = 0.0 if gap_m <= 0.0 else self._hand.max_gap_m
            self._simulation.grip(widest_m, self._hand.max_force_n)
            return _Switched()
        return _GripperMotion(self._simulation, self._simulation.grip(gap_m, force_n))

    def _state_of(self, reading: HandReading) -> GripperState:
        """What the executor node reads from what the hand's driver tells."""
        driver = self._hand.driver
        if isinstance(driver, DigitalIoDriver):
            inputs = driver.inputs_from(reading.levels)
            return GripperState(math.nan, np.full(2, np.nan), reading.stamp_s, inputs)
        gap_m, effort_n = float(reading.positions.sum()), np.abs(reading.efforts)
        return GripperState(gap_m, effort_n, reading.stamp_s)


class _Switched:
    """See Motion: a valve that was switched, which is all that its driver knows."""

    def done(self) -> bool:
        """See Motion."""
        return True

    def cancel(self) -> None:
        """See Motion: jaws between their ends cannot be stopped."""

    def check(self) -> None:
        """See Motion."""


class SimCamera:
    """See Camera: renders and detects at once."""

    def __init__(
        self,
        simulation: Simulation,
        detector: Detector,
        believed: Transform | None = None,
    ) -> None:
        """Prepare.

        Args:
            simulation: With the camera.
            detector: Looks at its images.
            believed: Pose of the camera on its carrier, as a calibration says; None: the true one.
        """
        self._simulation = simulation
        self._detector = detector
        self._T_parent_camera = believed or simulation.T_parent_camera

    def look(self, not_before_s: float, label: str, wait: Callable[[], None]) -> Observation:
        """See Camera."""
        frame = self._frame()
        grasps = with_depth(self._detector.detect(frame), frame)
        if not grasps:
            remark = remark_of(self._detector)
            raise NoGrasp(
                f"detector {self._detector.name} found nothing to grasp"
                f"{': ' * bool(remark)}{remark}"
            )
        return _observation(with_label(grasps, label), frame)

    def see(self, not_before_s: float, wait: Callable[[], None]) -> Observation:
        """See Camera."""
        return _observation([], self._frame())

    def _frame(self) -> RgbdFrame:
        """An image of now, with the pose that is believed."""
        T_base_camera = self._simulation.T_base_parent @ self._T_parent_camera
        return dataclasses.replace(self._simulation.render(), T_base_camera=T_base_camera)


def _observation(grasps: Sequence[Grasp], frame: RgbdFrame) -> Observation:
    if frame.T_base_camera is None:
        raise NoTransform("the simulated camera has no pose")
    return Observation(grasps, frame.depth_m, frame.camera, frame.T_base_camera, frame.stamp_s)


def sequence_in(
    simulation: Simulation,
    detector: Detector,
    robot: RobotModel,
    *,
    cell: Cell | None = None,
    config: PickConfig | None = None,
    planner: Planner | None = None,
    believed: Transform | None = None,
) -> PickSequence:
    """A pick sequence that drives a simulation in this process, in its own cell unless told.

    See :class:`SimCamera` for ``believed``.
    """
    port = RobotPort(
        planner=planner or create_planner(DEFAULT_PLANNER, robot),
        arm=SimArm(simulation),
        gripper=SimGripper(simulation),
        camera=SimCamera(simulation, detector, believed),
        clock=SimClock(simulation),
    )
    return PickSequence(port, robot, cell or simulation.world.cell, config or PickConfig())
