"""A planned trajectory as a message."""

from __future__ import annotations

from builtin_interfaces.msg import Duration
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg
from trajectory_msgs.msg import JointTrajectoryPoint

from grasp_executor.interfaces import JointTrajectory
from grasp_ros.conversions import NANOSECONDS


def trajectory_to_msg(trajectory: JointTrajectory) -> JointTrajectoryMsg:
    """Joints and points; the stamp of the header stays zero, which means at once."""
    return JointTrajectoryMsg(
        joint_names=list(trajectory.joints),
        points=[
            JointTrajectoryPoint(
                positions=positions.tolist(),
                velocities=velocities.tolist(),
                accelerations=accelerations.tolist(),
                time_from_start=duration_to_msg(time_s),
            )
            for time_s, positions, velocities, accelerations in zip(
                trajectory.times_s,
                trajectory.positions,
                trajectory.velocities,
                trajectory.accelerations,
                strict=True,
            )
        ],
    )


def duration_to_msg(seconds: float) -> Duration:
    """Seconds as a message."""
    sec, nanosec = divmod(round(float(seconds) * NANOSECONDS), NANOSECONDS)
    return Duration(sec=int(sec), nanosec=int(nanosec))
