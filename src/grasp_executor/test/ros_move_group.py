"""The connection of the tests to a running move_group."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import rclpy
from moveit_msgs.srv import GetPlanningScene
from rclpy.context import Context
from rclpy.node import Node

from grasp_executor.planning.moveit_config import MoveItConfig
from grasp_executor.ros_moveit import RosMoveGroup
from grasp_ros.spinner import Spinner


@contextmanager
def running_move_group(domain_id):
    """Reach the move_group of a domain; the test is skipped, with the reason, where none answers.

    Args:
        domain_id: Its ROS_DOMAIN_ID, another than that of the test session.
    """
    context = Context()
    rclpy.init(context=context, domain_id=domain_id)
    node = Node("planner_contract", context=context, start_parameter_services=False)
    link = Spinner(node)
    link.start()
    try:
        move_group = RosMoveGroup(link, MoveItConfig())
        client = node.create_client(GetPlanningScene, "get_planning_scene")
        if not client.wait_for_service(timeout_sec=5.0):
            pytest.skip(f"planner moveit: no move_group answers in ROS_DOMAIN_ID {domain_id}")
        yield move_group
    finally:
        link.close()
        context.try_shutdown()
