"""Progress and result of a pick as messages of the action."""

from __future__ import annotations

import time

from builtin_interfaces.msg import Time
from grasp_msgs.action import Pick
from grasp_msgs.msg import Grasp as GraspMsg
from rclpy.action.server import ServerGoalHandle

from grasp_executor.outcome import PickOutcome, Progress, Stage
from grasp_ros.conversions import grasp_to_msg, pose_from_transform

_FEEDBACK_PERIOD_S = 0.1


def result_to_msg(outcome: PickOutcome, base_frame: str, stamp: Time) -> Pick.Result:
    """Result of the action; the pose is in the base frame."""
    result = Pick.Result(
        success=outcome.success,
        code=int(outcome.code),
        message=outcome.message,
        force_n=float(outcome.force_n),
        force_source=outcome.force_source,
        grip_force_n=float(outcome.grip_force_n),
        opening_m=float(outcome.opening_m),
        held_s=float(outcome.held_s),
        attempts=outcome.attempts,
        stages=[stage.value for stage, _ in outcome.stage_s],
        stage_s=[float(seconds) for _, seconds in outcome.stage_s],
        holding=outcome.holding,
    )
    if outcome.grasp is not None:
        result.grasp = grasp_to_msg(outcome.grasp)
    if outcome.T_base_grasp is not None:
        result.pose.header.frame_id = base_frame
        result.pose.header.stamp = stamp
        result.pose.pose = pose_from_transform(outcome.T_base_grasp)
    return result


class Feedback:
    """Publishes progress: what changes at once, forces ten times a second."""

    def __init__(self, handle: ServerGoalHandle) -> None:
        self._handle = handle
        self._told: tuple[Stage, str] | None = None
        self._sent = 0.0

    def __call__(self, progress: Progress) -> None:
        """Publish it, unless nothing but the force has changed since a moment ago."""
        now = time.monotonic()
        changed = (progress.stage, progress.waits_for) != self._told
        if not changed and now - self._sent < _FEEDBACK_PERIOD_S:
            return
        self._told, self._sent = (progress.stage, progress.waits_for), now
        candidate = GraspMsg() if progress.grasp is None else grasp_to_msg(progress.grasp)
        self._handle.publish_feedback(
            Pick.Feedback(
                stage=progress.stage.value,
                candidate=candidate,
                force_n=float(progress.force_n),
                waits_for=progress.waits_for,
            )
        )
