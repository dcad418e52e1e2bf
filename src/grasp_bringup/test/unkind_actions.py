"""The stand-in's actions: FollowJointTrajectory and GripperCommand, kind until told otherwise."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration
from control_msgs.action import FollowJointTrajectory, GripperCommand
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectoryPoint
from unkind_body import ArmPath, Body

_POLL_S = 0.005
_FEEDBACK_PERIOD_S = 0.03
_FOLLOW = FollowJointTrajectory.Result


class _Server:
    """What both actions can be told to do badly.

    Attributes:
        refuses: It takes no goals.
        refuses_cancel: It takes no cancels.
        abort_code: It aborts the goal at once, with this code; None does not.
        delay_s: It tells the result so much later, wall time.
        is_silent: It tells no result.
        is_early: It tells success at once, and goes on.
    """

    def __init__(self, node: Node, kind: type, name: str) -> None:
        self.behave()
        self._node = node
        ActionServer(
            node,
            kind,
            name,
            execute_callback=self._execute,
            goal_callback=lambda goal: (
                GoalResponse.REJECT if self.refuses else GoalResponse.ACCEPT
            ),
            cancel_callback=lambda goal: (
                CancelResponse.REJECT if self.refuses_cancel else CancelResponse.ACCEPT
            ),
            callback_group=ReentrantCallbackGroup(),
        )

    def behave(self) -> None:
        """Do nothing badly."""
        self.refuses, self.refuses_cancel, self.is_silent, self.is_early = (False,) * 4
        self.abort_code: int | None = None
        self.delay_s = 0.0

    def _execute(self, handle: Any) -> Any:
        result = self._run(handle)
        told = time.monotonic() + self.delay_s
        while self._node.context.ok() and (self.is_silent or time.monotonic() < told):
            time.sleep(_POLL_S)
        return result

    def _run(self, handle: Any) -> Any:
        raise NotImplementedError


class ArmServer(_Server):
    """Follows trajectories, and keeps to the tolerances of the goal.

    Attributes:
        ignores_tolerances: Reports success wherever the arm is.
    """

    def __init__(self, node: Node, body: Body) -> None:
        self._body, self._arm = body, node.robot.arm
        super().__init__(node, FollowJointTrajectory, self._arm.trajectory_action)

    def behave(self) -> None:
        super().behave()
        self.ignores_tolerances = False

    def _run(self, handle: Any) -> FollowJointTrajectory.Result:
        goal, body = handle.request, self._body
        order = [goal.trajectory.joint_names.index(joint) for joint in self._arm.joints]
        points = goal.trajectory.points
        path = ArmPath(
            np.array([_seconds(point.time_from_start) for point in points]),
            np.array([np.asarray(point.positions)[order] for point in points]),
        )
        off_rad = _tightest(goal.path_tolerance)
        body.follow(path)
        told = 0.0
        while not path.ended and not self.is_early:
            time.sleep(_POLL_S)
            if handle.is_cancel_requested and not self.refuses_cancel:
                body.stop(path)
                handle.canceled()
                return _FOLLOW()
            if self.abort_code is not None:
                body.stop(path)
                return self._abort(handle, self.abort_code, "the stand-in was told to abort")
            with body.lock:
                error = np.abs(path.desired() - body.joints).max()
            if error > off_rad and not self.ignores_tolerances:
                body.stop(path)
                return self._abort(
                    handle, _FOLLOW.PATH_TOLERANCE_VIOLATED, f"off the path by {error:.3f} rad"
                )
            if time.monotonic() - told > _FEEDBACK_PERIOD_S:
                told = time.monotonic()
                handle.publish_feedback(self._feedback(path))
        handle.succeed()
        return _FOLLOW()

    def _abort(self, handle: Any, code: int, why: str) -> FollowJointTrajectory.Result:
        handle.abort()
        return _FOLLOW(error_code=code, error_string=why)

    def _feedback(self, path: ArmPath) -> FollowJointTrajectory.Feedback:
        with self._body.lock:
            desired, actual = path.desired(), self._body.joints
        since = _duration(path.since_s)
        message = FollowJointTrajectory.Feedback(
            joint_names=list(self._arm.joints),
            desired=JointTrajectoryPoint(positions=desired.tolist(), time_from_start=since),
            actual=JointTrajectoryPoint(positions=actual.tolist(), time_from_start=since),
            error=JointTrajectoryPoint(
                positions=(desired - actual).tolist(), time_from_start=since
            ),
        )
        message.header.stamp = self._node.stamp("arm")
        return message


class HandServer(_Server):
    """Moves the jaws to a gap, and reports what stopped them.

    Attributes:
        is_frankas: Answers as Franka's own server: aborts when the jaws close on anything, effort
            0, never stalled, and refuses nothing but aborts beyond the widest gap.
    """

    def __init__(self, node: Node, body: Body) -> None:
        self._body, self._hand = body, node.robot.gripper
        super().__init__(node, GripperCommand, self._hand.action)

    def behave(self) -> None:
        super().behave()
        self.is_frankas = False

    def _run(self, handle: Any) -> GripperCommand.Result:
        command, body = handle.request.command, self._body
        gap_m = self._hand.gap_from_command(command.position)
        if self.is_frankas and gap_m > self._hand.max_gap_m + 1e-9:
            handle.abort()
            return self._report()
        body.grip(gap_m, command.max_effort)
        while not body.jaws_rest and not self.is_early:
            time.sleep(_POLL_S)
            if handle.is_cancel_requested and not self.refuses_cancel:
                body.grip(body.gap_m, command.max_effort)
                handle.canceled()
                return self._report()
            if self.abort_code is not None:
                break
        met_something = abs(body.gap_m - gap_m) > 1e-3
        if self.abort_code is not None or (self.is_frankas and met_something):
            handle.abort()
        else:
            handle.succeed()
        return self._report()

    def _report(self) -> GripperCommand.Result:
        body = self._body
        result = GripperCommand.Result(position=self._hand.command_from_gap(body.gap_m))
        if not self.is_frankas:
            result.effort = float(body.force_n * body.presses)
            result.stalled = bool(body.presses)
        result.reached_goal = bool(abs(body.gap_m - body.target_m) < 1e-3)
        return result


def _tightest(tolerances: Any) -> float:
    named = [tolerance.position for tolerance in tolerances if tolerance.position > 0.0]
    return min(named, default=float("inf"))


def _seconds(duration: Any) -> float:
    return duration.sec + duration.nanosec * 1e-9


def _duration(seconds: float) -> Duration:
    return Duration(sec=int(seconds), nanosec=int(seconds % 1.0 * 1e9))
