"""What the hardware's drivers would publish: images, joint states, frames, time."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage

from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_ros.conversions import (
    camera_to_info,
    color_to_image,
    depth_to_image,
    ns_to_stamp,
    transform_to_msg,
)
from grasp_ros.qos import DYNAMIC_TF, LATCHED, SENSOR, STATIC_TF
from grasp_sim.node_config import SimNodeConfig
from grasp_sim.simulation import Simulation


class Sensors:
    """Publishers of the simulated hardware; each method publishes one kind of message."""

    def __init__(self, node: Node, config: SimNodeConfig, robot: RobotModel) -> None:
        self._config = config
        self._robot = robot
        create = node.create_publisher
        self._color = create(Image, "camera/camera/color/image_raw", SENSOR)
        self._depth = create(Image, "camera/camera/aligned_depth_to_color/image_raw", SENSOR)
        self._info = create(CameraInfo, "camera/camera/color/camera_info", SENSOR)
        self._joints = create(JointState, "joint_states", SENSOR)
        self._clock = create(Clock, "/clock", 10)
        self._tf = create(TFMessage, "/tf", DYNAMIC_TF)
        self._tf_static = create(TFMessage, "/tf_static", STATIC_TF)
        # RViz reads meshes by URI; an absolute path alone is none.
        description = robot.urdf.replace('filename="/', 'filename="file:///')
        create(String, "robot_description", LATCHED).publish(String(data=description))
        self.camera_enabled = config.camera_enabled

    def publish_time(self, simulation: Simulation) -> None:
        """/clock."""
        self._clock.publish(Clock(clock=ns_to_stamp(simulation.time_ns)))

    def publish_joints(self, simulation: Simulation) -> None:
        """Joint states of arm and fingers; the effort of a finger is its force in newtons."""
        positions, velocities, efforts = simulation.joint_state()
        message = JointState(
            name=[*self._robot.arm.joints, *self._robot.gripper.joints],
            position=positions.tolist(),
            velocity=velocities.tolist(),
            effort=efforts.tolist(),
        )
        message.header.stamp = ns_to_stamp(simulation.time_ns)
        self._joints.publish(message)

    def publish_frames(self, simulation: Simulation) -> None:
        """/tf: every link of the robot relative to the base."""
        if self._tf.get_subscription_count() == 0:
            return
        base = self._robot.arm.base_frame
        poses = {name: pose for name, pose in simulation.link_poses().items() if name != base}
        self._tf.publish(
            TFMessage(
                transforms=[
                    _stamped(base, name, pose, simulation.time_ns) for name, pose in poses.items()
                ]
            )
        )

    def publish_camera_pose(self, simulation: Simulation) -> None:
        """/tf_static: the camera beside the robot."""
        pose = _stamped(
            self._robot.arm.base_frame,
            self._config.camera_frame,
            simulation.T_base_camera,
            simulation.time_ns,
        )
        self._tf_static.publish(TFMessage(transforms=[pose]))

    def publish_images(self, simulation: Simulation) -> None:
        """Colour, aligned depth and calibration with one stamp, if anybody listens."""
        images = (self._color, self._depth)
        listened = any(publisher.get_subscription_count() for publisher in images)
        if not (self.camera_enabled and listened):
            return
        frame = simulation.render()
        stamp, optical = frame.stamp_ns, frame.frame_id
        encoding = self._config.depth_encoding
        self._info.publish(camera_to_info(frame.camera, stamp, optical))
        self._depth.publish(depth_to_image(np.asarray(frame.depth_m), stamp, optical, encoding))
        self._color.publish(color_to_image(frame.color, stamp, optical))


def _stamped(parent: str, child: str, pose: Transform, stamp_ns: int) -> TransformStamped:
    message = TransformStamped(child_frame_id=child, transform=transform_to_msg(pose))
    message.header.frame_id = parent
    message.header.stamp = ns_to_stamp(stamp_ns)
    return message
