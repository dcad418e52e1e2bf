"""A stand-in for unkind hardware: a robot's topics and actions, and what can go wrong with them.

It serves what the profiles of robot, hand and camera name, over a world of one block on a table,
in real time or with a clock of its own. ``--misbehave NAME[=VALUE][@STAGE or @SECONDS]`` makes it
misbehave, from the start, in a stage of the pick that runs, or so many seconds after its start;
the names are those of ``unkind_ways``.

By hand, from the root of the repository::

    PYTHONPATH=src/grasp_bringup/test:src/grasp_executor/test \
        .venv/bin/python -m unkind_hardware --misbehave hand-nan@hold
"""

from __future__ import annotations

import argparse
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import rclpy
from geometry_msgs.msg import TransformStamped, WrenchStamped
from grasp_msgs.action import Pick
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Bool
from tf2_msgs.msg import TFMessage
from unkind_actions import ArmManners, ArmServer
from unkind_body import Body
from unkind_hands import HandManners, serve_hand
from unkind_ways import WAYS, Way

from grasp_bringup import environment
from grasp_core.camera import PinholeCamera
from grasp_core.camera_profile import load_camera
from grasp_core.robot import RobotModel, load_robot
from grasp_ros.conversions import (
    NANOSECONDS,
    camera_to_info,
    color_to_image,
    depth_to_image,
    ns_to_stamp,
    stamp_to_ns,
    transform_to_msg,
)
from grasp_ros.qos import DYNAMIC_TF, SENSOR, STATIC_TF
from grasp_sim.camera import camera_pose
from grasp_sim.config import SimConfig

_LENS = PinholeCamera(320, 240, 307.5, 307.5, 159.5, 119.5)  # the simulator's, half as many pixels
OPTICAL_FRAME = "camera_color_optical_frame"
STOP_TOPIC = "protective_stop"
_TICK_S = 0.01  # wall time
_CAMERA_PERIOD_S = 0.12  # wall time: it is pixels that cost
_STOP_PERIOD_S = 0.1
_LARGEST_STEP_S = 2.0 * _TICK_S  # a busy machine slows /clock, and leaves no gap in the data
_THREADS = 6

Change = Callable[[Any], Any]
"""What happens to a message on its way out; None for one that is not sent."""


