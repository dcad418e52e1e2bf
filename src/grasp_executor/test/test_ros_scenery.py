"""Markers of what was seen, what nobody has seen, and what is declared free."""

from __future__ import annotations

import time

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from visualization_msgs.msg import Marker, MarkerArray

from grasp_core.cell import Cell
from grasp_core.transform import Transform
from grasp_executor.ros_scenery import Scenery
from grasp_executor.scene import Box
from grasp_ros.qos import LATCHED

pytestmark = pytest.mark.ros


def test_boxes_are_drawn_by_kind_in_place_of_those_before():
    rclpy.init()
    node, executor = rclpy.create_node("executor"), SingleThreadedExecutor()
    executor.add_node(node)
    try:
        cell = Cell(free_space={"shelf": [0.8, 0.0, 0.1, 1.0, 0.5, 0.3]})
        scenery, received = Scenery(node, "base", cell), []
        node.create_subscription(MarkerArray, "executor/scenery", received.append, LATCHED)
        scenery.show(
            [
                Box("obstacle_0", (0.1, 0.1, 0.1), Transform.identity()),
                Box("unknown_0", (0.2, 0.3, 0.4), Transform.from_translation(1.0, 0.0, 0.2)),
            ]
        )
        deadline = time.monotonic() + 10.0
        while not (received and len(received[-1].markers) == 4):
            executor.spin_once(timeout_sec=0.1)
            assert time.monotonic() < deadline
        clear, *markers = received[-1].markers
        assert clear.action == Marker.DELETEALL
        assert [marker.ns for marker in markers] == ["free", "seen", "unknown"]
        assert len({marker.id for marker in markers}) == 3
        assert {marker.header.frame_id for marker in markers} == {"base"}
        scale, position = markers[2].scale, markers[2].pose.position
        assert (scale.x, scale.y, scale.z) == (0.2, 0.3, 0.4)
        assert (position.x, position.z) == (1.0, 0.2)
        scenery.destroy()
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown()
