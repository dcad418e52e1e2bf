"""Pictures over ROS: the hand's pose is that of the picture's stamp, and at rest."""

import numpy as np
import pytest
import rclpy
from geometry_msgs.msg import TransformStamped
from painted_board import CAMERA, paint
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, Image
from tf2_msgs.msg import TFMessage

from grasp_calibration import ros_station
from grasp_calibration.detection import BoardDetector
from grasp_calibration.errors import BoardNotSeen
from grasp_calibration.ros_station import RosStation
from grasp_core.camera_profile import load_camera
from grasp_core.charuco_board import CharucoBoard
from grasp_core.errors import Cancelled, NoImage
from grasp_core.robot import load_robot
from grasp_core.transform import Transform
from grasp_ros.conversions import (
    camera_to_info,
    color_to_image,
    depth_to_image,
    ns_to_stamp,
    transform_to_msg,
)
from grasp_ros.qos import DYNAMIC_TF
from grasp_ros.spinner import Spinner

pytestmark = pytest.mark.ros
ROBOT, PROFILE = load_robot("panda"), load_camera("realsense")
POSE = Transform.from_rpy((0.2, 0.1, 0.3), (-0.1, -0.1, 0.5))
HAND = Transform.from_rpy((3.1, 0.0, 0.2), (0.4, 0.1, 0.5))


class Drivers:
    """What camera and arm would publish; ``speed_m_s`` moves the hand."""

    def __init__(self):
        self.context = rclpy.Context()
        rclpy.init(context=self.context, signal_handler_options=SignalHandlerOptions.NO)
        self.node = rclpy.create_node("drivers", context=self.context)
        create = self.node.create_publisher
        topics = PROFILE.topics
        self.color = create(Image, topics["color"], qos_profile_sensor_data)
        self.depth = create(Image, topics["depth"], qos_profile_sensor_data)
        self.info = create(CameraInfo, topics["camera_info"], qos_profile_sensor_data)
        self.tf = create(TFMessage, "/tf", DYNAMIC_TF)
        self.image, self.speed_m_s, self.sends_images = paint(POSE), 0.0, True
        self.began_ns = self.node.get_clock().now().nanoseconds
        self.node.create_timer(0.05, self.publish)
        self.spinner = Spinner(self.node)
        self.spinner.start()

    def publish(self):
        stamp = self.node.get_clock().now().nanoseconds
        moved = self.speed_m_s * (stamp - self.began_ns) * 1e-9
        message = TFMessage()
        message.transforms.append(transform_stamped(moved, stamp))
        self.tf.publish(message)
        if self.sends_images:
            depth = np.full(self.image.shape[:2], 0.5, np.float32)
            self.info.publish(camera_to_info(CAMERA, stamp, "optical"))
            self.depth.publish(depth_to_image(depth, stamp, "optical", PROFILE.depth_encoding))
            self.color.publish(color_to_image(self.image, stamp, "optical", "rgb8"))

    def close(self):
        self.spinner.close()
        self.context.try_shutdown()


def transform_stamped(moved_m, stamp_ns):
    pose = Transform.from_translation(moved_m, 0.0, 0.0) @ HAND
    message = TransformStamped(child_frame_id="flange", transform=transform_to_msg(pose))
    message.header.frame_id = ROBOT.arm.base_frame
    message.header.stamp = ns_to_stamp(stamp_ns)
    return message


@pytest.fixture
def drivers():
    started = Drivers()
    yield started
    started.close()


@pytest.fixture
def station(drivers):
    with RosStation(ROBOT, PROFILE, "flange", False, lambda: False) as entered:
        yield entered


def take_many(station, wait):
    """Pictures until what was changed at the drivers has arrived."""
    for _ in range(20):
        station.take(wait)


def test_a_picture_comes_with_the_hands_pose_and_shows_the_board(station):
    picture = station.take(station.pause)
    assert picture.T_base_hand.matrix == pytest.approx(HAND.matrix, abs=1e-9)
    assert picture.frame_id == "optical"
    seen = BoardDetector(CharucoBoard()).detect(picture.color, picture.camera)
    assert seen.T_camera_board.distance_to(POSE)[0] < 0.001


def test_a_picture_from_a_moving_hand_is_refused(drivers, station):
    drivers.speed_m_s = 0.05
    with pytest.raises(BoardNotSeen, match="the hand moved by"):
        take_many(station, station.pause)


def test_without_images_it_says_which_topic_is_silent(drivers, station, monkeypatch):
    drivers.sends_images = False
    monkeypatch.setattr(ros_station, "_IMAGE_TIMEOUT_S", 0.3)
    with pytest.raises(NoImage):
        take_many(station, station.pause)
    # What was on its way has been heard by now.
    with pytest.raises(NoImage, match=r"nothing came on .*camera/camera/color/image_raw"):
        station.take(station.pause)


def test_what_the_wait_raises_ends_the_look(drivers, station):
    drivers.sends_images = False

    def cancel():
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        take_many(station, cancel)