class UnkindHardware(Node):
    """The drivers of arm, hand and camera, which do as they should until told otherwise.

    Attributes:
        body: Arm, jaws and block.
        arm: Manners of the arm's controller.
        hand: Manners of the hand's driver.
        stamp_offset_s: By stream, how far its driver's clock is off, seconds.
        is_stopped: Whether the robot says that it has stopped itself.
        stages: Those of the picks so far, as their feedback tells.
        clock_rate: Seconds of its own clock in one of wall time; 0 stands still.
    """

    def __init__(
        self,
        robot: RobotModel,
        camera: str = "realsense",
        speed: float = 0.0,
        context: rclpy.Context | None = None,
    ) -> None:
        """Serve.

        Args:
            robot: With its hand, whose drivers are served.
            camera: File under config/cameras.
            speed: Publish /clock, so many times as fast as real time; 0 for real time without.
            context: Of rclpy; None for the default one.
        """
        super().__init__("unkind_hardware", context=context)
        self.robot, self.camera = robot, load_camera(camera)
        self.body = Body(self.robot)
        self._speed = speed
        self._lens = _LENS
        self._T_base_camera = camera_pose(SimConfig())
        self._picture: tuple[bytes, np.ndarray] | None = None
        self._publish_nothing_yet()
        self.arm, self.hand = ArmManners(), HandManners()
        ArmServer(self, self.body, self.arm)
        self._hand_states = serve_hand(self, self.body, self.hand)
        self._measured = self._hand_states.measure()
        create = self.create_publisher
        self._publishers_of = {
            "arm": create(JointState, self.robot.arm.joint_states_topic, SENSOR),
            "hand": self._hand_states,
            "color": create(Image, self.camera.color_topic, SENSOR),
            "depth": create(Image, self.camera.depth_topic, SENSOR),
            "camera_info": create(CameraInfo, self.camera.camera_info_topic, SENSOR),
            "wrench": create(
                WrenchStamped, self.robot.arm.external_wrench_topic or "external_wrench", SENSOR
            ),
            "stop": create(Bool, STOP_TOPIC, 10),
            "tf": create(TFMessage, "/tf", DYNAMIC_TF),
            "tf_static": create(TFMessage, "/tf_static", STATIC_TF),
        }
        self._clock_out = create(Clock, "/clock", 10) if speed else None
        self.create_subscription(
            Pick.Impl.FeedbackMessage, "pick/_action/feedback", self._hear_of_pick, 10
        )
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._live, name="unkind_hardware", daemon=True)
        self._thread.start()

    def _publish_nothing_yet(self) -> None:
        self.now_s = 0.0 if self._speed else time.time()
        self._forget()

    def _forget(self) -> None:
        self._changes: dict[str, list[Change]] = defaultdict(list)
        self.stamp_offset_s: dict[str, float] = defaultdict(float)
        self.clock_rate = self._speed or 1.0
        self._due: list[tuple[str | float, Way, float]] = []
        self._began_s = time.monotonic()
        self.stages: list[str] = []
        self.is_stopped = False

    def behave(self) -> None:
        """As it was at first: the block on the table, the jaws open, nothing wrong."""
        self._forget()
        self.body.reset()
        self.arm.behave()
        self.hand.behave()

    def misbehave(self, name: str, value: float | None = None, at: str | float = 0.0) -> None:
        """Begin one of :data:`unkind_ways.WAYS`.

        Args:
            name: Which.
            value: Its number, if not the usual one.
            at: Stage of the pick in which it begins, or seconds of wall time from now.
        """
        if name not in WAYS:
            raise KeyError(f"no misbehaviour {name!r}; valid are {', '.join(WAYS)}")
        way = WAYS[name]
        number = way.value if value is None else value
        if at == 0.0:
            way.begin(self, number)
        elif isinstance(at, str):
            self._due.append((at, way, number))
        else:
            self._due.append((time.monotonic() - self._began_s + at, way, number))

    def change(self, stream: str, change: Change) -> None:
        """Send the messages of a stream changed from now on."""
        self._changes[stream].append(change)

    def publish(self, stream: str, message: Any) -> None:
        """Send a message, as changed."""
        for change in tuple(self._changes[stream]):
            message = change(message)
            if message is None:
                return
        self._publishers_of[stream].publish(message)

    def stamp(self, stream: str) -> Any:
        """Now, by the clock of the driver of a stream."""
        return ns_to_stamp(int(max(0.0, self.now_s + self.stamp_offset_s[stream]) * NANOSECONDS))

    def destroy_node(self) -> None:
        """Stop the world, then destroy."""
        self._closing.set()
        self._thread.join(2.0)
        super().destroy_node()

    # -- what happens by itself -----------------------------------------------------------------

    def _live(self) -> None:
        hand = self.robot.gripper
        measures = _Every(1.0 / hand.joint_states_hz)
        tells = _Every(1.0 / hand.states_hz)
        pictures, stops = _Every(_CAMERA_PERIOD_S), _Every(_STOP_PERIOD_S)
        last = time.monotonic()
        self._publish_poses()
        while not self._closing.wait(_TICK_S):
            now = time.monotonic()
            wall_s, last = now - last, now
            if self._speed:
                wall_s = min(wall_s, _LARGEST_STEP_S)
            self.now_s += wall_s * self.clock_rate
            if self.clock_rate > 0.0:  # who has stopped /clock does not move anything, either
                self.body.step(max(wall_s * (self._speed or 1.0), 1e-6))
            self._begin_what_is_due()
            if self._clock_out is not None:
                self._clock_out.publish(Clock(clock=ns_to_stamp(int(self.now_s * NANOSECONDS))))
            self._publish_arm()
            if stops.due(now):
                self.publish("stop", Bool(data=self.is_stopped))
            if measures.due(self.now_s):
                self._measured = self._hand_states.measure()
            if tells.due(self.now_s):
                self.publish("hand", self._measured(self.stamp("hand")))
            if pictures.due(now):
                self._publish_images()

    def _begin_what_is_due(self) -> None:
        since_s = time.monotonic() - self._began_s
        for entry in tuple(self._due):
            at, way, value = entry
            if at in self.stages or (isinstance(at, float) and since_s >= at):
                self._due.remove(entry)
                way.begin(self, value)

    def _hear_of_pick(self, message: Any) -> None:
        self.stages.append(message.feedback.stage)

    # -- messages -------------------------------------------------------------------------------

    def _publish_arm(self) -> None:
        with self.body.lock:
            positions, velocities = self.body.joints.tolist(), self.body.velocities.tolist()
            weight_n = self.body.payload_n()
        message = JointState(
            name=list(self.robot.arm.joints),
            position=positions,
            velocity=velocities,
            effort=[0.0] * len(positions),
        )
        message.header.stamp = self.stamp("arm")
        self.publish("arm", message)
        wrench = WrenchStamped()
        wrench.header.stamp = message.header.stamp
        wrench.header.frame_id = self.robot.arm.base_frame
        wrench.wrench.force.z = weight_n
        self.publish("wrench", wrench)

    def _publish_images(self) -> None:
        stamp_ns = stamp_to_ns(self.stamp("camera"))
        depth = self._depth()
        color = np.full((*depth.shape, 3), 120, np.uint8)
        self.publish("camera_info", camera_to_info(self._lens, stamp_ns, OPTICAL_FRAME))
        self.publish(
            "depth", depth_to_image(depth, stamp_ns, OPTICAL_FRAME, self.camera.depth_encoding)
        )
        self.publish(
            "color", color_to_image(color, stamp_ns, OPTICAL_FRAME, self.camera.color_encoding)
        )

    def _depth(self) -> np.ndarray:
        """The picture, drawn anew when the block has moved."""
        block = self.body.block_m
        key = b"" if block is None else np.round(block, 3).tobytes()
        if self._picture is None or self._picture[0] != key:
            self._picture = (key, self.body.depth(self._lens, self._T_base_camera))
        return self._picture[1]

    def _publish_poses(self) -> None:
        message = TransformStamped(
            child_frame_id=OPTICAL_FRAME, transform=transform_to_msg(self._T_base_camera)
        )
        message.header.frame_id = self.robot.arm.base_frame
        message.header.stamp = self.stamp("camera")
        self.publish("tf_static", TFMessage(transforms=[message]))


