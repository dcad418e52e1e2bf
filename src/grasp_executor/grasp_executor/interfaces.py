"""What the pick sequence needs of a robot: Planner, Arm, Gripper, Camera and Clock.

ROS actions and topics are one implementation, the in-process simulator another. All times are
seconds of the node clock.

Arm and Gripper answer at once: a motion is started, and the sequence waits for it by
``clock.sleep``. What may take long, a look or planning, is given a ``wait`` by the sequence; so
cancelling and watching have one place, and are at work during every call that blocks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.grasp import Grasp
from grasp_core.jaw_inputs import NO_INPUTS, JawInputs
from grasp_core.transform import Transform
from grasp_executor.scene import Box, CollisionScene

JointVector = NDArray[np.float64]

Wait = Callable[[], None]
"""Called again and again by whoever takes long, in every pause and between any two steps.

It looks for a cancel and watches what has to be watched, and what it raises ends the call. While
the camera looks, it lets node time pass. While a planner plans, it returns at once, for planning
takes no time in a simulation: a planner that polls another process sleeps between its calls.
"""


@dataclass(frozen=True, eq=False)
class JointTrajectory:
    """Timed joint path.

    Attributes:
        joints: Joint names, length J.
        times_s: Shape (N,), from 0, increasing.
        positions: Shape (N, J), rad.
        velocities: Shape (N, J), rad/s.
        accelerations: Shape (N, J), rad/s^2.
    """

    joints: tuple[str, ...]
    times_s: NDArray[np.float64]
    positions: NDArray[np.float64]
    velocities: NDArray[np.float64]
    accelerations: NDArray[np.float64]

    @property
    def duration_s(self) -> float:
        """Time of the last point, seconds."""
        return float(self.times_s[-1])

    @property
    def goal(self) -> JointVector:
        """Last configuration, shape (J,), rad."""
        return self.positions[-1]


@dataclass(frozen=True, eq=False)
class ArmState:
    """Measured arm state: positions (J,) rad, velocities (J,) rad/s, stamp in seconds."""

    positions: JointVector
    velocities: JointVector
    stamp_s: float


@dataclass(frozen=True, eq=False)
class GripperState:
    """Measured gripper state.

    Attributes:
        gap_m: Distance between the fingers, metres; NaN of a hand that reports no opening.
        effort_n: Force of each finger, shape (2,), newtons; NaN where not reported.
        stamp_s: Time of the measurement, seconds.
        inputs: Its digital inputs.
    """

    gap_m: float
    effort_n: NDArray[np.float64]
    stamp_s: float
    inputs: JawInputs = NO_INPUTS

    @property
    def opening(self) -> str:
        """How far the jaws are open, in words."""
        if math.isnan(self.gap_m):
            return f"of unknown opening ({self.inputs})"
        return f"{self.gap_m * 1000:.1f} mm open"


@dataclass(frozen=True)
class Observation:
    """What the camera and the detector saw.

    Attributes:
        grasps: Ranked candidates, best first; empty where none were asked for.
        depth_m: Aligned depth, shape (H, W), metres, NaN invalid.
        camera: Intrinsics of the image.
        T_base_camera: Pose of the optical frame at the image's stamp.
        stamp_s: Exposure time, seconds.
    """

    grasps: Sequence[Grasp]
    depth_m: NDArray[np.float32]
    camera: PinholeCamera
    T_base_camera: Transform
    stamp_s: float


class Clock(Protocol):
    """Node time."""

    def begin(self) -> None:
        """A task begins: until the next one does, time must not go back."""

    def now_s(self) -> float:
        """Current time, seconds."""

    def sleep(self, duration_s: float) -> None:
        """Let node time pass.

        Raises:
            HardwareLost: Node time stands still for longer than the steady-clock timeout.
            ClockError: It was set back since the task began.
        """


class Motion(Protocol):
    """A running command."""

    def done(self) -> bool:
        """Whether it has ended, well or not."""

    def check(self) -> None:
        """Raise what went wrong, if it has ended badly.

        Raises:
            TrajectoryRefused, TrajectoryAborted, GripperFailed, HardwareLost, ...
        """

    def cancel(self) -> None:
        """Ask to stop; ``done`` tells when it has."""


class ArmMotion(Motion, Protocol):
    """A trajectory under way, judged by what its controller says of it."""

    def progress_s(self) -> float:
        """How far along the trajectory the set point is, seconds of the trajectory's own time.

        Controllers stretch time: at a speed scaling of 10 % a second of it takes ten.

        Returns:
            NaN where the controller has told nothing.

        Raises:
            UnexpectedContact: The arm has been off its set point for too long.
            InvalidStates: A position that the controller tells is not finite.
        """


class Arm(Protocol):
    """A joint-trajectory controlled arm."""

    def state(self) -> ArmState:
        """Newest measured state.

        Raises:
            StaleJointStates: None has arrived for too long.
        """

    def start(self, trajectory: JointTrajectory) -> ArmMotion:
        """Begin to follow a trajectory that starts where the arm is."""

    def external_force_n(self) -> tuple[float, float] | None:
        """What pulls at the hand from outside, as the arm measures it.

        Returns:
            Force along the base frame's -z axis, newtons (a lifted mass shows its weight, the
            hand's own is compensated), and the stamp of the measurement, seconds; None where
            the arm measures none, or nothing fresh has come.
        """


class Gripper(Protocol):
    """A parallel gripper with a force limit.

    One that reports no opening opens and closes all the way, and its force is what it is.
    """

    def state(self) -> GripperState:
        """Newest measured state.

        Raises:
            StaleJointStates: None has arrived for too long.
        """

    def states_since(self, stamp_s: float) -> Sequence[GripperState]:
        """All states measured after a time, oldest first, as far back as one second.

        Whoever watches a grip must not miss a sample because it looked too late.

        Raises:
            StaleJointStates: None has arrived for too long.
        """

    def start(self, gap_m: float, force_n: float) -> Motion:
        """Begin to move to a gap, metres, with at most this force per finger, newtons."""


class Camera(Protocol):
    """Camera plus detector."""

    def look(self, not_before_s: float, label: str, wait: Wait) -> Observation:
        """Detect grasps in one image exposed at or after ``not_before_s``.

        Args:
            not_before_s: Node time, seconds.
            label: Only this object class; empty any.
            wait: See :data:`Wait`; called until an image has come and been looked at.

        Raises:
            NoImage, StaleDetection, BadImage, NoGrasp, ObjectNotFound, NoTransform,
            BadCalibration, HardwareLost, or what ``wait`` raises.
        """

    def see(self, not_before_s: float, wait: Wait) -> Observation:
        """One image exposed at or after ``not_before_s``, whatever there is to grasp in it.

        Args:
            not_before_s: Node time, seconds.
            wait: See :data:`Wait`.

        Raises:
            NoImage, StaleDetection, BadImage, NoTransform, BadCalibration, HardwareLost, or what
            ``wait`` raises.
        """


class Operator(Protocol):
    """Somebody beside the robot, without whose word no motion begins."""

    def ask(self, what: str) -> None:
        """Ask for a confirmation of what would move next, a short phrase; takes back any other."""

    def has_confirmed(self) -> bool:
        """Whether what was asked for last has been confirmed."""

    def withdraw(self) -> None:
        """Nothing is asked for any more."""


class Planner(Protocol):
    """Inverse kinematics, paths and collision checking for one arm.

    Three of its calls may take seconds. Each calls ``wait``, see :data:`Wait`, before every
    attempt, and raises what that raises; every other failure to plan is a ``PlanFailure``. One
    that plans in another process raises HardwareLost where that does not answer.
    """

    def forward(self, joints: JointVector) -> Transform:
        """``T_base_tcp`` of a configuration."""

    def set_scene(self, scene: CollisionScene) -> None:
        """Replace all obstacles."""

    def set_gap(self, gap_m: float) -> None:
        """Check collisions with the fingers this far apart, metres; fully open until told."""

    def attach(self, box: Box | None) -> None:
        """Carry a box, its pose relative to the tcp frame, with the hand; None lets go."""

    def solve_ik(
        self, T_base_tcp: Transform, near: JointVector, count: int = 4, *, wait: Wait
    ) -> list[JointVector]:
        """Distinct collision-free configurations of a pose, nearest to ``near`` first.

        Raises:
            Unreachable: No configuration within limits reaches the pose.
            Collision: Every one that does collides; names the pair.
        """

    def plan_joints(
        self, start: JointVector, goal: JointVector, speed: float = 1.0, *, wait: Wait
    ) -> JointTrajectory:
        """Collision-free path between configurations.

        Args:
            start: Shape (J,), rad.
            goal: Shape (J,), rad.
            speed: Scale of velocity limits, (0, 1]; accelerations scale with it.
            wait: Called between attempts.

        Raises:
            Collision: Start or goal collides; names the pair.
            PlanningFailed: No path was found in time.
        """

    def plan_line(
        self, start: JointVector, T_base_tcp: Transform, speed_m_s: float, *, wait: Wait
    ) -> JointTrajectory:
        """Straight line of the tcp frame at no more than ``speed_m_s`` metres per second.

        Raises:
            Unreachable: The line leaves the joint limits or jumps between IK branches.
            Collision: The line touches an obstacle; names the pair.
        """
