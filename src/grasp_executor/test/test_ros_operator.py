"""What an operator says and sees: confirmations, and the planned path."""

from __future__ import annotations

import time

import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg
from visualization_msgs.msg import Marker, MarkerArray

from grasp_core.errors import ConfigError
from grasp_executor.interfaces import JointTrajectory
from grasp_executor.node import ExecutorNode
from grasp_executor.ros_operator import ConfirmService
from grasp_executor.ros_planned_path import PlannedPath
from grasp_ros.qos import LATCHED

pytestmark = pytest.mark.ros


@pytest.fixture
def node():
    rclpy.init()
    made = rclpy.create_node("executor", namespace="left")
    yield made
    made.destroy_node()
    rclpy.shutdown()


def test_one_word_is_for_one_motion(node):
    service = ConfirmService(node)

    def say():
        return service._confirm(Trigger.Request(), Trigger.Response())

    assert not say().success
    service.ask("the arm moves for 1.0 s")
    assert not service.has_confirmed()
    answer = say()
    assert (answer.success, answer.message) == (True, "confirmed: the arm moves for 1.0 s")
    assert service.has_confirmed()
    assert not say().success  # said twice, it is not kept for the next motion
    service.ask("the jaws close with 20 N")
    assert not service.has_confirmed()
    service.withdraw()
    assert not say().success
    assert not service.has_confirmed()
    service.destroy()


def test_the_planned_path_is_drawn_where_the_arm_will_be(node, robot, planner):
    start = np.array(robot.arm.observe)
    goal = start + np.array([0.5, 0.3, 0.0, 0.2, 0.0, 0.1, 0.0])
    positions = np.linspace(start, goal, 30)
    zeros = np.zeros_like(positions)
    times = np.linspace(0.0, 2.0, 30)
    motion = JointTrajectory(robot.arm.joints, times, positions, zeros, zeros)
    path, drawn, told = PlannedPath(node, robot), [], []
    topics = dict(node.get_topic_names_and_types())
    assert topics["/left/executor/planned_path"] == ["visualization_msgs/msg/MarkerArray"]
    node.create_subscription(MarkerArray, "executor/planned_path", drawn.append, LATCHED)
    node.create_subscription(
        JointTrajectoryMsg, "executor/planned_trajectory", told.append, LATCHED
    )
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    path.show(motion)
    deadline = time.monotonic() + 20.0
    while not (drawn and told):
        assert time.monotonic() < deadline
        executor.spin_once(timeout_sec=0.05)
    first, line, *ghosts = drawn[0].markers
    assert first.action == Marker.DELETEALL
    assert all(one.header.frame_id == robot.arm.base_frame for one in drawn[0].markers)
    ends = [(point.x, point.y, point.z) for point in (line.points[0], line.points[-1])]
    for end, joints in zip(ends, (start, goal), strict=True):
        assert end == pytest.approx(planner.forward(joints).translation)
    assert {ghost.ns for ghost in ghosts} == {"ghost"}
    tip = ghosts[-1].points[-1]
    assert (tip.x, tip.y, tip.z) == pytest.approx(ends[-1])
    assert all(one.lifetime.sec > 0 for one in [line, *ghosts])  # none stays for ever
    assert told[0].joint_names == list(robot.arm.joints)
    assert told[0].points[-1].positions.tolist() == pytest.approx(goal)
    path.destroy()


def test_confirmations_are_served_only_where_they_are_asked_for():
    for step in (False, True):
        rclpy.init(args=["--ros-args", "-p", f"step:={str(step).lower()}"])
        node = ExecutorNode()
        try:
            node.configure()
            services = dict(node.get_service_names_and_types())
            assert ("/executor/confirm" in services) is step
            node.cleanup()
            node.configure()
        finally:
            node.destroy_node()
            rclpy.shutdown()


def test_a_speed_limit_below_zero_is_refused():
    rclpy.init(args=["--ros-args", "-p", "max_tcp_speed_m_s:=-1.0"])
    node = ExecutorNode()
    try:
        with pytest.raises(ConfigError, match=r"max_tcp_speed_m_s is -1.0, must lie in"):
            node.configure()
    finally:
        node.destroy_node()
        rclpy.shutdown()
