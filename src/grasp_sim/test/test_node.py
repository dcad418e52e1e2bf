"""The node as a process of its own, seen as the hardware would be seen."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import signal
import subprocess
import sys
import time

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

import numpy as np
import pytest
import rclpy
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from control_msgs.action import FollowJointTrajectory, GripperCommand
from control_msgs.msg import JointTolerance
from franka_msgs.action import Grasp
from geometry_msgs.msg import Vector3, WrenchStamped
from grasp_msgs.srv import NewScene, PerturbObject, SceneTruth
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from grasp_core.camera_profile import load_camera
from grasp_core.robot import load_robot
from grasp_ros.conversions import depth_from_image, stamp_to_ns
from grasp_ros.qos import LATCHED, SENSOR, STATIC_TF

pytestmark = pytest.mark.ros
TIMEOUT_S = 30.0
ROBOT = load_robot("panda", "force_hand")
ARM, HAND = ROBOT.arm.trajectory_action, ROBOT.gripper.driver.action
DOMAINS = itertools.count(1 + os.getpid() % 90)
# A simulator in which removing an object closes PyBullet, as closing its window does.
FRAGILE = """
from grasp_sim import node, simulation
simulation.Simulation.remove = lambda self, name: self.close() or name
node.main()
"""
# A simulator that cannot say where its objects are.
BLIND = """
import math
from grasp_core.transform import Transform
from grasp_sim import node, simulation
simulation.truth_of = lambda world, thing: Transform.from_translation(math.nan, 0.0, 0.0)
node.main()
"""


class Client:
    """A node that collects what the simulator publishes."""

    def __init__(self, domain):
        rclpy.init(domain_id=domain)
        self.domain = domain
        self.node = rclpy.create_node("client")
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.received: dict[str, list] = {}
        self.listen(JointState, "joint_states", SENSOR)
        self.arm = ActionClient(self.node, FollowJointTrajectory, ARM)
        self.hand = ActionClient(self.node, GripperCommand, HAND)

    def listen(self, kind, topic, qos):
        self.received[topic] = []
        return self.node.create_subscription(kind, topic, self.received[topic].append, qos)

    def until(self, condition):
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            self.executor.spin_once(timeout_sec=0.02)
            assert time.monotonic() < deadline, "timed out"

    def wait(self, future):
        self.until(future.done)
        return future.result()

    def call(self, kind, service, **fields):
        client = self.node.create_client(kind, f"simulator/{service}")
        assert client.wait_for_service(timeout_sec=TIMEOUT_S)
        return self.wait(client.call_async(kind.Request(**fields)))

    def joints(self):
        """The next joint state."""
        states = self.received["joint_states"]
        states.clear()
        self.until(lambda: states)
        return states[-1]

    def close(self):
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown()


@pytest.fixture
def client():
    """A client in a domain of its own: processes that were killed stay visible for a while."""
    found = Client(next(DOMAINS))
    yield found
    found.close()


@contextlib.contextmanager
def simulator(client, *program, settings=()):
    """A simulator, ready."""
    size = ("image_width:=160", "image_height:=120")
    arguments = ["speed:=4.0", "renderer:=tiny", *size, *settings]
    parameters = [part for argument in arguments for part in ("-p", argument)]
    started = subprocess.Popen(
        [sys.executable, *program, "--ros-args", *parameters],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "ROS_DOMAIN_ID": str(client.domain)},
    )
    try:
        assert client.arm.wait_for_server(timeout_sec=TIMEOUT_S)
        assert client.hand.wait_for_server(timeout_sec=TIMEOUT_S)
        client.joints()
        yield started
    finally:
        started.kill()
        started.wait()


@pytest.fixture
def process(client):
    with simulator(client, "-m", "grasp_sim.node") as started:
        yield started


def turn(client, angle_rad, seconds):
    """A goal that turns the first joint."""
    state = client.joints()
    names = list(ROBOT.arm.joints)
    start = [state.position[state.name.index(name)] for name in names]
    end = [start[0] + angle_rad, *start[1:]]
    points = [
        JointTrajectoryPoint(
            positions=place,
            velocities=[0.0] * 7,
            time_from_start=Duration(sec=int(t), nanosec=int(t % 1 * 1e9)),
        )
        for place, t in ((start, 0.0), (end, seconds))
    ]
    trajectory = JointTrajectory(joint_names=names, points=points)
    return FollowJointTrajectory.Goal(trajectory=trajectory)


def test_serves_what_the_hardware_serves(client, process):
    # Sensors
    client.listen(String, "robot_description", LATCHED)
    client.listen(TFMessage, "/tf_static", STATIC_TF)
    topics = {
        "camera/camera/color/image_raw": Image,
        "camera/camera/aligned_depth_to_color/image_raw": Image,
        "camera/camera/color/camera_info": CameraInfo,
    }
    subscriptions = [client.listen(kind, topic, SENSOR) for topic, kind in topics.items()]
    client.until(lambda: all(client.received.values()))
    stamps = [
        {stamp_to_ns(message.header.stamp) for message in client.received[topic]}
        for topic in topics
    ]
    client.until(lambda: all(len(client.received[topic]) > 3 for topic in topics))
    assert set.intersection(*stamps)
    assert {image.encoding for image in client.received[next(iter(topics))]} == {"rgb8"}
    depth = depth_from_image(client.received[list(topics)[1]][0])
    assert depth.shape == (120, 160)
    assert np.nanmax(depth) == pytest.approx(0.75, abs=0.002)
    for subscription in subscriptions:
        client.node.destroy_subscription(subscription)
    pose = client.received["/tf_static"][0].transforms[0]
    assert (pose.header.frame_id, pose.child_frame_id) == (
        "panda_link0",
        "camera_color_optical_frame",
    )

    # Arm: refused, followed, replaced, cancelled
    assert not client.wait(client.arm.send_goal_async(turn(client, 9.0, 1.0))).accepted
    handle = client.wait(client.arm.send_goal_async(turn(client, 0.4, 1.0)))
    outcome = client.wait(handle.get_result_async())
    assert outcome.status == GoalStatus.STATUS_SUCCEEDED
    assert outcome.result.error_code == FollowJointTrajectory.Result.SUCCESSFUL
    first = client.wait(client.arm.send_goal_async(turn(client, -0.4, 8.0)))
    second = client.wait(client.arm.send_goal_async(turn(client, -0.2, 8.0)))
    replaced = client.wait(first.get_result_async())
    assert replaced.status == GoalStatus.STATUS_ABORTED
    client.wait(second.cancel_goal_async())
    cancelled = client.wait(second.get_result_async())
    assert cancelled.status == GoalStatus.STATUS_CANCELED
    assert np.abs(client.joints().velocity[:7]).max() < 0.02

    # Hand
    goal = GripperCommand.Goal()
    goal.command.position, goal.command.max_effort = 0.01, 20.0  # half the gap: Franka's unit
    handle = client.wait(client.hand.send_goal_async(goal))
    result = client.wait(handle.get_result_async()).result
    assert result.reached_goal
    assert result.position == pytest.approx(0.01, abs=0.001)
    goal.command.max_effort = 400.0
    assert not client.wait(client.hand.send_goal_async(goal)).accepted

    # Scenes
    scene = client.call(NewScene, "new_scene", names=["012", "345"], seed=3)
    assert scene.success
    assert list(scene.names) == ["012", "345"]
    assert client.call(PerturbObject, "perturb", name="345").success
    mixed = client.call(NewScene, "new_scene", objects="test", names=["012"])
    assert not mixed.success
    truth = client.call(SceneTruth, "truth")
    assert [thing.name for thing in truth.objects] == ["012"]  # as if never asked
    assert truth.opening_m == pytest.approx(0.08, abs=0.001)
    wrong = client.call(NewScene, "new_scene", objects="nothing")
    assert not wrong.success
    assert "dev, test" in wrong.message
    assert list(client.call(NewScene, "new_scene", names=["012"]).names) == ["012"]
    assert process.poll() is None


def test_the_arm_tells_its_set_point_and_follows_the_speed_scaling(client):
    with simulator(client, "-m", "grasp_sim.node", settings=["speed_scaling:=0.25"]):
        told = []
        goal = turn(client, 0.4, 1.0)
        goal.path_tolerance = [
            JointTolerance(name=name, position=0.1) for name in ROBOT.arm.joints
        ]
        sent = client.arm.send_goal_async(
            goal, feedback_callback=lambda m: told.append(m.feedback)
        )
        outcome = client.wait(client.wait(sent).get_result_async())
        assert outcome.status == GoalStatus.STATUS_SUCCEEDED
        assert len(told) > 10
        stamps, along = (
            np.array([stamp_to_ns(stamp) / 1e9 for stamp in column])
            for column in zip(
                *((m.header.stamp, m.desired.time_from_start) for m in told), strict=True
            )
        )
        # Skip the first: the scaling ramps from full speed.
        pace = np.diff(along[len(along) // 2 :]).sum() / np.diff(stamps[len(along) // 2 :]).sum()
        assert pace == pytest.approx(0.25, abs=0.03)
        for message in told:
            desired, actual = (np.array(p.positions) for p in (message.desired, message.actual))
            assert np.abs(desired - actual).max() < 0.02
            np.testing.assert_allclose(message.error.positions, desired - actual)


def test_joint_states_come_as_their_drivers_publish_them(client, process):
    arm, hand = ROBOT.arm.joint_states_topic, ROBOT.gripper.joint_states_topic
    for topic in (arm, hand):
        client.listen(JointState, topic, SENSOR)
    client.until(lambda: client.received[arm] and client.received[hand])
    assert tuple(client.received[arm][0].name) == ROBOT.arm.joints
    assert tuple(client.received[hand][0].name) == ROBOT.gripper.joints
    assert tuple(client.joints().name) == (*ROBOT.arm.joints, *ROBOT.gripper.joints)
    # A force-sensing hand tells the force of its contacts; on its way there is none.
    goal = GripperCommand.Goal()
    goal.command.position, goal.command.max_effort = 0.0, 20.0
    client.received[hand].clear()
    client.wait(client.wait(client.hand.send_goal_async(goal)).get_result_async())
    states = client.received[hand]
    assert min(state.velocity[0] for state in states) < -0.05
    assert {effort for state in states for effort in state.effort} == {0.0}


def changes_of_gap(states):
    """Stamps, seconds, at which the width was another than in the message before."""
    stamps = np.array([stamp_to_ns(state.header.stamp) * 1e-9 for state in states])
    return stamps[1:][np.diff([sum(state.position[-2:]) for state in states]) != 0.0]


def test_stands_for_the_hand_and_camera_that_it_is_told(client):
    robot, camera = load_robot("panda", "franka_hand"), load_camera("azure_kinect")
    hand = robot.gripper.joint_states_topic
    client.hand = ActionClient(client.node, Grasp, f"{robot.gripper.driver.node}/grasp")
    settings = ("gripper:=franka_hand", "camera:=azure_kinect")
    with simulator(client, "-m", "grasp_sim.node", settings=settings):
        client.listen(JointState, hand, SENSOR)
        client.listen(CameraInfo, camera.camera_info_topic, SENSOR)
        for topic in (camera.color_topic, camera.depth_topic):
            client.listen(Image, topic, SENSOR)
        client.until(lambda: all(client.received[topic] for topic in camera.topics.values()))
        color = client.received[camera.color_topic][0]
        assert (color.encoding, color.step) == ("bgra8", 160 * 4)
        wrench = robot.arm.external_wrench_topic
        client.listen(WrenchStamped, wrench, SENSOR)
        client.until(lambda: len(client.received[wrench]) > 50)
        assert client.received[wrench][0].header.frame_id == robot.arm.base_frame
        forces = [message.wrench.force.z for message in client.received[wrench]]
        assert abs(np.mean(forces)) < 4.0  # nothing hangs in the hand
        assert 0.05 < np.std(forces) < 1.0
        handle = client.wait(client.hand.send_goal_async(Grasp.Goal(speed=0.1, force=70.0)))
        # Epsilon is 5 mm, so an empty hand is a success.
        assert client.wait(handle.get_result_async()).result.success
        states = client.received[hand]
        everything = client.received["joint_states"]
        assert {effort for state in states for effort in state.effort} == {0.0}
        stamps = np.array([stamp_to_ns(state.header.stamp) * 1e-9 for state in states])
        assert min(np.diff(stamps)) == pytest.approx(1.0 / 30.0, abs=0.005)
        # The width is measured at 15 Hz, nor do all joint states together tell more of it.
        assert np.median(np.diff(changes_of_gap(states))) == pytest.approx(1.0 / 15.0, abs=0.005)
        assert np.median(np.diff(changes_of_gap(everything))) == pytest.approx(
            1.0 / 15.0, abs=0.015
        )
        assert {effort for state in everything for effort in state.effort[-2:]} == {0.0}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_cleanly_in_the_middle_of_a_motion(client, process, number):
    handle = client.wait(client.arm.send_goal_async(turn(client, 0.5, 60.0)))
    assert handle.accepted
    time.sleep(0.5)  # into the motion
    process.send_signal(number)
    output, _ = process.communicate(timeout=10.0)
    assert process.returncode == 0, output
    assert "Traceback" not in output
    assert "Error" not in output


def test_without_its_simulation_the_node_ends_goals_and_itself(client):
    with simulator(client, "-c", FRAGILE) as process:
        handle = client.wait(client.arm.send_goal_async(turn(client, 0.5, 60.0)))
        client.call(PerturbObject, "perturb", operation=PerturbObject.Request.REMOVE)
        outcome = client.wait(handle.get_result_async())
        assert outcome.status == GoalStatus.STATUS_ABORTED
        output, _ = process.communicate(timeout=10.0)
    assert process.returncode == 1, output
    assert "error: the simulation ended by itself, start it again: Not connected" in output


def test_impossible_requests_are_answered(client):
    with simulator(client, "-c", BLIND) as process:
        move, nowhere = PerturbObject.Request.MOVE, Vector3(x=math.nan)
        refused = client.call(PerturbObject, "perturb", operation=move, vector=nowhere)
        assert not refused.success
        assert "finite vector" in refused.message
        truth = client.call(SceneTruth, "truth")
        assert not truth.renderer
        assert not truth.objects
        time.sleep(1.0)  # a node that fell over it would be gone by now
        assert process.poll() is None
