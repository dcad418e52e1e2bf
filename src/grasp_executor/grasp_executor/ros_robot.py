"""The pick sequence's interfaces over ROS: joint states, actions, the detector's service."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from control_msgs.action import FollowJointTrajectory, GripperCommand
from grasp_msgs.msg import Grasp as GraspMsg
from grasp_msgs.srv import DetectGrasps
from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectoryPoint

from grasp_core.errors import (
    Code,
    GraspStackError,
    GripperFailed,
    HardwareLost,
    NoGrasp,
    NoTransform,
    StaleDetection,
    StaleJointStates,
    TrajectoryAborted,
    TrajectoryRefused,
    UnexpectedContact,
    failure_from,
)
from grasp_core.grasp import Grasp
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.config import ExecutorConfig
from grasp_executor.hand_eye import HandEye
from grasp_executor.interfaces import ArmState, GripperState, JointTrajectory, Observation
from grasp_ros.conversions import (
    NANOSECONDS,
    camera_from_info,
    depth_from_image,
    grasp_from_msg,
    ns_to_stamp,
    stamp_to_ns,
)
from grasp_ros.qos import STATES
from grasp_ros.spinner import Spinner
from grasp_ros.tf import TransformSource

_POLL_S = 0.001
_MEMORY_S = 1.0
_MOST_AHEAD_S = 5.0  # of a fast simulation's clock; more is a state of another run
_JUMP_S = 1.0  # back in time: more than messages can overtake each other
_DISCOVERY_S = 3.0
_ARRIVAL_S = 0.1  # wall time for messages on their way
_TF_PATIENCE = 50


class RosClock:
    """Node time; a steady clock notices when it stands still."""

    def __init__(self, node: Node, hardware_timeout_s: float) -> None:
        self._clock = node.get_clock()
        self._timeout_s = hardware_timeout_s

    def now_s(self) -> float:
        """Current node time, seconds."""
        return self._clock.now().nanoseconds / NANOSECONDS

    def sleep(self, duration_s: float) -> None:
        """Let node time pass.

        Raises:
            HardwareLost: Node time stands still.
        """
        now, moved = self.now_s(), time.monotonic()
        end = now + duration_s
        while now < end:
            time.sleep(min(_POLL_S, duration_s))
            last, now = now, self.now_s()
            if now < last - _JUMP_S:
                raise HardwareLost(
                    f"node time jumped back from {last:.3f} to {now:.3f} s: whatever publishes "
                    "/clock was restarted"
                )
            if now != last:
                moved = time.monotonic()
            elif time.monotonic() - moved > self._timeout_s:
                raise HardwareLost(
                    f"node time has stood still at {now:.3f} s for {self._timeout_s:.1f} s: "
                    "whatever publishes /clock has stopped"
                )


@dataclass(frozen=True)
class _Joint:
    position: float
    velocity: float
    effort: float
    stamp_s: float


class JointStateCache:
    """Newest state of every joint, from however many publishers."""

    def __init__(self, node: Node, clock: RosClock, timeout_s: float) -> None:
        self._clock = clock
        self._timeout_s = timeout_s
        self._joints: dict[str, _Joint] = {}
        self._recent: dict[str, deque[_Joint]] = {}
        self._lock = threading.Lock()
        self._subscription = node.create_subscription(
            JointState,
            "joint_states",
            self._receive,
            STATES,
        )

    def remember(self, names: tuple[str, ...]) -> None:
        """Keep the last second of these joints, see :meth:`since`."""
        with self._lock:
            self._recent.update({name: deque() for name in names})

    def _receive(self, message: JointState) -> None:
        stamp = stamp_to_ns(message.header.stamp) / NANOSECONDS
        velocity, effort = message.velocity, message.effort
        fresh = {
            name: _Joint(
                message.position[i],
                velocity[i] if i < len(velocity) else float("nan"),
                effort[i] if i < len(effort) else float("nan"),
                stamp,
            )
            for i, name in enumerate(message.name)
            if i < len(message.position)
        }
        with self._lock:
            self._joints.update(fresh)
            for name, samples in self._recent.items():
                if name in fresh:
                    if samples and stamp < samples[-1].stamp_s - _JUMP_S:
                        samples.clear()  # the driver was restarted
                    samples.append(fresh[name])
                    while samples[-1].stamp_s - samples[0].stamp_s > _MEMORY_S:
                        samples.popleft()

    def _newest(self, names: tuple[str, ...]) -> list[_Joint | None]:
        with self._lock:
            return [self._joints.get(name) for name in names]

    def since(self, names: tuple[str, ...], stamp_s: float) -> list[tuple[_Joint, ...]]:
        """Remembered samples of joints that were measured together, after a time."""
        with self._lock:
            by_stamp = [{joint.stamp_s: joint for joint in self._recent[name]} for name in names]
        stamps = set.intersection(*(set(samples) for samples in by_stamp))
        return [
            tuple(samples[stamp] for samples in by_stamp)
            for stamp in sorted(stamps)
            if stamp > stamp_s
        ]

    def read(self, names: tuple[str, ...]) -> list[_Joint]:
        """States of joints, in the order asked for.

        Raises:
            StaleJointStates: One is missing or older than the timeout.
        """
        began = time.monotonic()
        while True:
            found = self._newest(names)
            oldest = min((joint.stamp_s for joint in found if joint), default=0.0)
            if None not in found and self._clock.now_s() - oldest <= self._timeout_s:
                break
            # A clock message may overtake joint states already on their way; the first of all
            # comes when publisher and subscription have found each other.
            patience_s = _DISCOVERY_S if None in found else _ARRIVAL_S
            if time.monotonic() - began > patience_s:
                break
            time.sleep(_POLL_S)
        missing = [name for name, joint in zip(names, found, strict=True) if joint is None]
        if missing:
            raise StaleJointStates(
                f"no joint state of {', '.join(missing)} yet: check the topic joint_states"
            )
        joints = [joint for joint in found if joint is not None]
        age = self._clock.now_s() - min(joint.stamp_s for joint in joints)
        if age > self._timeout_s or age < -_MOST_AHEAD_S:
            raise StaleJointStates(
                f"the joint states of {names[0]} ... are {age:.2f} s old, allowed are "
                f"{self._timeout_s:.2f} s: the driver has stopped or lags"
            )
        return joints


class _ActionMotion:
    """A goal of an action server as a :class:`~grasp_executor.interfaces.Motion`."""

    def __init__(
        self,
        hardware: Spinner,
        client: ActionClient,
        name: str,
        goal: Any,
        what: str,
        timeout_s: float,
        judge: Callable[[int, Any], None],
        refused: type[GraspStackError],
    ) -> None:
        self._hardware = hardware
        self._what = what
        self._timeout_s = timeout_s
        self._judge = judge
        self._refused = refused
        self._lost: HardwareLost | None = None
        self._handle: Any = None
        self._result: Future | None = None
        self._cancelled = False
        self._cancel_sent = False
        if not client.wait_for_server(timeout_sec=timeout_s):
            raise HardwareLost(
                f"{what} does not answer on {name} for {timeout_s:.1f} s: does its controller run?"
            )
        self._since = time.monotonic()
        self._accepted = hardware.run(lambda: client.send_goal_async(goal))
        self._accepted.add_done_callback(self._on_answer)

    def done(self) -> bool:
        """See Motion."""
        if self._lost is not None:
            return True
        if self._handle is None:
            if not self._accepted.done():
                return self._silent("neither accepts nor refuses the goal")
            self._handle = self._accepted.result()
            if self._handle.accepted:
                self._result = self._hardware.run(self._handle.get_result_async)
        if not self._handle.accepted:
            return True
        if self._cancelled and not self._cancel_sent and not self._result_ready():
            self._cancel_sent = True
            self._since = time.monotonic()
            self._hardware.run(self._handle.cancel_goal_async)
        if self._cancel_sent and not self._result_ready():
            return self._silent("does not confirm the cancel")
        return self._result_ready()

    def _on_answer(self, future: Future) -> None:
        """Cancel a goal that is accepted after it was given up."""
        if (self._cancelled or self._lost is not None) and future.result().accepted:
            future.result().cancel_goal_async()

    def _result_ready(self) -> bool:
        return self._result is not None and self._result.done()

    def _silent(self, complaint: str) -> bool:
        if time.monotonic() - self._since > self._timeout_s:
            self._lost = HardwareLost(f"{self._what} {complaint} within {self._timeout_s:.1f} s")
        return self._lost is not None

    def cancel(self) -> None:
        """See Motion."""
        self._cancelled = True
        self.done()

    def check(self) -> None:
        """See Motion."""
        if self._lost is not None:
            raise self._lost
        if not self._handle.accepted:
            raise self._refused(f"{self._what} refused the goal; its log says why")
        response = self._result.result() if self._result is not None else None
        if response is not None:
            self._judge(response.status, response.result)


class RosArm:
    """An arm behind joint_states and FollowJointTrajectory."""

    def __init__(
        self, hardware: Spinner, model: RobotModel, config: ExecutorConfig, states: JointStateCache
    ) -> None:
        self._hardware = hardware
        self._action = config.arm_action
        self._joints = model.arm.joints
        self._states = states
        self._timeout_s = config.hardware_timeout_s
        self._client = ActionClient(
            hardware.node,
            FollowJointTrajectory,
            config.arm_action,
        )

    def state(self) -> ArmState:
        """See Arm."""
        joints = self._states.read(self._joints)
        if any(math.isnan(joint.velocity) for joint in joints):
            raise StaleJointStates(
                "the joint states carry no velocity: the driver must publish it, or nobody knows "
                "when the arm is at rest"
            )
        return ArmState(
            np.array([joint.position for joint in joints]),
            np.array([joint.velocity for joint in joints]),
            min(joint.stamp_s for joint in joints),
        )

    def start(self, trajectory: JointTrajectory) -> _ActionMotion:
        """See Arm."""
        goal = FollowJointTrajectory.Goal()
        goal.trajectory.joint_names = list(trajectory.joints)
        goal.trajectory.points = [
            JointTrajectoryPoint(
                positions=positions.tolist(),
                velocities=velocities.tolist(),
                accelerations=accelerations.tolist(),
                time_from_start=_duration(time_s),
            )
            for time_s, positions, velocities, accelerations in zip(
                trajectory.times_s,
                trajectory.positions,
                trajectory.velocities,
                trajectory.accelerations,
                strict=True,
            )
        ]
        return _ActionMotion(
            self._hardware,
            self._client,
            self._action,
            goal,
            "the arm",
            self._timeout_s,
            _judge_trajectory,
            TrajectoryRefused,
        )


def _judge_trajectory(status: int, result: FollowJointTrajectory.Result) -> None:
    codes = FollowJointTrajectory.Result
    if status == GoalStatus.STATUS_SUCCEEDED and result.error_code == codes.SUCCESSFUL:
        return
    message = f"the arm controller reports {result.error_code}: {result.error_string or 'aborted'}"
    if result.error_code in (
        codes.INVALID_GOAL,
        codes.INVALID_JOINTS,
        codes.OLD_HEADER_TIMESTAMP,
    ):
        raise TrajectoryRefused(message)
    if result.error_code == codes.PATH_TOLERANCE_VIOLATED:
        raise UnexpectedContact(message)
    raise TrajectoryAborted(message)


class RosGripper:
    """A gripper behind joint_states and GripperCommand."""

    def __init__(
        self, hardware: Spinner, model: RobotModel, config: ExecutorConfig, states: JointStateCache
    ) -> None:
        self._hardware = hardware
        self._action = config.gripper_action
        self._model = model
        self._states = states
        states.remember(model.gripper.joints)
        self._timeout_s = config.hardware_timeout_s
        self._client = ActionClient(
            hardware.node,
            GripperCommand,
            config.gripper_action,
        )

    def state(self) -> GripperState:
        """See Gripper."""
        return _gripper_state(self._states.read(self._model.gripper.joints))

    def states_since(self, stamp_s: float) -> list[GripperState]:
        """See Gripper."""
        names = self._model.gripper.joints
        self._states.read(names)
        return [_gripper_state(sample) for sample in self._states.since(names, stamp_s)]

    def start(self, gap_m: float, force_n: float) -> _ActionMotion:
        """See Gripper."""
        goal = GripperCommand.Goal()
        goal.command.position = self._model.command_from_gap(gap_m)
        goal.command.max_effort = force_n
        return _ActionMotion(
            self._hardware,
            self._client,
            self._action,
            goal,
            "the gripper",
            self._timeout_s,
            _judge_gripper,
            GripperFailed,
        )


def _gripper_state(joints: Sequence[_Joint]) -> GripperState:
    return GripperState(
        sum(joint.position for joint in joints),
        np.array([abs(joint.effort) for joint in joints]),
        min(joint.stamp_s for joint in joints),
    )


def _judge_gripper(status: int, result: GripperCommand.Result) -> None:
    # A stalled gripper may be reported as aborted: it holds something, which is what closing is.
    if status != GoalStatus.STATUS_SUCCEEDED and not (result.stalled or result.reached_goal):
        raise GripperFailed(
            f"the gripper gave up at position {result.position:.4f} with {result.effort:.1f} N"
        )


def _usable(messages: Sequence[GraspMsg]) -> list[Grasp]:
    """Candidates that make sense; other people's detectors may send others.

    Raises:
        NoGrasp: None does.
    """
    grasps: list[Grasp] = []
    complaint = "the list is empty"
    for message in messages:
        try:
            grasps.append(grasp_from_msg(message))
        except ValueError as error:
            complaint = str(error)
    if not grasps:
        raise NoGrasp(f"none of {len(messages)} candidates makes sense: {complaint}")
    return grasps


def _duration(seconds: float) -> Duration:
    sec, nanosec = divmod(round(float(seconds) * NANOSECONDS), NANOSECONDS)
    return Duration(sec=int(sec), nanosec=int(nanosec))


class RosCamera:
    """Camera and detector behind the DetectGrasps service, posed by TF or a hand-eye file."""

    def __init__(
        self,
        node: Node,
        base_frame: str,
        config: ExecutorConfig,
        transforms: TransformSource,
        hand_eye: HandEye | None,
    ) -> None:
        self._base_frame = base_frame
        self._timeout_s = config.detect_timeout_s
        self._grace_s = config.hardware_timeout_s
        self._transforms = transforms
        self._hand_eye = hand_eye
        self._client = node.create_client(DetectGrasps, config.detect_service)

    def look(self, not_before_s: float, label: str, wait: Callable[[], None]) -> Observation:
        """See Camera."""
        not_before_ns = round(not_before_s * NANOSECONDS)
        response = self._ask(not_before_ns, label, wait)
        if response.code != Code.OK:
            raise failure_from(response.code, response.message)
        header = response.grasps.header
        stamp_ns = stamp_to_ns(header.stamp)
        if stamp_ns < not_before_ns:
            raise StaleDetection(
                f"the detector answered with an image of {stamp_ns / NANOSECONDS:.3f} s, asked "
                f"for was {not_before_s:.3f} s or later"
            )
        return Observation(
            grasps=_usable(response.grasps.grasps),
            depth_m=depth_from_image(response.depth),
            camera=camera_from_info(response.camera_info),
            T_base_camera=self._camera_pose(header.frame_id, stamp_ns, wait),
            stamp_s=stamp_ns / NANOSECONDS,
        )

    def _ask(
        self, not_before_ns: int, label: str, wait: Callable[[], None]
    ) -> DetectGrasps.Response:
        if not self._client.wait_for_service(timeout_sec=self._grace_s):
            raise HardwareLost(
                f"no detector answers on {self._client.srv_name}: is it running and active?"
            )
        request = DetectGrasps.Request(
            not_before=ns_to_stamp(not_before_ns), timeout_s=self._timeout_s, label=label
        )
        future = self._client.call_async(request)
        deadline = time.monotonic() + self._timeout_s + self._grace_s
        try:
            while not future.done():
                wait()
                if time.monotonic() > deadline:
                    raise HardwareLost(
                        f"the detector does not answer on {self._client.srv_name} within "
                        f"{self._timeout_s + self._grace_s:.0f} s"
                    )
        except GraspStackError:
            self._client.remove_pending_request(future)
            raise
        return future.result()

    def _camera_pose(self, frame_id: str, stamp_ns: int, wait: Callable[[], None]) -> Transform:
        """``T_base_camera`` at a stamp; transforms of that time may arrive a moment later."""
        for _ in range(_TF_PATIENCE):
            try:
                return self._pose_now(frame_id, stamp_ns)
            except NoTransform:
                wait()
        return self._pose_now(frame_id, stamp_ns)

    def _pose_now(self, frame_id: str, stamp_ns: int) -> Transform:
        calibration = self._hand_eye
        if calibration is None:
            return self._transforms.lookup(self._base_frame, frame_id, stamp_ns)
        if calibration.camera_frame != frame_id:
            raise NoTransform(
                f"the hand-eye file calibrates {calibration.camera_frame!r}, the image is in "
                f"{frame_id!r}"
            )
        if calibration.parent_frame == self._base_frame:
            return calibration.T_parent_camera
        T_base_parent = self._transforms.lookup(
            self._base_frame, calibration.parent_frame, stamp_ns
        )
        return T_base_parent @ calibration.T_parent_camera
