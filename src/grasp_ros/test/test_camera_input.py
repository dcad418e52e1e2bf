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
        (
            ("c", "d", "c"),
            "depth image is 16x12 px in frame 'd', the colour image 16x12 px in 'c'",
        ),
        (("c", "c", "d"), "frame_id of camera_info is 'd', that of the colour image 'c'"),
        (("", "", ""), "the colour image has no frame_id"),
    ],
)
def test_images_in_different_frames_are_refused(profile, frames, told):
    with pytest.raises(BadCalibration, match=told):
        frame_of(1, messages(frames=frames), profile)


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("realsense", "start realsense2_camera with align_depth.enable:=true"),
        ("femto_bolt", "start orbbec_camera with depth_registration:=true"),
        ("kinect2", "subscribe to the depth that is aligned to colour"),
    ],
)
def test_depth_as_the_depth_camera_saw_it_is_refused_with_the_argument_that_aligns(name, argument):
    raw = messages(frames=("color", "depth", "color"))
    raw["depth"] = depth_to_image(np.full((9, 14), 0.75, np.float32), SECOND, "depth", "16UC1")
    told = f"not aligned to colour: the depth image is 14x9 px in frame 'depth', .*: {argument}$"
    with pytest.raises(BadCalibration, match=told):
        frame_of(1, raw, load_camera(name))
    raw["depth"].header.frame_id = "color"
    with pytest.raises(BadImage, match=f"depth image is 14x9 px in frame 'color', .*: {argument}"):
        frame_of(1, raw, load_camera(name))


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


class Driver:
    """A camera input with the topics that it has subscribed, and the sets that it handed on."""

    def __init__(self, profile):
        self.node, self.sets = FakeNode(), []
        self.profile = profile
        self.source = CameraInput(
            self.node, profile.topics, 20_000_000, lambda stamp_ns, pair: self.sets.append(pair)
        )
        self.source.enable()
        self.source.open()

    def publish(self, stream, message):
        self.node.callbacks[self.profile.topics[stream]](message)

    def frames(self):
        """The sets so far as frames, or the words in which they were refused; then forgotten."""
        found = []
        for received in self.sets:
            try:
                found.append(frame_of(1, received, self.profile))
            except (BadCalibration, BadImage) as error:
                found.append(str(error))
        self.sets.clear()
        return found


def picture(second, size=(16, 12), frame_id="c"):
    """A set of messages stamped with some seconds."""
    width, height = size
    stamp_ns = round(second * SECOND)
    camera = PinholeCamera(width, height, float(width), float(width), width / 2, height / 2)
    return {
        "color": color_to_image(np.zeros((height, width, 3), np.uint8), stamp_ns, frame_id),
        "depth": depth_to_image(np.full((height, width), 0.75), stamp_ns, frame_id, "16UC1"),
        "camera_info": camera_to_info(camera, stamp_ns, frame_id),
    }


@pytest.fixture
def driver(profile):
    driver = Driver(profile)
    yield driver
    driver.source.disable()


@pytest.mark.parametrize("late", [1, 4, 7])
def test_a_camera_info_that_comes_pictures_later_loses_nothing(driver, late):
    waiting = []
    for index in range(20):
        message = picture(index / 30.0)
        waiting.append(message.pop("camera_info"))
        for stream, image in message.items():
            driver.publish(stream, image)
        if len(waiting) > late:
            driver.publish("camera_info", waiting.pop(0))
    assert len(driver.frames()) == 20 - late
    assert driver.source.drops["unpaired"] == 0


def test_images_wait_for_a_camera_info_that_begins_seconds_later(driver):
    opened_s = time.monotonic()
    for index in range(90):
        for stream, message in picture(index / 30.0).items():
            if stream != "camera_info":
                driver.publish(stream, message)
    assert driver.source.silent_topics(opened_s) == {
        "camera_info": driver.profile.camera_info_topic
    }
    assert driver.frames() == []
    for stream, message in picture(3.0).items():
        driver.publish(stream, message)
    (frame,) = driver.frames()
    assert frame.camera.width == 16


@pytest.mark.parametrize("first_s", [0.5, 1000.0], ids=["set back", "ahead"])
@pytest.mark.parametrize("first", STREAMS)
def test_a_driver_that_starts_again_leaves_nothing_of_the_time_before(driver, first, first_s):
    for stream, message in picture(500.0).items():
        driver.publish(stream, message)
    assert len(driver.frames()) == 1
    for stream, message in picture(500.033).items():
        if stream != "depth":  # died before the last depth was out
            driver.publish(stream, message)
    again = picture(first_s, frame_id="restarted_c")
    for stream in sorted(again, key=lambda name: name != first):
        driver.publish(stream, again[stream])
    (frame,) = driver.frames()
    assert frame.frame_id == "restarted_c"
    later = picture(first_s + 0.033, frame_id="restarted_c")
    for stream, message in later.items():
        driver.publish(stream, message)
    assert len(driver.frames()) == 1


def test_another_resolution_costs_the_sets_that_hold_both_and_no_more(driver):
    sizes = {"color": 10, "depth": 12, "camera_info": 11}  # the picture from which each is larger
    for index in range(20):
        for stream, change in sizes.items():
            size = (32, 24) if index >= change else (16, 12)
            driver.publish(stream, picture(index / 30.0, size)[stream])
    told = driver.frames()
    assert [frame.camera.width for frame in told[:10]] == [16] * 10
    assert all(
        "not aligned to colour: the depth image is 16x12 px" in text for text in told[10:12]
    )
    assert [frame.camera.width for frame in told[12:]] == [32] * 8


def test_why_nothing_is_handed_on_is_told(profile):
    node, pairs = FakeNode(), []
    source = CameraInput(node, profile.topics, 20_000_000, lambda *pair: pairs.append(pair))
    source.enable()
    source.open()
    opened_s = time.monotonic()
    assert source.silent_topics(opened_s) == profile.topics
    assert source.mismatch(opened_s) == ""

    def receive(**settings):
        for stream, message in messages(**settings).items():
            node.callbacks[profile.topics[stream]](message)

    for second in (1, 3, 5):
        receive(stamps=(second, second + 1, second))
    assert source.silent_topics(opened_s) == {}
    assert "color 5.000 s, depth 6.000 s, camera_info 5.000 s" in source.mismatch(opened_s)
    receive(stamps=(7, 7, 7))
    assert len(pairs) == 1
    assert source.mismatch(opened_s) == ""
    node.set_back(None)  # what came before node time was set back is no partner of what comes
    receive(stamps=(1, 1, 1))
    assert len(pairs) == 2
    source.disable()
    assert (node.callbacks, node.set_back) == ({}, None)
