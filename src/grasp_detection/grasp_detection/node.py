"""The detector node: camera frames in, ranked grasps out, on topics and on request.

Publishes ``~/grasps``, the annotated ``~/image`` and ``~/markers``, and serves ``~/detect``. Only
the newest frame is worked on; unless told otherwise, the camera is subscribed only while somebody
listens or asks.
"""

from __future__ import annotations

import math
import threading
import time
import traceback
from collections.abc import Sequence

from grasp_msgs.msg import GraspArray
from grasp_msgs.srv import DetectGrasps
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.lifecycle import LifecyclePublisher
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from grasp_core.camera_profile import load_camera
from grasp_core.cell import load_cell
from grasp_core.drawing import draw_grasps
from grasp_core.errors import Code, GraspStackError, NoGrasp
from grasp_core.grasp import Grasp, with_label
from grasp_core.robot import load_robot
from grasp_detection.config import DetectorConfig
from grasp_detection.loading import load_detector
from grasp_detection.mailbox import Mailbox
from grasp_detection.outcome_board import Outcome, OutcomeBoard
from grasp_detection.pose_report import PoseReport
from grasp_detection.processor import limit_processor
from grasp_detection.registry import find_detector
from grasp_detection.ros_camera_report import CameraReport
from grasp_detection.ros_diagnostics import DetectionReport
from grasp_detection.ros_markers import grasp_markers
from grasp_ros.camera_input import CameraInput, CameraMessages, frame_of
from grasp_ros.camera_pose import FramePoser, camera_pose
from grasp_ros.conversions import (
    camera_to_info,
    color_to_image,
    depth_to_image,
    grasps_to_msg,
    stamp_to_ns,
)
from grasp_ros.lifecycle import GraspLifecycleNode
from grasp_ros.qos import RESULTS
from grasp_ros.spin import run
from grasp_ros.spinner import Spinner, companion
from grasp_ros.stamps import NANOSECONDS, leads, refuse_lead

_TEND_PERIOD_S = 0.1
_WORKER_PATIENCE_S = 10.0  # for the frame being worked on when the node stops
_CLOCK_PATIENCE_S = 0.2  # wall time for a /clock message on its way
_CLOCK_POLL_S = 0.005
_THREADS = 4  # a waiting request, camera, timers, parameters


