"""The calibration on TF, beside what a camera's driver publishes."""

import time

import numpy as np
import pytest
import rclpy
from geometry_msgs.msg import TransformStamped
from rclpy.executors import SingleThreadedExecutor
from tf2_msgs.msg import TFMessage

from grasp_core.errors import ConfigError
from grasp_core.hand_eye import HandEye, write_hand_eye
from grasp_core.transform import Transform
from grasp_ros.calibration_node import CalibrationPublisher
from grasp_ros.conversions import transform_to_msg
from grasp_ros.qos import STATIC_TF
from grasp_ros.tf import SubscribedTree

pytestmark = pytest.mark.ros

OPTICAL = "camera_color_optical_frame"
FOUND = Transform.from_rpy((0.1, 2.9, 0.3), (0.5, 0.1, 0.9))
T_LINK_OPTICAL = Transform.from_rpy((-1.57, 0.0, -1.57), (0.0, 0.015, 0.0))


@pytest.fixture
def publisher(tmp_path):
    path = tmp_path / "hand_eye.yaml"
    write_hand_eye(path, HandEye("base", OPTICAL, FOUND))
    names = {"hand_eye": str(path), "root_frame": "camera_link"}
    told = [word for name, value in names.items() for word in ("-p", f"{name}:={value}")]
    rclpy.init(args=["--ros-args", *told])
    yield CalibrationPublisher
    rclpy.shutdown()


def spin_until(executor, condition):
    deadline = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        executor.spin_once(timeout_sec=0.05)


def test_detector_and_rviz_see_the_camera_at_one_place(publisher):
    executor = SingleThreadedExecutor()
    node, other = publisher(), rclpy.create_node("driver")
    for one in (node, other):
        executor.add_node(one)
    tree, links = SubscribedTree(other), []
    other.create_subscription(
        TFMessage, "/tf_static", lambda m: links.extend(m.transforms), STATIC_TF
    )
    driver = other.create_publisher(TFMessage, "/tf_static", STATIC_TF)
    spin_until(executor, lambda: node._told)
    assert "waits for the camera's driver" in node._told
    item = TransformStamped(child_frame_id=OPTICAL, transform=transform_to_msg(T_LINK_OPTICAL))
    item.header.frame_id = "camera_link"
    driver.publish(TFMessage(transforms=[item]))
    spin_until(executor, lambda: any(t.child_frame_id == "camera_link" for t in links))
    T_base_optical = tree.lookup("base", OPTICAL, 0)
    assert np.allclose(T_base_optical.matrix, FOUND.matrix, atol=1e-9)
    parents = {}
    for link in links:
        parents.setdefault(link.child_frame_id, set()).add(link.header.frame_id)
    assert all(len(found) == 1 for found in parents.values()), parents
    for one in (node, other):
        one.destroy_node()


def test_without_a_file_the_node_does_not_start():
    rclpy.init()
    try:
        with pytest.raises(ConfigError, match="hand_eye is empty"):
            CalibrationPublisher()
    finally:
        rclpy.shutdown()
