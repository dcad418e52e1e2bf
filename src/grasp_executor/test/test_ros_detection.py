"""What the executor makes of a detector that is not there, answers late, or with an old image."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from grasp_msgs.srv import DetectGrasps

from grasp_core.camera import PinholeCamera
from grasp_core.errors import Cancelled, Code, HardwareLost, NoGrasp, NoImage, StaleDetection
from grasp_executor.config import ExecutorConfig
from grasp_executor.ros_detection import DetectionClient
from grasp_ros.conversions import camera_to_info, depth_to_image


class FakeService:
    """A client whose service is there or not, and answers at once or never."""

    srv_name = "/detector/detect"

    def __init__(self, response=None, *, there=True):
        self.response, self.there = response, there
        self.removed = []

    def create_client(self, kind, name):
        return self

    def service_is_ready(self):
        return self.there

    def call_async(self, request):
        self.request = request
        return SimpleNamespace(
            done=lambda: self.response is not None, result=lambda: self.response
        )

    def remove_pending_request(self, future):
        self.removed.append(future)


def camera(service, **settings):
    config = ExecutorConfig(hardware_timeout_s=0.5, detect_timeout_s=0.1, **settings)
    return DetectionClient(service, config, None)


def answer(stamp_s=5, code=Code.OK):
    response = DetectGrasps.Response(code=int(code), message="told")
    response.grasps.header.stamp = Time(sec=stamp_s)
    return response


def cancel():
    raise Cancelled("cancelled by the client")


def test_a_cancel_counts_while_there_is_no_detector():
    with pytest.raises(Cancelled):
        camera(FakeService(there=False)).look(4.0, "", cancel)


def test_no_detector_is_lost_hardware():
    with pytest.raises(HardwareLost, match="no detector answers on /detector/detect"):
        camera(FakeService(there=False)).look(4.0, "", lambda: None)


def test_a_cancel_gives_up_a_request():
    service = FakeService()
    with pytest.raises(Cancelled):
        camera(service).look(4.0, "", cancel)
    assert len(service.removed) == 1


def test_a_detector_that_never_answers_is_lost_hardware():
    with pytest.raises(HardwareLost, match="does not answer"):
        camera(FakeService()).look(4.0, "", lambda: None)


def test_the_detectors_failure_keeps_its_type():
    with pytest.raises(NoImage, match="told"):
        camera(FakeService(answer(code=Code.NO_IMAGE))).look(4.0, "", lambda: None)


def test_an_old_image_is_refused_whatever_the_detector_says():
    with pytest.raises(StaleDetection, match=r"5\.000 s, asked for was 6\.000 s"):
        camera(FakeService(answer(stamp_s=5))).look(6.0, "", lambda: None)


def test_an_answer_without_candidates_is_no_grasp():
    with pytest.raises(NoGrasp, match="the list is empty"):
        camera(FakeService(answer())).look(4.0, "", lambda: None)


def test_a_look_after_letting_go_is_content_with_an_image_in_which_nothing_is_to_be_grasped():
    response = answer(code=Code.NO_GRASP)
    response.depth = depth_to_image(np.full((4, 6), 0.75, np.float32), 5 * 10**9, "optical")
    intrinsics = PinholeCamera(6, 4, 300.0, 300.0, 2.5, 1.5)
    response.camera_info = camera_to_info(intrinsics, 5 * 10**9, "optical")
    client = camera(FakeService(response))
    client._pose = SimpleNamespace(at=lambda frame, *_: frame)
    seen = client.see(4.0, lambda: None)
    assert (seen.grasps, seen.stamp_s, seen.T_base_camera) == ([], 5.0, "optical")
    assert seen.depth_m.shape == (4, 6)
    with pytest.raises(StaleDetection, match="asked for was 6"):
        client.see(6.0, lambda: None)
    with pytest.raises(NoImage, match="told"):
        camera(FakeService(answer(code=Code.NO_IMAGE))).see(4.0, lambda: None)
