"""The detector node on real ROS: topics, requests, laziness, failures by name."""

from __future__ import annotations

import dataclasses
import threading
import time

import numpy as np
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import TransformStamped
from grasp_msgs.msg import GraspArray
from grasp_msgs.srv import DetectGrasps
from rclpy.executors import MultiThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker, MarkerArray

from grasp_core.camera_profile import load_camera
from grasp_core.errors import Code
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp, Level
from grasp_core.hand_eye import HandEye, write_hand_eye
from grasp_core.rectangle import GraspRectangle
from grasp_core.transform import Transform
from grasp_detection.node import DetectorNode
from grasp_detection.ros_diagnostics import DetectionReport
from grasp_ros.camera_input import STREAMS
from grasp_ros.conversions import (
    camera_to_info,
    color_to_image,
    depth_from_image,
    depth_to_image,
    ns_to_stamp,
    stamp_to_ns,
    transform_to_msg,
)
from grasp_ros.qos import RESULTS, STATIC_TF

pytestmark = pytest.mark.ros
RELIABLE = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
SECOND = 1_000_000_000


class Camera:
    """Publishes one frame over and over, stamped with the time, or later where it was set so."""

    def __init__(self, node, frame, qos):
        self.frame, self.encoding, self.color_encoding = frame, "32FC1", "rgb8"
        self.stamp_ns = 0
        topics = load_camera("realsense").topics
        self.publishers = {
            stream: node.create_publisher(kind, topics[stream], qos)
            for stream, kind in STREAMS.items()
        }
        self.timer = node.create_timer(0.05, self.publish)
        self.is_on = True
        self.depth_late_ns = 0
        self.lag_ns = 0
        self.name = "camera_optical"

    def subscribers(self):
        return sum(p.get_subscription_count() for p in self.publishers.values())

    def publish(self):
        if not self.is_on:
            return
        self.stamp_ns = max(self.stamp_ns + 1, time.time_ns() - self.lag_ns)
        frame, stamp, name = self.frame, self.stamp_ns, self.name
        color = color_to_image(frame.color, stamp, name)
        color.encoding = self.color_encoding
        if self.encoding == "8UC1":
            depth = color_to_image(frame.color, stamp, name)
            depth.encoding = "8UC1"
        else:
            late = stamp + self.depth_late_ns
            depth = depth_to_image(frame.depth_m, late, name, self.encoding)
        self.publishers["color"].publish(color)
        self.publishers["depth"].publish(depth)
        self.publishers["camera_info"].publish(camera_to_info(frame.camera, stamp, name))


class Stack:
    """The node under test, a camera and a client, spinning in a thread."""

    def __init__(self, frame, qos=RELIABLE, parameters=()):
        given = ("detector:=antipodal", *parameters)
        rclpy.init(args=["--ros-args", *(part for p in given for part in ("-p", p))])
        self.detector = DetectorNode()
        self.peer = rclpy.create_node("peer")
        self.camera = Camera(self.peer, frame, qos)
        self.client = self.peer.create_client(DetectGrasps, "detector/detect")
        self.executor = MultiThreadedExecutor(num_threads=6)
        self.executor.add_node(self.detector)
        self.executor.add_node(self.peer)
        self.thread = threading.Thread(target=self.executor.spin, daemon=True)
        self.thread.start()
        self.detector.trigger_configure()
        self.detector.trigger_activate()
        assert self.client.wait_for_service(timeout_sec=10.0)

    def close(self):
        self.executor.shutdown(timeout_sec=5.0)
        self.thread.join(timeout=5.0)
        self.detector.destroy_node()
        self.peer.destroy_node()
        rclpy.try_shutdown()

    def detect(self, not_before_ns=0, timeout_s=5.0, label=""):
        request = DetectGrasps.Request(
            not_before=ns_to_stamp(not_before_ns), timeout_s=timeout_s, label=label
        )
        future = self.client.call_async(request)
        wait_for(future.done, timeout_s + 5.0)
        return future.result()

    def publish_pose(self, T_base_camera):
        """A driver's or a calibration's static transform."""
        message = TransformStamped(
            child_frame_id="camera_optical", transform=transform_to_msg(T_base_camera)
        )
        message.header.frame_id = "panda_link0"
        self.poses = self.peer.create_publisher(TFMessage, "/tf_static", STATIC_TF)
        self.poses.publish(TFMessage(transforms=[message]))

    def listen(self, message_type, topic):
        received = []
        self.peer.create_subscription(message_type, topic, received.append, RESULTS)
        return received


