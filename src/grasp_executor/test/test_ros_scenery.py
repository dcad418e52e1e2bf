"""Markers of the cell, of what was seen in it and of what nobody has seen."""

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
        while not (received and len(received[-1].markers) == 10):
            executor.spin_once(timeout_sec=0.1)
            assert time.monotonic() < deadline
        clear, *markers = received[-1].markers
        assert clear.action == Marker.DELETEALL
        kinds = ["workspace", *["bin"] * 5, "free", "seen", "unknown"]
        assert [marker.ns for marker in markers] == kinds
        assert len({marker.id for marker in markers}) == 9
        assert {marker.header.frame_id for marker in markers} == {"base"}
        assert {marker.color.a > 0.0 for marker in markers} == {True}
        scale, position = markers[-1].scale, markers[-1].pose.position
        assert (scale.x, scale.y, scale.z) == (0.2, 0.3, 0.4)
        assert (position.x, position.z) == (1.0, 0.2)
        # The cell stays, what was seen in it expires.
        assert [marker.lifetime.sec > 0 for marker in markers] == [False] * 7 + [True] * 2
        ends = [(point.x, point.y, point.z) for point in markers[0].points]
        assert len(ends) == 24
        assert set(map(min, zip(*ends, strict=True))) == set(cell.workspace_min)
        assert max(ends) == cell.workspace_max
        edges = {tuple(sorted(ends[i : i + 2])) for i in range(0, 24, 2)}
        assert len(edges) == 12
        assert all(sum(a != b for a, b in zip(*edge, strict=True)) == 1 for edge in edges)
        scenery.destroy()
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown()
