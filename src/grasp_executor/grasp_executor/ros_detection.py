"""The detector's service as the executor's Camera, posed by TF or a hand-eye file."""

from __future__ import annotations

import time
from collections.abc import Sequence

from grasp_msgs.msg import Grasp as GraspMsg
from grasp_msgs.srv import DetectGrasps
from rclpy.node import Node
from std_msgs.msg import Header

from grasp_core.errors import (
    Code,
    GraspStackError,
    HardwareLost,
    NoGrasp,
    StaleDetection,
    failure_from,
)
from grasp_core.grasp import Grasp
from grasp_executor.config import ExecutorConfig
from grasp_executor.interfaces import Observation, Wait
from grasp_ros.camera_pose import CameraPose
from grasp_ros.conversions import (
    NANOSECONDS,
    camera_from_info,
    depth_from_image,
    grasp_from_msg,
    ns_to_stamp,
    stamp_to_ns,
)

_TF_PATIENCE = 50  # ticks that transforms of the image's stamp may arrive after it
_WAITS = 3  # of the detector, each its own timeout: for its last frame, an image, its detection


class DetectionClient:
    """A client of DetectGrasps; the pose of the image comes from TF or a hand-eye file."""

    def __init__(self, node: Node, config: ExecutorConfig, pose: CameraPose) -> None:
        self._timeout_s = config.detect_timeout_s
        self._patience_s = _WAITS * config.detect_timeout_s + config.hardware_timeout_s
        self._grace_s = config.hardware_timeout_s
        self._pose = pose
        self._client = node.create_client(DetectGrasps, config.detect_service)

    def look(self, not_before_s: float, label: str, wait: Wait) -> Observation:
        """See Camera."""
        response = self._ask(round(not_before_s * NANOSECONDS), label, wait)
        if response.code != Code.OK:
            raise failure_from(response.code, response.message)
        header = response.grasps.header
        _require_new(header, not_before_s)
        return self._observation(response, header, _usable(response.grasps.grasps), wait)

    def see(self, not_before_s: float, wait: Wait) -> Observation:
        """See Camera."""
        response = self._ask(round(not_before_s * NANOSECONDS), "", wait)
        if response.code not in (Code.OK, Code.NO_GRASP):
            raise failure_from(response.code, response.message)
        header = response.depth.header
        _require_new(header, not_before_s)
        return self._observation(response, header, [], wait)

    def _observation(
        self, response: DetectGrasps.Response, header: Header, grasps: list[Grasp], wait: Wait
    ) -> Observation:
        stamp_ns = stamp_to_ns(header.stamp)
        return Observation(
            grasps=grasps,
            depth_m=depth_from_image(response.depth),
            camera=camera_from_info(response.camera_info, is_part=True),
            T_base_camera=self._pose.at(header.frame_id, stamp_ns, wait, _TF_PATIENCE),
            stamp_s=stamp_ns / NANOSECONDS,
        )

    def _ask(self, not_before_ns: int, label: str, wait: Wait) -> DetectGrasps.Response:
        deadline = time.monotonic() + self._grace_s
        while not self._client.service_is_ready():
            if time.monotonic() > deadline:
                raise HardwareLost(
                    f"no detector answers on {self._client.srv_name}: is it running and active?"
                )
            wait()
        request = DetectGrasps.Request(
            not_before=ns_to_stamp(not_before_ns), timeout_s=self._timeout_s, label=label
        )
        future = self._client.call_async(request)
        deadline = time.monotonic() + self._patience_s
        try:
            while not future.done():
                wait()
                if time.monotonic() > deadline:
                    raise HardwareLost(
                        f"the detector does not answer on {self._client.srv_name} within "
                        f"{self._patience_s:.0f} s"
                    )
        except GraspStackError:
            self._client.remove_pending_request(future)
            raise
        return future.result()


def _require_new(header: Header, not_before_s: float) -> None:
    """Refuse an older image than was asked for.

    Raises:
        StaleDetection: It is older.
    """
    stamp_ns = stamp_to_ns(header.stamp)
    if stamp_ns < round(not_before_s * NANOSECONDS):
        raise StaleDetection(
            f"the detector answered with an image of {stamp_ns / NANOSECONDS:.3f} s, asked "
            f"for was {not_before_s:.3f} s or later"
        )


def _usable(messages: Sequence[GraspMsg]) -> list[Grasp]:
    """Candidates that make sense; other people's detectors may send others.

    Raises:
        NoGrasp: None does.
    """
    grasps: list[Grasp] = []
    complaint = "the list is empty"
    for message in messages:
        try:
            grasps.append(grasp_from_msg(message))
        except ValueError as error:
            complaint = str(error)
    if not grasps:
        raise NoGrasp(f"none of {len(messages)} candidates makes sense: {complaint}")
    return grasps
