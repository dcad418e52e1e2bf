"""Two robots in one network: what a stack publishes and serves stays in its namespace."""

import pytest
import rclpy
from running_stack import other_domain

from grasp_core.hand_eye import HandEye, write_hand_eye
from grasp_core.transform import Transform
from grasp_detection.node import DetectorNode
from grasp_executor.node import ExecutorNode
from grasp_ros.calibration_node import CalibrationPublisher
from grasp_sim.node import SimulatorNode

pytestmark = pytest.mark.ros

SPACE = "/left/"
# TF, time, logs and diagnostics are those of the whole system.
SHARED = {"/tf", "/tf_static", "/clock", "/rosout", "/parameter_events", "/diagnostics"}
OWN_TOPICS = {
    *("detector/grasps", "detector/image", "executor/target", "executor/planned_path"),
    *("camera/camera/color/image_raw", "franka/joint_states", "robot_description"),
}
OWN_SERVICES = {
    *("detector/detect", "executor/acknowledge", "executor/release", "executor/confirm"),
    *("pick/_action/send_goal", "simulator/new_scene"),
}


@pytest.fixture
def names(tmp_path):
    """Topics and services of a stack in a namespace, once it is configured."""
    path = tmp_path / "hand_eye.yaml"
    write_hand_eye(path, HandEye("panda_link0", "optical", Transform.identity()))
    given = {"detector": "antipodal", "step": "true", "hand_eye": path, "state_dir": tmp_path}
    told = [word for name, value in given.items() for word in ("-p", f"{name}:={value}")]
    # A node that another test had killed is still told of for a while in that test's domain.
    rclpy.init(args=["--ros-args", "-r", "__ns:=/left", *told], domain_id=int(other_domain(6)))
    nodes = []
    try:
        for make in (SimulatorNode, DetectorNode, ExecutorNode, CalibrationPublisher):
            nodes.append(make())
        nodes[1].trigger_configure()
        nodes[1].trigger_activate()
        nodes[1]._camera.open()
        nodes[2].trigger_configure()
        yield (
            {name for name, _ in nodes[0].get_topic_names_and_types()},
            {name for name, _ in nodes[0].get_service_names_and_types()},
        )
    finally:
        for node in reversed(nodes):
            node.destroy_node()
        rclpy.shutdown()


def test_everything_is_in_the_namespace_but_what_all_share(names):
    topics, services = names
    outside = {name for name in topics - SHARED if not name.startswith(SPACE)}
    assert not outside
    assert all(name.startswith(SPACE) for name in services), services
    assert {SPACE + name for name in OWN_TOPICS} <= topics
    assert {SPACE + name for name in OWN_SERVICES} <= services
