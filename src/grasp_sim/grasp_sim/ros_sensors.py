"""What the hardware's drivers would publish: images, joint states, frames, time."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import TransformStamped, WrenchStamped
from rclpy.node import Node
from rclpy.publisher import Publisher
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage

from grasp_core.camera_profile import CameraProfile
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_ros.conversions import (
    camera_to_info,
    color_to_image,
    depth_to_image,
    ns_to_stamp,
    transform_to_msg,
    vector,
)
from grasp_ros.qos import DYNAMIC_TF, LATCHED, SENSOR, STATIC_TF
from grasp_sim.node_config import SimNodeConfig
from grasp_sim.simulation import Simulation

_ALL_JOINTS = "joint_states"


class Sensors:
    """Publishers of the simulated hardware; each method publishes one kind of message.

    Joint states of arm and hand come on the topics that their profiles name, as their drivers
    would publish them, and on ``joint_states`` all together, for robot_state_publisher and RViz.
    """

    def __init__(
        self, node: Node, config: SimNodeConfig, robot: RobotModel, camera: CameraProfile
    ) -> None:
        self._config = config
        self._robot = robot
        self._camera = camera
        create = node.create_publisher
        self._color = create(Image, camera.color_topic, SENSOR)
        self._depth = create(Image, camera.depth_topic, SENSOR)
        # Drivers publish one beside each image, and RViz looks for that beside depth.
        self._infos = [
            create(CameraInfo, topic, SENSOR)
            for topic in dict.fromkeys((camera.camera_info_topic, camera.depth_info_topic))
        ]
        topics = {_ALL_JOINTS, robot.arm.joint_states_topic}
        if robot.gripper.reports_opening:
            topics.add(robot.gripper.joint_states_topic)
        self._joints = {topic: create(JointState, topic, SENSOR) for topic in topics}
        wrench_topic = robot.arm.external_wrench_topic
        self._wrench = create(WrenchStamped, wrench_topic, SENSOR) if wrench_topic else None
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
        """Joint states of the arm, and of all joints together."""
        arm, hand = self._robot.arm, self._robot.gripper
        self._tell_joints(_ALL_JOINTS, (*arm.joints, *hand.joints), simulation)
        if arm.joint_states_topic != _ALL_JOINTS:
            self._tell_joints(arm.joint_states_topic, arm.joints, simulation)

    def publish_wrench(self, simulation: Simulation) -> None:
        """What the arm estimates its hand to exert, if it does and anybody listens."""
        wrench = simulation.external_wrench() if self._listened(self._wrench) else None
        if self._wrench is None or wrench is None:
            return
        message = WrenchStamped()
        message.header.frame_id = self._robot.arm.base_frame
        message.header.stamp = ns_to_stamp(simulation.time_ns)
        message.wrench.force, message.wrench.torque = vector(wrench[:3]), vector(wrench[3:])
        self._wrench.publish(message)

    def publish_hand(self, simulation: Simulation) -> None:
        """Joint states of the hand, as often as its driver publishes them."""
        hand = self._robot.gripper
        if hand.joint_states_topic != _ALL_JOINTS:
            self._tell_joints(hand.joint_states_topic, hand.joints, simulation)

    @staticmethod
    def _listened(publisher: Publisher | None) -> bool:
        return publisher is not None and publisher.get_subscription_count() > 0

    def _tell_joints(self, topic: str, names: tuple[str, ...], simulation: Simulation) -> None:
        """States of some joints, those of the hand as its driver has measured them last.

        The effort of a finger is its force in newtons; 0 where the hand does not measure it.
        """
        publisher = self._joints[topic]
        if not self._listened(publisher):
            return
        positions, velocities, efforts = simulation.joint_state(names)
        reading = simulation.hand_reading()
        for index, name in enumerate(self._robot.gripper.joints):
            if name in names:
                place = names.index(name)
                positions[place] = reading.positions[index]
                velocities[place] = reading.velocities[index]
                efforts[place] = np.nan_to_num(reading.efforts[index])
        message = JointState(
            name=list(names),
            position=positions.tolist(),
            velocity=velocities.tolist(),
            effort=efforts.tolist(),
        )
        message.header.stamp = ns_to_stamp(simulation.time_ns)
        publisher.publish(message)

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
        """/tf_static: the camera beside the robot, or on its hand."""
        pose = _stamped(
            simulation.camera_parent,
            self._config.camera_frame,
            simulation.T_parent_camera,
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
        color = color_to_image(frame.color, stamp, optical, self._camera.color_encoding)
        depth = np.asarray(frame.depth_m)
        for info in self._infos:
            info.publish(camera_to_info(frame.camera, stamp, optical))
        self._depth.publish(depth_to_image(depth, stamp, optical, self._camera.depth_encoding))
        self._color.publish(color)


def _stamped(parent: str, child: str, pose: Transform, stamp_ns: int) -> TransformStamped:
    message = TransformStamped(child_frame_id=child, transform=transform_to_msg(pose))
    message.header.frame_id = parent
    message.header.stamp = ns_to_stamp(stamp_ns)
    return message
