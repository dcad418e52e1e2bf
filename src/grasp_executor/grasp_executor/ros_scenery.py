"""The surroundings as markers: the cell, what was seen in it, what nobody has seen."""

from __future__ import annotations

from collections.abc import Iterable

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Vector3
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from grasp_core.cell import Cell, Solid
from grasp_core.transform import Transform
from grasp_executor.scene import UNKNOWN, Box
from grasp_ros.conversions import pose_from_transform
from grasp_ros.qos import LATCHED

_TOPIC = "~/scenery"
_LIFETIME_S = 60  # of what was seen: it may have changed since
_EDGE_M = 0.003
_COLORS = {
    "workspace": ColorRGBA(r=0.9, g=0.9, b=0.9, a=0.8),
    "bin": ColorRGBA(r=0.3, g=0.4, b=0.7, a=0.6),
    "seen": ColorRGBA(r=0.9, g=0.5, b=0.1, a=0.6),
    "unknown": ColorRGBA(r=0.6, g=0.1, b=0.1, a=0.1),
    "free": ColorRGBA(r=0.1, g=0.7, b=0.2, a=0.15),
}


class Scenery:
    """Publishes the cell's workspace, bin and free space, and the boxes planned among.

    The cell stays as it is until the node ends; what was seen expires.
    """

    def __init__(self, node: Node, frame_id: str, cell: Cell) -> None:
        self._node, self._frame_id = node, frame_id
        self._cell = [
            self._workspace(cell),
            *(
                self._marker(_box(solid), "bin")
                for solid in cell.solids()
                if solid.name != "table"
            ),
            *(self._marker(_box(solid), "free") for solid in cell.free_boxes()),
        ]
        # Without event handlers: see grasp_ros.camera_input.
        quiet = PublisherEventCallbacks(use_default_callbacks=False)
        self._publisher = node.create_publisher(
            MarkerArray, _TOPIC, LATCHED, event_callbacks=quiet
        )
        self.show(())
        node.get_logger().info(cell.free_space_text())

    def show(self, boxes: Iterable[Box]) -> None:
        """Draw obstacles, in place of those before."""
        markers = [Marker(action=Marker.DELETEALL), *self._cell]
        markers[0].header.frame_id = self._frame_id
        for box in boxes:
            kind = "unknown" if box.name.startswith(UNKNOWN) else "seen"
            markers.append(self._marker(box, kind))
            markers[-1].lifetime = Duration(sec=_LIFETIME_S)
        for index, marker in enumerate(markers):
            marker.id = index
        self._publisher.publish(MarkerArray(markers=markers))

    def destroy(self) -> None:
        """Publish no more."""
        self._node.destroy_publisher(self._publisher)

    def _marker(self, box: Box, kind: str) -> Marker:
        x, y, z = map(float, box.size_m)
        marker = Marker(
            ns=kind,
            type=Marker.CUBE,
            pose=pose_from_transform(box.pose),
            scale=Vector3(x=x, y=y, z=z),
            color=_COLORS[kind],
        )
        marker.header.frame_id = self._frame_id
        return marker

    def _workspace(self, cell: Cell) -> Marker:
        """The edges of the workspace."""
        low, high = cell.workspace_min, cell.workspace_max
        corners = [
            tuple((low, high)[bit >> axis & 1][axis] for axis in range(3)) for bit in range(8)
        ]
        edges = [(i, i | 1 << axis) for i in range(8) for axis in range(3) if not i >> axis & 1]
        marker = Marker(
            ns="workspace",
            type=Marker.LINE_LIST,
            scale=Vector3(x=_EDGE_M),
            color=_COLORS["workspace"],
            points=[
                Point(x=float(x), y=float(y), z=float(z))
                for edge in edges
                for x, y, z in (corners[end] for end in edge)
            ],
        )
        marker.pose.orientation.w = 1.0
        marker.header.frame_id = self._frame_id
        return marker


def _box(solid: Solid) -> Box:
    return Box(solid.name, solid.size_m, Transform.from_translation(*solid.center))