class _Every:
    """Says when it is time again; a clock that was set back counts, too."""

    def __init__(self, period_s: float) -> None:
        self._period_s, self._last_s = period_s, -math.inf

    def due(self, now_s: float) -> bool:
        """Whether a period has passed since it last was."""
        if abs(now_s - self._last_s) < self._period_s - 1e-3:
            return False
        self._last_s = now_s
        return True


def asked(text: str) -> tuple[str, float | None, str | float]:
    """NAME[=VALUE][@STAGE or @SECONDS] as arguments of :meth:`UnkindHardware.misbehave`."""
    what, _, at = text.partition("@")
    name, _, value = what.partition("=")
    try:
        when: str | float = float(at or 0.0)
    except ValueError:
        when = at
    return name, float(value) if value else None, when


def main() -> None:
    """Serve until interrupted."""
    listed = "\n".join(f"  {name:28} {way.says}" for name, way in WAYS.items())
    parser = argparse.ArgumentParser(
        prog="python -m unkind_hardware",
        description=(__doc__ or "").partition("By hand")[0].strip(),
        epilog=f"misbehaviours:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--robot", default="panda", help="folder under config/robots")
    parser.add_argument("--gripper", default="", help="file under config/grippers; robot's own")
    parser.add_argument("--camera", default="realsense", help="file under config/cameras")
    parser.add_argument(
        "--speed", type=float, default=0.0, help="publish /clock, so many times as fast"
    )
    parser.add_argument(
        "--misbehave",
        action="append",
        default=[],
        type=asked,
        metavar="NAME[=VALUE][@STAGE or @SECONDS]",
    )
    options = parser.parse_args()
    unknown = [name for name, _, _ in options.misbehave if name not in WAYS]
    if unknown:
        parser.error(f"no misbehaviour {unknown[0]!r}; --help lists them")
    environment.prepare()
    rclpy.init()
    robot = load_robot(options.robot, options.gripper)
    hardware = UnkindHardware(robot, options.camera, options.speed)
    for what in options.misbehave:
        hardware.misbehave(*what)
    executor = MultiThreadedExecutor(_THREADS)
    executor.add_node(hardware)
    try:
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        hardware.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
