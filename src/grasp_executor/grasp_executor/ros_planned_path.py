"""What the arm is about to do, for RViz and for whoever listens: path, ghost and trajectory."""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Vector3
from numpy.typing import NDArray
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from std_msgs.msg import ColorRGBA
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg
from visualization_msgs.msg import Marker, MarkerArray

from grasp_core.robot import RobotModel
from grasp_executor.interfaces import JointTrajectory
from grasp_executor.link_motion import LinkMotion
from grasp_executor.ros_trajectory import trajectory_to_msg
from grasp_ros.qos import LATCHED

_PATH_TOPIC = "~/planned_path"
_TRAJECTORY_TOPIC = "~/planned_trajectory"
_LIFETIME_S = 60
_PATH_POINTS = 200  # most points of the drawn path
_GHOSTS = 12  # configurations of the arm that are drawn
_PATH_COLOR = ColorRGBA(r=0.1, g=0.4, b=0.9, a=0.9)
_GHOST_COLOR = ColorRGBA(r=0.3, g=0.5, b=0.9, a=0.35)
_PATH_WIDTH_M = 0.006
_GHOST_WIDTH_M = 0.05


class PlannedPath:
    """Publishes every motion before it begins; a dry run's as one."""

    def __init__(self, node: Node, robot: RobotModel) -> None:
        """Publish nothing yet; see :class:`LinkMotion` for the errors."""
        self._node = node
        self._frame_id, self._tcp = robot.arm.base_frame, robot.arm.tcp_frame
        self._motion = LinkMotion(robot)
        # Without event handlers: see grasp_ros.camera_input.
        quiet = PublisherEventCallbacks(use_default_callbacks=False)
        self._markers = node.create_publisher(
            MarkerArray, _PATH_TOPIC, LATCHED, event_callbacks=quiet
        )
        self._trajectory = node.create_publisher(
            JointTrajectoryMsg, _TRAJECTORY_TOPIC, LATCHED, event_callbacks=quiet
        )

    def show(self, trajectory: JointTrajectory) -> None:
        """Draw a motion, in place of the one before."""
        self._trajectory.publish(trajectory_to_msg(trajectory))
        markers = [Marker(action=Marker.DELETEALL)]
        along = _spread(trajectory, _PATH_POINTS)
        path = self._motion.poses(along)[self._tcp][:, :3, 3]
        markers.append(_line("path", 0, path, _PATH_COLOR, _PATH_WIDTH_M))
        poses = self._motion.poses(_spread(trajectory, _GHOSTS))
        ghosts = np.stack([poses[link][:, :3, 3] for link in self._motion.chain], axis=1)
        for index, ghost in enumerate(ghosts):
            markers.append(_line("ghost", index, ghost, _GHOST_COLOR, _GHOST_WIDTH_M))
        for marker in markers:
            marker.header.frame_id = self._frame_id
        self._markers.publish(MarkerArray(markers=markers))

    def destroy(self) -> None:
        """Publish no more."""
        self._node.destroy_publisher(self._markers)
        self._node.destroy_publisher(self._trajectory)


def _spread(trajectory: JointTrajectory, most: int) -> NDArray[np.float64]:
    """Configurations of a trajectory, first and last among them."""
    count = min(most, len(trajectory.positions))
    return trajectory.positions[np.linspace(0, len(trajectory.positions) - 1, count).astype(int)]


def _line(
    namespace: str, index: int, points: NDArray[np.float64], color: ColorRGBA, width_m: float
) -> Marker:
    """A line through points, shape (N, 3), metres, base frame."""
    marker = Marker(
        ns=namespace,
        id=index,
        type=Marker.LINE_STRIP,
        action=Marker.ADD,
        scale=Vector3(x=width_m),
        color=color,
        lifetime=Duration(sec=_LIFETIME_S),
        points=[Point(x=float(x), y=float(y), z=float(z)) for x, y, z in points],
    )
    marker.pose.orientation.w = 1.0
    return marker
