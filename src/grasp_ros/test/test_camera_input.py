"""A set of camera messages becomes a frame only where the three agree and make sense."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest

from grasp_core.camera import PinholeCamera
from grasp_core.camera_profile import load_camera
from grasp_core.errors import BadCalibration, BadImage
from grasp_ros.camera_input import STREAMS, CameraInput, frame_of
from grasp_ros.conversions import camera_to_info, color_to_image, depth_to_image

SECOND = 1_000_000_000
CAMERA = PinholeCamera(16, 12, 16.0, 16.0, 8.0, 6.0, (0.1, 0.0, 0.0, 0.0, 0.0))


@pytest.fixture
def profile():
    return load_camera("realsense")


def messages(depth_m=0.75, encoding="16UC1", frames=("c", "c", "c"), stamps=(1, 1, 1)):
    color = np.zeros((12, 16, 3), np.uint8)
    depth = np.full((12, 16), depth_m, np.float32)
    return {
        "color": color_to_image(color, stamps[0] * SECOND, frames[0]),
        "depth": depth_to_image(depth, stamps[1] * SECOND, frames[1], encoding),
        "camera_info": camera_to_info(CAMERA, stamps[2] * SECOND, frames[2]),
    }


@pytest.mark.parametrize("frames", [("c", "/c", ""), ("/c", "c", "c")])
def test_names_of_frames_agree_with_a_slash_or_without(profile, frames):
    assert frame_of(1, messages(frames=frames), profile).frame_id == "c"


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        (("c", "d", "c"), "frame_id of depth is 'd', that of color 'c'"),
        (("c", "c", "d"), "frame_id of camera_info is 'd', that of color 'c'"),
        (("", "", ""), "frame_id of color is ''"),
    ],
)
def test_images_in_different_frames_are_refused(profile, frames, told):
    with pytest.raises(BadCalibration, match=told):
        frame_of(1, messages(frames=frames), profile)


def test_a_binned_image_needs_an_info_that_says_so(profile):
    received = messages()
    received["camera_info"].width, received["camera_info"].height = 32, 24
    received["camera_info"].k = [32.0, 0.0, 16.0, 0.0, 32.0, 12.0, 0.0, 0.0, 1.0]
    with pytest.raises(BadCalibration, match="image is 16x12 px, camera_info says 32x24 px"):
        frame_of(1, received, profile)
    received["camera_info"].binning_x = received["camera_info"].binning_y = 2
    assert frame_of(1, received, profile).camera == CAMERA


def test_the_profile_says_whether_distortion_is_still_there(profile):
    assert frame_of(1, messages(), profile).camera.is_distorted
    assert not frame_of(1, messages(), load_camera("kinect2")).camera.is_distorted


@pytest.mark.parametrize(
    ("depth_m", "encoding", "told"),
    [(750.0, "32FC1", "750 m.*millimetres"), (0.0, "16UC1", "no valid depth")],
)
def test_depth_is_checked_against_the_profile(profile, depth_m, encoding, told):
    with pytest.raises(BadImage, match=told):
        frame_of(1, messages(depth_m, encoding), profile)


class FakeNode:
    """Keeps the subscriptions' callbacks."""

    def __init__(self):
        self.callbacks = {}

    def get_clock(self):
        return self

    def create_jump_callback(self, threshold, post_callback):
        self.set_back = post_callback
        return SimpleNamespace(unregister=lambda: setattr(self, "set_back", None))

    def destroy_subscription(self, subscription):
        del self.callbacks[subscription.topic_name]

    def create_subscription(self, kind, topic, callback, qos, **options):
        self.callbacks[topic] = callback
        return SimpleNamespace(topic_name=topic)


def test_why_nothing_is_handed_on_is_told(profile):
    node, pairs = FakeNode(), []
    source = CameraInput(node, profile.topics, 20_000_000, lambda *pair: pairs.append(pair))
    source.enable()
    source.open()
    opened_s = time.monotonic()
    assert len(source.silent_topics(opened_s)) == len(STREAMS)
    assert source.mismatch(opened_s) == ""

    def receive(**settings):
        for stream, message in messages(**settings).items():
            node.callbacks[profile.topics[stream]](message)

    for second in (1, 3, 5):
        receive(stamps=(second, second + 1, second))
    assert source.silent_topics(opened_s) == []
    assert "color 5.000 s, depth 6.000 s, camera_info 5.000 s" in source.mismatch(opened_s)
    receive(stamps=(7, 7, 7))
    assert len(pairs) == 1
    assert source.mismatch(opened_s) == ""
    node.set_back(None)  # what came before node time was set back is no partner of what comes
    receive(stamps=(1, 1, 1))
    assert len(pairs) == 2
    source.disable()
    assert (node.callbacks, node.set_back) == ({}, None)
