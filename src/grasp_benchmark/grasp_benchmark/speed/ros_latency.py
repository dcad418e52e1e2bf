"""How old an image is when its grasps are published: the detector node under a camera's load."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from grasp_msgs.msg import GraspArray
from lifecycle_msgs.msg import Transition

from grasp_bringup.client import StackClient
from grasp_bringup.processes import NodeProcesses, StackFailed
from grasp_bringup.stack import perception_and_action
from grasp_core.camera_profile import load_camera
from grasp_core.frame import RgbdFrame
from grasp_core.hand_eye import HandEye, write_hand_eye
from grasp_core.robot import RobotModel
from grasp_detection.config import DetectorConfig
from grasp_ros.camera_input import STREAMS
from grasp_ros.conversions import camera_to_info, color_to_image, depth_to_image, stamp_to_ns
from grasp_ros.qos import RESULTS, SENSOR

_NAME = "bench_detector"  # and topics of its own: a camera may be running
_PREFIX = "bench/"
_PERIOD_S = 0.25
_START_S = 60.0
_PATIENCE_S = 20.0
_WARM_UP = 3


def measure_latency(
    frame: RgbdFrame,
    robot: RobotModel,
    gripper: str,
    detector: str,
    count: int,
    log_dir: Path,
    check: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Publish a frame again and again, stamped with the time, and see its grasps come back.

    Args:
        frame: What the camera shows.
        robot: In whose base frame the camera is.
        gripper: Name of the hand that it carries; empty: its own.
        detector: Name of the detector.
        count: Images that are answered.
        log_dir: Folder for the node's log.
        check: Called while waiting; may raise.

    Returns:
        ``ms_median`` and ``ms_p95`` from stamp to arrival of the grasps, ``ms_detection`` of
        that, as the node says.

    Raises:
        StackFailed: The node could not be started, or is silent.
    """
    node = perception_and_action(
        robot.name,
        None,
        detector,
        gripper=gripper,
        continuous=True,
        use_sim_time=False,
    )[0]
    topics = load_camera(DetectorConfig().camera).topics
    remappings = {topic: f"{_PREFIX}{topic}" for topic in topics.values()}
    parameters = {**node.parameters, **_calibration(frame, robot, log_dir)}
    node = dataclasses.replace(node, name=_NAME, parameters=parameters, remappings=remappings)
    # The parameter file speaks to a node named detector; this one has the defaults, which are the
    # same.
    with StackClient(check) as client, NodeProcesses([node], log_dir) as processes:

        def all_well() -> None:
            check()
            processes.check()

        client.watch(all_well)
        client.transition(_NAME, Transition.TRANSITION_CONFIGURE, _START_S)
        client.transition(_NAME, Transition.TRANSITION_ACTIVATE, _START_S)
        return _exchange(client, processes, frame, topics, count, all_well)


def _calibration(frame: RgbdFrame, robot: RobotModel, folder: Path) -> dict[str, str]:
    """Parameters that tell the node the frame's pose, by a file: nothing publishes transforms."""
    if frame.T_base_camera is None:
        return {}
    path = folder / f"{_NAME}_hand_eye.yaml"
    write_hand_eye(path, HandEye(robot.arm.base_frame, frame.frame_id, frame.T_base_camera))
    return {"hand_eye": str(path.resolve())}


def _exchange(
    client: StackClient,
    processes: NodeProcesses,
    frame: RgbdFrame,
    topics: Mapping[str, str],
    count: int,
    check: Callable[[], None],
) -> dict[str, float]:
    answers: list[tuple[float, float]] = []

    def arrived(message: GraspArray) -> None:
        age_ms = (time.time_ns() - stamp_to_ns(message.header.stamp)) * 1e-6
        answers.append((age_ms, message.detection_ms))

    node = client.node
    node.create_subscription(GraspArray, f"{_NAME}/grasps", arrived, RESULTS)
    publishers = {
        stream: node.create_publisher(kind, f"{_PREFIX}{topics[stream]}", SENSOR)
        for stream, kind in STREAMS.items()
    }
    last_s = time.monotonic()
    seen = 0
    while len(answers) < count + _WARM_UP:
        check()
        if len(answers) > seen:
            seen, last_s = len(answers), time.monotonic()
        if time.monotonic() - last_s > _PATIENCE_S:
            raise StackFailed(
                f"the detector published nothing for {_PATIENCE_S:.0f} s; the end of "
                f"{processes.log_of(_NAME)}:\n{processes.tail(_NAME)}"
            )
        stamp_ns, name = time.time_ns(), frame.frame_id
        publishers["camera_info"].publish(camera_to_info(frame.camera, stamp_ns, name))
        publishers["depth"].publish(depth_to_image(frame.depth_m, stamp_ns, name))
        publishers["color"].publish(color_to_image(frame.color, stamp_ns, name))
        time.sleep(_PERIOD_S)
    ages, detection = np.array(answers[_WARM_UP:]).T
    return {
        "ms_median": float(np.median(ages)),
        "ms_p95": float(np.percentile(ages, 95)),
        "ms_detection": float(np.median(detection)),
    }
