"""The stand-in's actions, kind until told otherwise, and the arm's FollowJointTrajectory."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration
from control_msgs.action import FollowJointTrajectory
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectoryPoint
from unkind_body import ArmPath, Body

POLL_S = 0.005
_FEEDBACK_PERIOD_S = 0.03
_FOLLOW = FollowJointTrajectory.Result


class Manners:
    """What the server of an action can be told to do badly.

    Attributes:
        refuses: It takes no goals.
        refuses_cancel: It takes no cancels.
        abort_code: It aborts the goal at once, with this code; None does not.
        delay_s: It tells the result so much later, wall time.
        is_silent: It tells no result.
        is_early: It tells success at once, and goes on.
    """

    def __init__(self) -> None:
        self.behave()

    def behave(self) -> None:
        """Do nothing badly."""
        self.refuses, self.refuses_cancel, self.is_silent, self.is_early = (False,) * 4
        self.abort_code: int | None = None
        self.delay_s = 0.0


class Server:
    """An action, served with manners that may change."""

    def __init__(self, node: Node, kind: type, name: str, manners: Manners) -> None:
        self._node = node
        self._manners = manners
        ActionServer(
            node,
            kind,
            name,
            execute_callback=self._execute,
            goal_callback=lambda goal: (
                GoalResponse.REJECT if manners.refuses else GoalResponse.ACCEPT
            ),
            cancel_callback=lambda goal: (
                CancelResponse.REJECT if manners.refuses_cancel else CancelResponse.ACCEPT
            ),
            callback_group=ReentrantCallbackGroup(),
        )

    def _execute(self, handle: Any) -> Any:
        result = self._run(handle)
        told = time.monotonic() + self._manners.delay_s
        while self._node.context.ok() and (self._manners.is_silent or time.monotonic() < told):
            time.sleep(POLL_S)
        return result

    def _run(self, handle: Any) -> Any:
        raise NotImplementedError


class ArmManners(Manners):
    """Those of the arm's controller.

    Attributes:
        ignores_tolerances: Reports success wherever the arm is.
    """

    def behave(self) -> None:
        super().behave()
        self.ignores_tolerances = False


class ArmServer(Server):
    """Follows trajectories, and keeps to the tolerances of the goal."""

    def __init__(self, node: Node, body: Body, manners: ArmManners) -> None:
        self._body, self._arm = body, node.robot.arm
        super().__init__(node, FollowJointTrajectory, self._arm.trajectory_action, manners)

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
        told, manners = 0.0, self._manners
        while not path.ended and not manners.is_early:
            time.sleep(POLL_S)
            if handle.is_cancel_requested and not manners.refuses_cancel:
                body.stop(path)
                handle.canceled()
                return _FOLLOW()
            if manners.abort_code is not None:
                body.stop(path)
                return self._abort(handle, manners.abort_code, "the stand-in was told to abort")
            with body.lock:
                error = np.abs(path.desired() - body.joints).max()
            if error > off_rad and not manners.ignores_tolerances:
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


def _tightest(tolerances: Any) -> float:
    named = [tolerance.position for tolerance in tolerances if tolerance.position > 0.0]
    return min(named, default=float("inf"))


def _seconds(duration: Any) -> float:
    return duration.sec + duration.nanosec * 1e-9


def _duration(seconds: float) -> Duration:
    return Duration(sec=int(seconds), nanosec=int(seconds % 1.0 * 1e9))
