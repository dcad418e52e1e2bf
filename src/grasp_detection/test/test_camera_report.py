"""What the detector tells of its camera, with the remedy of that camera's driver."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

from grasp_core.camera_profile import load_camera
from grasp_core.errors import BadImage, NoImage
from grasp_detection.ros_camera_report import CameraReport

LAG_S = 0.5


@dataclass
class Topics:
    """What a camera input knows of its topics."""

    silent: dict[str, str] = field(default_factory=dict)
    stamps: str = ""
    drops: Counter = field(default_factory=lambda: Counter(unpaired=3))
    received: Counter = field(default_factory=lambda: Counter(color=5))

    def silent_topics(self, since_s):
        return self.silent

    def mismatch(self, since_s):
        return self.stamps


def report(camera="realsense", **topics):
    return CameraReport(Topics(**topics), load_camera(camera), LAG_S)


@pytest.mark.parametrize(
    ("camera", "silent", "told"),
    [
        ("realsense", ["depth"], "/depth; colour comes: start realsense2_camera with align_depth"),
        ("femto_bolt", ["depth"], "/depth; colour comes: start orbbec_camera with depth_regist"),
        ("kinect2", ["depth"], "/depth; colour comes: subscribe to the depth that is aligned"),
        ("realsense", ["camera_info"], "/camera_info; check that the camera runs"),
        ("realsense", ["color", "depth"], "/color, /depth; check that the camera runs"),
    ],
)
def test_a_silent_topic_is_told_with_what_may_be_missing(camera, silent, told):
    about = report(camera, silent={stream: f"/{stream}" for stream in silent})
    error = about.why_none(0.0)
    assert isinstance(error, NoImage)
    assert str(error).startswith(f"no image: nothing on {told}")
    assert about.findings(0.0).silent in str(error)


def test_stamps_that_do_not_match_are_told_with_what_synchronises():
    error = report(stamps="stamps differ").why_none(0.0)
    assert isinstance(error, BadImage)
    assert str(error) == (
        "stamps differ: start realsense2_camera with enable_sync:=true, or raise sync_slop_s"
    )
    assert report().why_none(0.0) is None


def test_images_are_late_beyond_what_camera_and_clock_explain():
    about = report()
    limit_s = load_camera("realsense").latency_s + LAG_S
    for age_s in (0.1, limit_s - 0.001, 9.0):  # a single one says nothing
        about.arrived(age_s)
    found = about.findings(-math.inf)
    assert found.late == ""
    assert found.values == {
        "image_age_ms_median": pytest.approx(599.0),
        **{"dropped_unpaired": 3, "received_color": 5},
    }
    about.arrived(limit_s + 0.1)
    about.arrived(limit_s + 0.1)
    assert "images arrive 0.70 s after their stamps" in about.findings(-math.inf).late
    assert about.findings(time.monotonic()).late == "", "of a time that is over"
