"""What rviz/grasp.rviz shows is what the nodes publish: topic, type and quality of service."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import rclpy
import yaml
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from grasp_bringup import stack
from grasp_detection.node import DetectorNode
from grasp_executor.node import ExecutorNode
from grasp_sim.node import SimulatorNode

FILE = Path(stack.__file__).parents[1] / "rviz" / "grasp.rviz"
IMAGE = "sensor_msgs/msg/Image"
# The types of the topics that a display of RViz subscribes to, by the property that names each.
TYPES = {
    "rviz_default_plugins/Grid": {},
    "rviz_default_plugins/TF": {},
    "rviz_default_plugins/RobotModel": {"Description Topic": "std_msgs/msg/String"},
    "rviz_default_plugins/DepthCloud": {"Depth Map Topic": IMAGE, "Color Image Topic": IMAGE},
    "rviz_default_plugins/MarkerArray": {"Topic": "visualization_msgs/msg/MarkerArray"},
    "rviz_default_plugins/Image": {"Topic": IMAGE},
    "rviz_default_plugins/Pose": {"Topic": "geometry_msgs/msg/PoseStamped"},
}


@dataclass(frozen=True)
class Subscription:
    """A topic that RViz subscribes to."""

    display: str
    topic: str
    kind: str
    is_reliable: bool
    is_latched: bool


def displays():
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))["Visualization Manager"]["Displays"]


def subscriptions():
    """What the file makes RViz subscribe to."""
    for display in displays():
        for name, kind in TYPES[display["Class"]].items():
            quality = display[name] if isinstance(display[name], dict) else display
            topic = quality.get("Value", display[name])
            yield Subscription(
                display["Name"],
                topic,
                kind,
                quality["Reliability Policy"] == "Reliable",
                quality.get("Durability Policy") == "Transient Local",
            )
            if name == "Depth Map Topic":  # RViz looks for the camera_info beside the image
                beside = f"{topic.rpartition('/')[0]}/camera_info"
                yield Subscription(
                    display["Name"], beside, "sensor_msgs/msg/CameraInfo", False, False
                )


@pytest.fixture(scope="module")
def nodes():
    """Simulator, detector and executor as they are configured; nothing is published yet."""
    rclpy.init(args=["--ros-args", "-p", "detector:=antipodal"])
    started = [SimulatorNode(), DetectorNode(), ExecutorNode()]
    try:
        for node in started[1:]:
            node.trigger_configure()
        yield started
    finally:
        for node in reversed(started):
            node.destroy_node()
        rclpy.try_shutdown()


def published(node, topic):
    """Type, reliability and durability of a topic's publishers; discovery may take a moment."""
    deadline = time.monotonic() + 10.0
    while not (found := node.get_publishers_info_by_topic(topic)):
        if time.monotonic() > deadline:
            return set()
        time.sleep(0.02)
    return {
        (
            endpoint.topic_type,
            endpoint.qos_profile.reliability == ReliabilityPolicy.RELIABLE,
            endpoint.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL,
        )
        for endpoint in found
    }


@pytest.mark.ros
@pytest.mark.parametrize("shown", list(subscriptions()), ids=lambda shown: shown.topic)
def test_every_topic_that_rviz_shows_is_published_so(nodes, shown):
    offered = published(nodes[0], shown.topic)
    assert offered, f"{shown.display}: no node publishes {shown.topic}"
    for kind, is_reliable, is_latched in offered:
        assert kind == shown.kind
        assert is_reliable or not shown.is_reliable
        assert is_latched or not shown.is_latched
        # A late RViz gets what was published once only if it asks for it.
        assert shown.is_latched or not is_latched


def test_every_display_is_named_once_and_all_that_matters_is_shown():
    names = [display["Name"] for display in displays()]
    assert len(set(names)) == len(names)
    shown = {display["Class"].rpartition("/")[2] for display in displays() if display["Enabled"]}
    assert {"RobotModel", "Image", "DepthCloud", "MarkerArray", "Pose"} <= shown
    topics = {subscription.topic for subscription in subscriptions()}
    assert {
        *("/detector/markers", "/detector/image", "/robot_description"),
        *("/executor/scenery", "/executor/planned_path", "/executor/target"),
    } <= topics
