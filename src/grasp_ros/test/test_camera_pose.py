"""The camera's pose at an image's stamp: from TF, from a hand-eye file, and from neither."""

import time

import numpy as np
import pytest

from grasp_core.camera import PinholeCamera
from grasp_core.errors import Cancelled, NoTransform
from grasp_core.frame import RgbdFrame
from grasp_core.hand_eye import HandEye
from grasp_core.transform import Transform
from grasp_ros.camera_pose import CameraPose, FramePoser
from grasp_ros.tf import TransformTree

SECOND = 1_000_000_000
T_HAND_CAMERA = Transform.from_translation(0.0, 0.0, 0.1)


@pytest.fixture
def tree():
    """A hand that rises by 1 m/s from 1 s to 3 s, and a camera beside the robot."""
    tree = TransformTree()
    tree.add("base", "camera", Transform.from_translation(0.4, 0.0, 0.9), 0, static=True)
    for seconds in (1, 3):
        T_base_hand = Transform.from_translation(0.0, 0.0, float(seconds))
        tree.add("base", "hand", T_base_hand, seconds * SECOND, static=False)
    return tree


def frame(frame_id="camera", stamp_ns=2 * SECOND):
    camera = PinholeCamera(4, 3, 5.0, 5.0, 1.5, 1.0)
    color, depth_m = np.zeros((3, 4, 3), np.uint8), np.ones((3, 4), np.float32)
    return RgbdFrame(color, depth_m, camera, stamp_ns, frame_id)


def test_without_a_file_tf_says_where_the_camera_is(tree):
    assert CameraPose("base", tree).at("camera", 0).translation.tolist() == [0.4, 0.0, 0.9]


def test_a_file_in_the_base_frame_needs_no_tf():
    pose = CameraPose("base", TransformTree(), HandEye("base", "camera", T_HAND_CAMERA))
    assert pose.at("camera", 0).matrix.tolist() == T_HAND_CAMERA.matrix.tolist()


def test_a_camera_on_the_hand_is_where_the_hand_was_at_the_stamp(tree):
    pose = CameraPose("base", tree, HandEye("hand", "camera", T_HAND_CAMERA))
    assert pose.at("camera", 2 * SECOND).translation[2] == pytest.approx(2.1)
    assert pose.at("camera", 3 * SECOND).translation[2] == pytest.approx(3.1)
    with pytest.raises(NoTransform, match=r"is known from 1\.000 to 3\.000 s"):
        pose.at("camera", 4 * SECOND)


def test_a_file_of_another_camera_is_refused_by_name(tree):
    pose = CameraPose("base", tree, HandEye("base", "left_camera", T_HAND_CAMERA))
    with pytest.raises(NoTransform, match="calibrates 'left_camera', the image is in 'camera'"):
        pose.at("camera", 0)


def test_a_transform_that_comes_late_is_waited_for(tree):
    waits = []

    def wait():
        waits.append(None)
        if len(waits) == 3:
            tree.add("base", "hand", Transform.identity(), 4 * SECOND, static=False)

    pose = CameraPose("base", tree)
    assert pose.at("hand", 4 * SECOND, wait, 10).translation[2] == 0.0
    assert len(waits) == 3
    with pytest.raises(NoTransform):
        pose.at("hand", 5 * SECOND, wait, 4)
    assert len(waits) == 7


def test_what_a_wait_raises_ends_the_look_up(tree):
    def cancel():
        raise Cancelled("cancelled by the client")

    with pytest.raises(Cancelled):
        CameraPose("base", tree).at("unknown", 0, cancel, 10)


def test_a_frame_gets_the_pose_of_its_stamp(tree):
    poser = FramePoser(CameraPose("base", tree), timeout_s=0.0)
    for seconds in (1, 2, 3):
        posed = poser.posed(frame("hand", seconds * SECOND))
        assert posed.T_base_camera.translation[2] == pytest.approx(seconds)
    assert poser.complaint == ""


def test_a_pose_that_never_comes_costs_one_wait_and_frames_go_on(tree):
    poser = FramePoser(CameraPose("base", tree), timeout_s=0.1)
    start = time.monotonic()
    first = frame("elsewhere")
    assert poser.posed(first) is first
    once = time.monotonic() - start
    for _ in range(20):
        assert poser.posed(frame("elsewhere")).T_base_camera is None
    assert 0.09 < once < 0.5
    assert time.monotonic() - start < once + 0.09
    assert "no transform from 'elsewhere' to 'base'" in poser.complaint
    assert poser.posed(frame()).T_base_camera is not None
    assert poser.complaint == ""


def test_waiting_begins_again_after_a_while(tree, monkeypatch):
    poser = FramePoser(CameraPose("base", tree), timeout_s=0.02)
    now, slept = [0.0], []
    monkeypatch.setattr("grasp_ros.camera_pose.time.monotonic", lambda: now[0])
    monkeypatch.setattr("grasp_ros.camera_pose.time.sleep", slept.append)
    for at in (0.0, 0.5, 1.5):
        now[0] = at
        poser.posed(frame("elsewhere"))
    assert len(slept) == 4