class DetectorNode(GraspLifecycleNode):
    """Lifecycle node around one detector."""

    def __init__(self) -> None:
        super().__init__("detector")
        self._board = OutcomeBoard()
        self._is_active = False
        self._worker: threading.Thread | None = None
        self._entities: list[tuple[str, object]] = []
        self._transforms: Spinner | None = None

    def configure(self) -> None:
        """Read parameters, build the detector, create publishers, service and timers."""
        self._config = config = self.declare_config(DetectorConfig)
        entry = find_detector(config.detector)
        limit_processor(config.threads, config.cpu_affinity, with_torch=entry.is_learned)
        robot, cell = load_robot(config.robot, config.gripper), load_cell(config.cell)
        self._gripper = robot.gripper
        settings = self.declare_config(entry.config_class, entry.group)
        self._detector = load_detector(
            config.detector, gripper=self._gripper, settings=settings, cell=cell
        )
        self._warm_up()
        self._profile = load_camera(config.camera)
        slop_ns = round(config.sync_slop_s * NANOSECONDS)
        self._camera = CameraInput(self, self._profile.topics, slop_ns, self._on_pair)
        # A thread of its own: transforms come often, and must not wait for a frame's worker.
        self._transforms = companion(self, "transforms")
        pose = camera_pose(
            self._transforms.node, robot.arm.base_frame, config.hand_eye, config.max_stamp_lead_s
        )
        self._poser = FramePoser(pose, config.tf_timeout_s)
        self._transforms.start()
        self._pose_report = PoseReport(cell, config)
        self._camera_report = CameraReport(self._camera, self._profile, config.max_stamp_lead_s)
        self._mailbox: Mailbox[tuple[int, float, CameraMessages]] = Mailbox()
        self._report = DetectionReport()
        self._wanted_s = -math.inf
        self._grasps = self._publisher(GraspArray, "~/grasps")
        self._image = self._publisher(Image, "~/image")
        self._markers = self._publisher(MarkerArray, "~/markers")
        service = self.create_service(
            DetectGrasps, "~/detect", self._serve, callback_group=MutuallyExclusiveCallbackGroup()
        )
        # Wall time: a simulator that was killed stops /clock.
        steady, group = Clock(clock_type=ClockType.STEADY_TIME), MutuallyExclusiveCallbackGroup()
        # In the camera's group: no subscription goes while its callback runs.
        tend = self.create_timer(
            _TEND_PERIOD_S, self._tend_camera, self._camera.callback_group, steady
        )
        tell = self.create_timer(config.diagnostics_period_s, self._tell, group, steady)
        self._entities = [
            *(("publisher", p) for p in (self._grasps, self._image, self._markers)),
            ("service", service),
            ("timer", tend),
            ("timer", tell),
        ]

    def _warm_up(self) -> None:
        try:
            took_s = self._detector.warm_up()
        except Exception as caught:  # a detector may have other ideas of what is an image
            self.get_logger().warning(f"not warmed up: {self._as_error(caught)}")
        else:
            self.get_logger().info(f"{self._config.detector} warmed up in {took_s:.2f} s")

    def reconfigure(self, config: object) -> None:
        """Take changed settings of the node; those of the detector do not change."""
        if isinstance(config, DetectorConfig):
            self._config = config

    def _publisher(self, message_type: type, topic: str) -> LifecyclePublisher:
        # Without event handlers: see grasp_ros.camera_input.
        quiet = PublisherEventCallbacks(use_default_callbacks=False)
        return self.create_lifecycle_publisher(message_type, topic, RESULTS, event_callbacks=quiet)

    def activate(self) -> None:
        """Start the worker; the camera is opened when wanted."""
        self._mailbox = Mailbox()
        self._pose_report.forget()
        self._worker = threading.Thread(target=self._work, args=(self._mailbox,), daemon=True)
        self._board.open()
        self._camera.enable()
        self._is_active = True
        self._worker.start()

    def deactivate(self) -> None:
        """Close the camera, end the worker, let waiting requests go."""
        if self._worker is None:
            return
        self._is_active = False
        self._camera.disable()
        self._mailbox.close()
        self._worker.join(timeout=_WORKER_PATIENCE_S)
        if self._worker.is_alive():
            self.get_logger().error(
                f"detector {self._config.detector} has been working on one frame for more than "
                f"{_WORKER_PATIENCE_S:.0f} s: left behind, its answer will be lost"
            )
        self._worker = None
        self._board.close()

    def cleanup(self) -> None:
        """Destroy what ``configure`` created."""
        for kind, entity in self._entities:
            getattr(self, f"destroy_{kind}")(entity)
        self._entities = []
        if self._transforms is not None:
            self._transforms.close()
            self._transforms = None

    def destroy_node(self) -> None:
        """Stop and destroy, from whatever state."""
        self.deactivate()
        self.cleanup()
        super().destroy_node()

    # Camera and worker

    def _on_pair(self, stamp_ns: int, messages: CameraMessages) -> None:
        arrived_s = time.monotonic()
        self._mailbox.put((stamp_ns, arrived_s, messages))
        self._board.arrived(stamp_ns, arrived_s)
        clock = self.get_clock()
        if not clock.ros_time_is_active:  # a simulation may run faster than images travel
            self._camera_report.arrived((clock.now().nanoseconds - stamp_ns) / NANOSECONDS)

    def _listeners(self) -> int:
        """Subscriptions that keep the detector busy."""
        if not self._config.continuous:
            return 0
        outputs = (self._grasps, self._image, self._markers)
        return sum(int(output.get_subscription_count()) for output in outputs)

    def _tend_camera(self) -> None:
        """Open the camera while it is wanted, close it a while after."""
        if not self._is_active:
            return
        now = time.monotonic()
        if self._board.has_requests or self._listeners() or not self._config.lazy:
            self._wanted_s = now
        if now - self._wanted_s <= self._config.linger_s:
            self._camera.open()
        else:
            self._camera.close()

    def _work(self, mailbox: Mailbox[tuple[int, float, CameraMessages]]) -> None:
        while (item := mailbox.take()) is not None:
            stamp_ns, arrived_s, messages = item
            if self._board.is_unwanted(stamp_ns, arrived_s) and not self._listeners():
                continue
            self._board.begin()
            outcome = self._process(stamp_ns, arrived_s, messages)
            self._board.post(outcome)
            try:
                self._publish(outcome)
            except Exception as caught:  # the next frame may fare better
                self._report.failed(str(self._as_error(caught)))

    def _process(self, stamp_ns: int, arrived_s: float, messages: CameraMessages) -> Outcome:
        frame = None
        try:
            self._refuse_lead(stamp_ns)
            frame = self._poser.posed(frame_of(stamp_ns, messages, self._profile))
            self._pose_report.saw(frame, self._poser.complaint)
            start = time.perf_counter()
            limits = self._config.scene_limits()
            grasps = tuple(self._detector.detect_frame(frame, self._config.max_candidates, limits))
            remark = self._detector.remark
            elapsed_ms = (time.perf_counter() - start) * 1000.0
        except Exception as caught:
            error = self._as_error(caught)
            self._report.failed(str(error))
            return Outcome(stamp_ns, frame, error=error, arrived_s=arrived_s)
        self._report.succeeded(elapsed_ms, grasps)
        return Outcome(stamp_ns, frame, grasps, elapsed_ms, arrived_s=arrived_s, remark=remark)

    def _refuse_lead(self, stamp_ns: int) -> None:
        """Refuse an image of a camera whose clock leads; /clock itself may come late."""
        limit_s, clock = self._config.max_stamp_lead_s, self.get_clock()
        give_up_s = time.monotonic() + _CLOCK_PATIENCE_S
        while leads(stamp_ns, clock.now().nanoseconds, limit_s) and time.monotonic() < give_up_s:
            time.sleep(_CLOCK_POLL_S)
        refuse_lead("the camera's images", stamp_ns, clock.now().nanoseconds, limit_s)

    def _as_error(self, caught: Exception) -> GraspStackError:
        if isinstance(caught, GraspStackError):
            return caught
        # A detector is foreign code: its fault must reach the log and the client.
        self.get_logger().error("".join(traceback.format_exception(caught)))
        name = self._config.detector
        return GraspStackError(f"detector {name} failed: {type(caught).__name__}: {caught}")

    def _publish(self, outcome: Outcome) -> None:
        if outcome.error is not None or not self._is_active:
            return
        frame = outcome.usable_frame()
        shown = outcome.grasps[: self._config.drawn_candidates]
        self._grasps.publish(self._message(outcome, outcome.grasps))
        if self._image.get_subscription_count():
            drawn = draw_grasps(frame.color, shown, len(shown))
            self._image.publish(color_to_image(drawn, frame.stamp_ns, frame.frame_id))
        if self._markers.get_subscription_count():
            self._markers.publish(
                grasp_markers(shown, frame, self._gripper, self._config.marker_lifetime_s)
            )

    def _message(self, outcome: Outcome, grasps: Sequence[Grasp]) -> GraspArray:
        frame = outcome.usable_frame()
        return grasps_to_msg(
            grasps,
            frame.camera,
            frame.stamp_ns,
            frame.frame_id,
            model=self._detector.name,
            detection_ms=outcome.detection_ms,
        )

    # Requests

    def _serve(
        self, request: DetectGrasps.Request, response: DetectGrasps.Response
    ) -> DetectGrasps.Response:
        try:
            self._wanted_s = time.monotonic()
            if self._is_active:
                self._camera.open()
            outcome = self._board.wait(
                stamp_to_ns(request.not_before),
                request.timeout_s or self._config.detect_timeout_s,
                self._camera_report.why_none,
            )
            frame = outcome.usable_frame()
            response.camera_info = camera_to_info(frame.camera, frame.stamp_ns, frame.frame_id)
            response.depth = depth_to_image(frame.depth_m, frame.stamp_ns, frame.frame_id)
            response.grasps = self._message(outcome, self._labelled(outcome, request.label))
        except GraspStackError as error:
            response.code, response.message = int(error.code), str(error)
            return response
        response.code = int(Code.OK)
        response.message = f"{len(response.grasps.grasps)} candidates"
        return response

    def _labelled(self, outcome: Outcome, label: str) -> list[Grasp]:
        if not outcome.grasps:
            raise NoGrasp(
                f"detector {self._detector.name} found nothing to grasp in the image of "
                f"{outcome.stamp_ns * 1e-9:.3f} s{': ' * bool(outcome.remark)}{outcome.remark}"
            )
        return with_label(outcome.grasps, label)

    # Diagnostics

    def _tell(self) -> None:
        warnings, about_pose = self._pose_report.findings()
        camera = self._camera_report.findings(time.monotonic() - self._config.silence_s)
        level, message, values = self._report.summary(
            active=self._is_active,
            camera_open=self._camera.is_open,
            mismatch=camera.mismatch,
            warnings=[text for text in (camera.silent, camera.late, *warnings) if text],
        )
        values |= about_pose | camera.values
        values["detector"] = self._config.detector
        values["remark"] = self._detector.remark
        values["dropped_replaced"] = self._mailbox.replaced
        self.publish_status(level, message, values)


def main() -> int:
    """Run the node until it is told to stop."""
    return run(DetectorNode, threads=_THREADS)


if __name__ == "__main__":
    main()
