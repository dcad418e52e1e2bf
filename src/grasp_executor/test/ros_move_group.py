"""Connections of the tests to a move_group: a running one, or the one in memory over ROS."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import rclpy
from moveit_msgs.srv import GetPlanningScene
from rclpy.context import Context
from rclpy.node import Node
from ros_memory_move_group import MoveGroupNode

from grasp_executor.planning.moveit_config import MoveItConfig
from grasp_executor.ros_moveit import RosMoveGroup
from grasp_ros.spinner import Spinner


@contextmanager
def running_move_group(domain_id):
    """Reach the move_group of a domain; the test is skipped, with the reason, where none answers.

    Args:
        domain_id: Its ROS_DOMAIN_ID, another than that of the test session.
    """
    with _link(domain_id) as link:
        client = link.node.create_client(GetPlanningScene, "get_planning_scene")
        if not client.wait_for_service(timeout_sec=5.0):
            pytest.skip(f"planner moveit: no move_group answers in ROS_DOMAIN_ID {domain_id}")
        yield RosMoveGroup(link, MoveItConfig())


@contextmanager
def served_from_memory(robot, config=None):
    """The node of a move_group in memory, and the connection to it.

    Args:
        robot: Whose paths it plans.
        config: Settings of the connection; None for patient ones.
    """
    with _link(None) as link:
        node = MoveGroupNode(robot, link.node.context)
        server = Spinner(node)
        server.start()
        try:
            yield node, RosMoveGroup(link, config or MoveItConfig(service_timeout_s=60.0))
        finally:
            server.close()


@contextmanager
def _link(domain_id):
    context = Context()
    rclpy.init(context=context, domain_id=domain_id)
    link = Spinner(Node("planner_test", context=context, start_parameter_services=False))
    link.start()
    try:
        yield link
    finally:
        link.close()
        context.try_shutdown()