def wait_for(condition, timeout_s=8.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "nothing came in time"
        time.sleep(0.01)


@pytest.fixture
def frame(scene, solids):
    box, _ = solids
    return scene(box(0.0, 0.0, 0.09, 0.04, 0.05, 0.5))


@pytest.fixture
def pose(world_from_camera):
    """T_base_camera of the frame: its table's middle is that of the cell's workspace."""
    return Transform.from_translation(0.5, 0.0, 0.0) @ world_from_camera(0.0)


@pytest.fixture
def stack(frame):
    stack = Stack(frame)
    yield stack
    stack.close()


def test_topics_requests_and_laziness(stack, pose):
    stack.publish_pose(pose)
    time.sleep(0.3)
    assert stack.camera.subscribers() == 0

    first = stack.detect()
    assert first.code == Code.OK, first.message
    assert first.grasps.grasps[0].quality > 0.9
    assert first.grasps.model == "antipodal"
    assert first.grasps.detection_ms > 0.0
    assert first.camera_info.k[0] == pytest.approx(615.0)
    assert stamp_to_ns(first.depth.header.stamp) == stamp_to_ns(first.grasps.header.stamp)
    assert np.array_equal(depth_from_image(first.depth), stack.camera.frame.depth_m)

    later_ns = stack.camera.stamp_ns + SECOND // 2
    second = stack.detect(later_ns)
    assert second.code == Code.OK, second.message
    assert stamp_to_ns(second.grasps.header.stamp) >= later_ns

    assert stack.detect(label="banana").code == Code.OBJECT_NOT_FOUND
    stale = stack.detect(stack.camera.stamp_ns + 1000 * SECOND, 2.0)
    assert stale.code == Code.STALE_DETECTION, stale.message
    assert stack.detect(timeout_s=-1.0).code == Code.BAD_GOAL

    wait_for(lambda: stack.camera.subscribers() == 0)
    grasps = stack.listen(GraspArray, "detector/grasps")
    images = stack.listen(Image, "detector/image")
    markers = stack.listen(MarkerArray, "detector/markers")
    status = stack.listen(DiagnosticArray, "/diagnostics")
    wait_for(lambda: len(grasps) > 2 and images and markers)
    assert grasps[-1].header.frame_id == "camera_optical"
    assert images[-1].width == 640
    assert any(m.type == Marker.CUBE and m.action == Marker.ADD for m in markers[-1].markers)
    wait_for(lambda: any(s.status[0].message == "detecting" for s in status))


def test_images_that_cannot_be_used_are_refused_by_name(stack):
    status = stack.listen(DiagnosticArray, "/diagnostics")
    stack.camera.encoding = "8UC1"
    answer = stack.detect()
    assert answer.code == Code.BAD_IMAGE
    assert "8UC1" in answer.message
    wait_for(
        lambda: any(
            s.status[0].level == DiagnosticStatus.ERROR and "8UC1" in s.status[0].message
            for s in status
        )
    )
    stack.camera.encoding, stack.camera.color_encoding = "16UC1", "yuv422"
    answer = stack.detect(stack.camera.stamp_ns + SECOND // 2)
    assert answer.code == Code.BAD_IMAGE
    assert "yuv422" in answer.message
    stack.camera.color_encoding = "bgr8"
    answer = stack.detect(stack.camera.stamp_ns + SECOND // 2)
    assert answer.code == Code.OK, answer.message


def test_depth_in_another_unit_or_without_its_colour_is_an_error(stack):
    status = stack.listen(DiagnosticArray, "/diagnostics")
    whole = stack.camera.frame
    stack.camera.frame = dataclasses.replace(whole, depth_m=1000.0 * whole.depth_m)
    answer = stack.detect()
    assert answer.code == Code.BAD_IMAGE
    assert "millimetres published as metres (0.75 m)" in answer.message
    level, _ = wait_for_status(status, "millimetres published as metres")
    assert level == DiagnosticStatus.ERROR
    stack.camera.frame = dataclasses.replace(whole, depth_m=np.full_like(whole.depth_m, np.nan))
    answer = stack.detect(stack.camera.stamp_ns + SECOND // 2)
    assert answer.code == Code.BAD_IMAGE
    assert "no valid depth" in answer.message

    stack.camera.frame, stack.camera.depth_late_ns = whole, SECOND
    stack.listen(GraspArray, "detector/grasps")
    answer = stack.detect(stack.camera.stamp_ns + SECOND // 2, 1.0)
    assert answer.code == Code.BAD_IMAGE
    assert "their stamps do not match within 20 ms" in answer.message
    assert "start realsense2_camera with enable_sync:=true" in answer.message
    # An earlier failure is told until a frame is worked on.
    stack.detector._report.succeeded(1.0)
    level, _ = wait_for_status(status, "their stamps do not match")
    assert level == DiagnosticStatus.ERROR


def test_the_report_counts_what_the_best_grasps_are_from():
    report = DetectionReport()
    place = GraspRectangle(1.0, 1.0, 2.0, 1.0, 0.0)
    best, other = (Grasp(place, quality=0.9, level=one) for one in (Level.REGION, Level.PIXEL))
    for grasps in ((best, other), (best,), (other,), ()):
        report.succeeded(1.0, grasps)
    _, _, values = report.summary(active=True, camera_open=True)
    told = {name: value for name, value in values.items() if name.startswith("best_from")}
    assert told == {"best_from_pixel": 1, "best_from_region": 2}


def test_a_slow_detector_is_busy_and_one_whose_camera_leads_has_an_error_of_the_clock(
    stack, monkeypatch
):
    inner = stack.detector._detector.detect_frame
    stop = threading.Event()

    def detect(frame, limit, limits):
        stop.wait(2.0)
        return inner(frame, limit)

    monkeypatch.setattr(stack.detector._detector, "detect_frame", detect)
    answer = stack.detect(timeout_s=0.5)
    assert answer.code == Code.DETECTOR_BUSY
    assert "images arrive, but the detector has worked for" in answer.message
    stop.set()
    wait_for(lambda: stack.detect().code == Code.OK)

    stack.camera.stamp_ns = time.time_ns() + 7 * SECOND
    answer = stack.detect(stack.camera.stamp_ns)
    assert answer.code == Code.CLOCK_ERROR
    assert "camera's images lead node time by" in answer.message


def test_parameters_of_a_configured_node_are_those_that_it_works_with(stack):
    node = stack.detector

    def change(name, value):
        return node.set_parameters([Parameter(name, value=value)])[0]

    assert change("max_candidates", 2).successful
    assert len(stack.detect().grasps.grasps) == 2
    assert "must lie in [1, 1000]" in change("max_candidates", 0).reason
    assert "is read when /detector is configured" in change("cell", "no_such_cell").reason
    assert "antipodal.top_k is read when" in change("antipodal.top_k", 3).reason
    assert node.get_parameter("cell").value == "tabletop"
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert change("antipodal.top_k", 3).successful
    node.trigger_configure()
    assert not change("antipodal.top_k", 4).successful


def test_a_fault_in_publishing_is_told_and_the_next_frame_is_worked_on(stack, monkeypatch):
    status = stack.listen(DiagnosticArray, "/diagnostics")
    grasps = stack.listen(GraspArray, "detector/grasps")
    wait_for(lambda: grasps)
    whole = stack.detector._message

    def broken(*arguments):
        raise ValueError("no such grasp")

    monkeypatch.setattr(stack.detector, "_message", broken)
    wait_for(lambda: any("no such grasp" in s.status[0].message for s in status))
    monkeypatch.setattr(stack.detector, "_message", whole)
    before = len(grasps)
    wait_for(lambda: len(grasps) > before)


def test_a_camera_wanted_while_the_node_is_deactivated_stays_closed(stack):
    camera = stack.detector._camera
    stack.detector.trigger_deactivate()
    camera.open()
    assert not camera.is_open
    stack.detector.trigger_activate()
    assert stack.detect().code == Code.OK


def test_silence_and_deactivation_are_told_apart(stack):
    stack.camera.is_on = False
    silent = stack.detect(timeout_s=0.4)
    assert silent.code == Code.NO_IMAGE
    assert "no image: nothing on /camera/camera/color/image_raw" in silent.message
    stack.detector.trigger_deactivate()
    inactive = stack.detect()
    assert inactive.code == Code.NO_IMAGE
    assert "not active" in inactive.message
    stack.detector.trigger_cleanup()
    stack.detector.trigger_configure()
    stack.detector.trigger_activate()
    stack.camera.is_on = True
    assert stack.client.wait_for_service(timeout_sec=5.0)
    assert stack.detect().code == Code.OK


def test_a_driver_that_starts_again_at_another_size_goes_on_being_used(stack):
    assert stack.detect().code == Code.OK
    whole = stack.camera.frame
    stack.camera.frame = RgbdFrame(
        np.ascontiguousarray(whole.color[::2, ::2]),
        np.ascontiguousarray(whole.depth_m[::2, ::2]),
        whole.camera.binned(2, 2),
    )
    stack.camera.name = "left_camera_optical"
    answer = stack.detect(stack.camera.stamp_ns + SECOND // 2)
    assert answer.code == Code.OK, answer.message
    assert (answer.grasps.image_width, answer.depth.width) == (320, 320)
    assert answer.grasps.header.frame_id == "left_camera_optical"
    best = answer.grasps.grasps[0]
    assert (best.u, best.v) == pytest.approx((160.0, 120.0), abs=6.0)


def test_images_older_than_their_camera_makes_them_are_told(stack):
    stack.camera.lag_ns = 5 * SECOND
    status = stack.listen(DiagnosticArray, "/diagnostics")
    stack.listen(GraspArray, "detector/grasps")
    level, values = wait_for_status(status, "s after their stamps, expected are 0.10 s")
    assert level == DiagnosticStatus.WARN
    assert float(values["image_age_ms_median"]) > 600.0  # its latency and the allowed lag


def test_only_on_request_when_not_continuous(frame):
    stack = Stack(frame, parameters=["continuous:=false", "linger_s:=0.2", "antipodal.top_k:=3"])
    try:
        grasps = stack.listen(GraspArray, "detector/grasps")
        time.sleep(0.5)
        assert stack.camera.subscribers() == 0
        answer = stack.detect()
        assert len(answer.grasps.grasps) == 3
        wait_for(lambda: len(grasps) > 0)
        wait_for(lambda: stack.camera.subscribers() == 0)
    finally:
        stack.close()


def test_wrong_parameters_are_refused_at_configuration():
    rclpy.init(args=["--ros-args", "-p", "detector:=antipodel"])
    node = DetectorNode()
    try:
        node.trigger_configure()
        assert node.get_parameter("detector").value == "antipodel"
        assert node._state_machine.current_state[1] == "unconfigured"
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


def test_an_empty_table_is_no_grasp_and_best_effort_cameras_match(scene):
    stack = Stack(scene(), BEST_EFFORT)
    try:
        answer = stack.detect()
        assert answer.code == Code.NO_GRASP, answer.message
        assert answer.depth.width == 640
    finally:
        stack.close()


def wait_for_status(status, words):
    """The first status that has come with these words in its sentence: its level and values."""

    def those():
        return [s.status[0] for s in list(status) if words in s.status[0].message]

    wait_for(those)
    return those()[0].level, {pair.key: pair.value for pair in those()[0].values}


def test_the_cameras_pose_reaches_the_detector_and_a_wrong_one_is_told(stack, pose, monkeypatch):
    seen = []
    inner = stack.detector._detector.detect_frame

    def detect(frame, limit, limits):
        seen.append(frame.T_base_camera)
        return inner(frame, limit)

    monkeypatch.setattr(stack.detector._detector, "detect_frame", detect)
    status = stack.listen(DiagnosticArray, "/diagnostics")
    start = time.monotonic()
    assert stack.detect().code == Code.OK, "without a pose there are grasps as well"
    assert time.monotonic() - start < 4.0
    assert seen[-1] is None
    level, values = wait_for_status(status, "no transform from 'camera_optical' to 'panda_link0'")
    assert level == DiagnosticStatus.WARN
    assert values["camera_pose"] == "unknown"

    stack.publish_pose(pose)
    grasps = stack.listen(GraspArray, "detector/grasps")
    wait_for(lambda: seen[-1] is not None)
    assert seen[-1].matrix == pytest.approx(pose.matrix)
    _, values = wait_for_status(status, "detecting")
    assert values["support"] == "agrees"

    stack.publish_pose(Transform.from_translation(0.0, 0.0, 0.03) @ pose)
    level, values = wait_for_status(status, "30 mm above")
    assert level == DiagnosticStatus.WARN
    assert float(values["support_offset_mm"]) == pytest.approx(30.0, abs=1.0)
    assert grasps


def test_a_hand_eye_file_takes_the_place_of_tf(frame, pose, tmp_path):
    path = tmp_path / "hand_eye.yaml"
    write_hand_eye(path, HandEye("panda_link0", "camera_optical", pose))
    stack = Stack(frame, parameters=[f"hand_eye:={path}"])
    try:
        status = stack.listen(DiagnosticArray, "/diagnostics")
        assert stack.detect().code == Code.OK
        stack.listen(GraspArray, "detector/grasps")
        _, values = wait_for_status(status, "detecting")
        assert values["support"] == "agrees"
        assert stack.peer.count_subscribers("/tf_static") == 0
    finally:
        stack.close()
