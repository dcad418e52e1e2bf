"""The surroundings as markers: what was seen, what nobody has seen, what is declared free."""

from __future__ import annotations

from collections.abc import Iterable

from geometry_msgs.msg import Vector3
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from grasp_core.cell import Cell
from grasp_core.transform import Transform
from grasp_executor.scene import UNKNOWN, Box
from grasp_ros.conversions import pose_from_transform
from grasp_ros.qos import LATCHED

_TOPIC = "~/scenery"
_COLORS = {
    "seen": ColorRGBA(r=0.9, g=0.5, b=0.1, a=0.6),
    "unknown": ColorRGBA(r=0.6, g=0.1, b=0.1, a=0.25),
    "free": ColorRGBA(r=0.1, g=0.7, b=0.2, a=0.25),
}


class Scenery:
    """Publishes the boxes that the planner plans among, and the cell's free space."""

    def __init__(self, node: Node, frame_id: str, cell: Cell) -> None:
        self._node, self._frame_id = node, frame_id
        self._free = [
            Box(solid.name, solid.size_m, Transform.from_translation(*solid.center))
            for solid in cell.free_boxes()
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
        message = MarkerArray(markers=[Marker(action=Marker.DELETEALL)])
        message.markers[0].header.frame_id = self._frame_id
        for box in self._free:
            message.markers.append(self._marker(box, "free", len(message.markers)))
        for box in boxes:
            kind = "unknown" if box.name.startswith(UNKNOWN) else "seen"
            message.markers.append(self._marker(box, kind, len(message.markers)))
        self._publisher.publish(message)

    def destroy(self) -> None:
        """Publish no more."""
        self._node.destroy_publisher(self._publisher)

    def _marker(self, box: Box, kind: str, index: int) -> Marker:
        x, y, z = map(float, box.size_m)
        marker = Marker(
            ns=kind,
            id=index,
            type=Marker.CUBE,
            action=Marker.ADD,
            pose=pose_from_transform(box.pose),
            scale=Vector3(x=x, y=y, z=z),
            color=_COLORS[kind],
        )
        marker.header.frame_id = self._frame_id
        return marker
