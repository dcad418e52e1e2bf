"""Camera, frames and arm over ROS, for a calibration: a node of its own beside the drivers."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import rclpy
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions

from grasp_calibration.errors import BoardNotSeen
from grasp_calibration.station import Picture
from grasp_core.camera_profile import CameraProfile
from grasp_core.errors import NoImage, NoTransform
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.config import ExecutorConfig
from grasp_executor.fault_latch import FaultLatch
from grasp_executor.motion import Mover
from grasp_executor.ros_hardware import RosArm
from grasp_executor.ros_states import JointStateCache, RosClock
from grasp_executor.ros_stop import watch_stops
from grasp_ros.camera_input import CameraInput, CameraMessages
from grasp_ros.conversions import NANOSECONDS, camera_from_info, color_from_image
from grasp_ros.spinner import Spinner
from grasp_ros.tf import transform_source

_SLOP_NS = 20_000_000
_IMAGE_TIMEOUT_S = 30.0  # wall time
_TF_TIMEOUT_S = 2.0  # wall time
_POLL_S = 0.01
_REST_NS = 200_000_000
_MOVED_M, _TURNED_RAD = 0.0005, math.radians(0.1)


class RosStation:
    """Context in which pictures can be taken and the arm moved.

    Attributes:
        arm: The arm.
        mover: Moves it.
        robot: Its model.
    """

    def __init__(
        self,
        robot: RobotModel,
        camera: CameraProfile,
        hand_frame: str,
        use_sim_time: bool,
        cancelled: Callable[[], bool],
    ) -> None:
        """Prepare.

        Args:
            robot: Its model.
            camera: Topics of the camera.
            hand_frame: Frame on TF that moves with the hand.
            use_sim_time: Whether time comes from /clock.
            cancelled: Whether the user wants to stop; the arm comes to rest.
        """
        self.robot = robot
        self._profile = camera
        self._hand_frame = hand_frame
        self._use_sim_time = use_sim_time
        self._cancelled = cancelled
        self._lock = threading.Lock()
        self._newest: tuple[int, CameraMessages] | None = None

    def __enter__(self) -> RosStation:
        config = ExecutorConfig()
        self._context = rclpy.Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        node = rclpy.create_node(
            "calibration",
            context=self._context,
            parameter_overrides=[Parameter("use_sim_time", value=self._use_sim_time)],
        )
        self._spinner = Spinner(node)
        self._clock = RosClock(node, config.hardware_timeout_s)
        self._transforms = transform_source(node)
        sources = {self.robot.arm.joint_states_topic: self.robot.arm.joints}
        states = JointStateCache(node, self._clock, config.state_timeout_s, sources)
        self.arm = RosArm(self._spinner, self.robot, config, states)
        latch = FaultLatch()
        watch_stops(node, self.robot.arm, config.protective_stop_topic, latch)
        self.mover = Mover(
            self.arm,
            self._clock,
            config.tick_s,
            self._cancelled,
            latch.check_stop,
            config.standstill_s,
        )
        self._input = CameraInput(node, self._profile.topics, _SLOP_NS, self._keep)
        self._input.enable()
        self._input.open()
        self._spinner.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._spinner.run(self._input.disable)
        self._spinner.close()
        self._context.try_shutdown()

    def pause(self) -> None:
        """Let a moment of wall time pass."""
        time.sleep(_POLL_S)

    def take(self, wait: Callable[[], None]) -> Picture:
        """See HandCamera.

        Raises:
            BoardNotSeen: The hand moved just before the picture.
        """
        began_s = time.monotonic()
        # Before the first message of /clock node time is 0, and any image is later.
        not_before_ns = round(self._clock.now_s() * NANOSECONDS)
        while True:
            stamp_ns, messages = self._next(not_before_ns, began_s, wait)
            T_base_hand = self._hand_at(stamp_ns, wait)
            try:
                T_base_earlier = self._hand(stamp_ns - _REST_NS)
                break
            except NoTransform:  # TF is heard since a moment ago: a later picture will do
                if time.monotonic() - began_s > _IMAGE_TIMEOUT_S:
                    raise
            not_before_ns = stamp_ns + 1
        _require_rest(*T_base_earlier.distance_to(T_base_hand))
        color = messages["color"]
        return Picture(
            color_from_image(color),
            camera_from_info(messages["camera_info"], rectified=self._profile.rectified),
            T_base_hand,
            color.header.frame_id.lstrip("/"),
        )

    def _next(
        self, not_before_ns: int, began_s: float, wait: Callable[[], None]
    ) -> tuple[int, CameraMessages]:
        """Images and calibration of one stamp, not earlier than asked.

        Raises:
            NoImage: None comes in time.
        """
        while (found := self._after(not_before_ns)) is None:
            wait()
            time.sleep(_POLL_S)
            if time.monotonic() - began_s > _IMAGE_TIMEOUT_S:
                raise NoImage(self._why_not(began_s))
        return found

    def _hand(self, stamp_ns: int) -> Transform:
        return self._transforms.lookup(self.robot.arm.base_frame, self._hand_frame, stamp_ns)

    def _hand_at(self, stamp_ns: int, wait: Callable[[], None]) -> Transform:
        """``T_base_hand`` at a stamp; transforms may come a moment after the image."""
        deadline = time.monotonic() + _TF_TIMEOUT_S
        while True:
            try:
                return self._hand(stamp_ns)
            except NoTransform:
                if time.monotonic() > deadline:
                    raise
            wait()
            time.sleep(_POLL_S)

    def _keep(self, stamp_ns: int, messages: CameraMessages) -> None:
        with self._lock:
            self._newest = stamp_ns, messages

    def _after(self, stamp_ns: int) -> tuple[int, CameraMessages] | None:
        with self._lock:
            newest = self._newest
        return newest if newest is not None and newest[0] >= stamp_ns else None

    def _why_not(self, since_s: float) -> str:
        silent = self._input.silent_topics(since_s)
        if silent:
            topics = ", ".join(silent.values())
            return (
                f"nothing came on {topics} for {_IMAGE_TIMEOUT_S:.0f} s: does the camera's driver "
                "run, and does --camera name it?"
            )
        why = self._input.mismatch(since_s) or "only images from before it was asked for"
        return f"no picture within {_IMAGE_TIMEOUT_S:.0f} s: {why}"


def _require_rest(moved_m: float, turned: float) -> None:
    """Refuse a picture that was taken while the hand moved, by metres and radians.

    Raises:
        BoardNotSeen: It did.
    """
    if moved_m > _MOVED_M or turned > _TURNED_RAD:
        raise BoardNotSeen(
            f"the hand moved by {1e3 * moved_m:.1f} mm and {math.degrees(turned):.2f} deg in the "
            f"{_REST_NS / NANOSECONDS} s before the picture: let it come to rest"
        )
