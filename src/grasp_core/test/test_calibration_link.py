"""A calibration in TF: one more link, and no frame with two parents."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from grasp_core.calibration_link import CalibrationLink
from grasp_core.hand_eye import HandEye
from grasp_core.transform import Transform

OPTICAL = "camera_color_optical_frame"


def pose(seed):
    rng = np.random.default_rng(seed)
    rotation = Rotation.random(rng=rng).as_matrix()
    return Transform.from_rotation(rotation, rng.uniform(-1.0, 1.0, 3))


FOUND = HandEye("base", OPTICAL, pose(1))
T_LINK_COLOR, T_COLOR_OPTICAL = pose(2), pose(3)


def seen_driver(link):
    assert link.saw("camera_link", "/camera_color_frame", T_LINK_COLOR) == ""
    assert link.saw("camera_color_frame", OPTICAL, T_COLOR_OPTICAL) == ""


def test_the_root_of_the_drivers_frames_is_linked_and_the_optical_frame_is_where_it_was_found():
    link = CalibrationLink(FOUND, "camera_link")
    seen_driver(link)
    (parent, child, T_base_link), why_not = link.missing()
    assert (parent, child, why_not) == ("base", "camera_link", "")
    T_base_optical = T_base_link @ T_LINK_COLOR @ T_COLOR_OPTICAL
    assert T_base_optical.matrix == pytest.approx(FOUND.T_parent_camera.matrix)


def test_the_drivers_frames_are_waited_for():
    link = CalibrationLink(FOUND, "camera_link")
    missing, why_not = link.missing()
    assert missing is None
    assert "waits for the camera's driver" in why_not
    link.saw("camera_color_frame", OPTICAL, T_COLOR_OPTICAL)
    assert link.missing()[0] is None
    link.saw("camera_link", "camera_color_frame", T_LINK_COLOR)
    assert link.missing()[0] is not None


def test_without_frames_of_a_driver_the_optical_frame_itself_is_linked():
    (parent, child, T), _ = CalibrationLink(FOUND).missing()
    assert (parent, child) == ("base", OPTICAL)
    assert T.matrix == pytest.approx(FOUND.T_parent_camera.matrix)


@pytest.mark.parametrize("root", ["", "camera_link"])
def test_a_camera_that_somebody_has_linked_already_gets_no_second_parent(root):
    link = CalibrationLink(FOUND, root)
    link.saw("base", OPTICAL, pose(4))
    missing, why_not = link.missing()
    assert missing is None
    assert f"frame '{OPTICAL}' hangs from 'base' already" in why_not
    assert "calibration:=tf" in why_not


def test_a_root_that_hangs_somewhere_already_gets_no_second_parent():
    link = CalibrationLink(FOUND, "camera_link")
    seen_driver(link)
    link.saw("world", "camera_link", pose(5))
    missing, why_not = link.missing()
    assert missing is None
    assert "frame 'camera_link' hangs from 'world' already" in why_not


def test_somebody_who_links_it_later_is_noticed():
    link = CalibrationLink(FOUND, "camera_link")
    seen_driver(link)
    ours, _ = link.missing()
    link.published(ours)
    assert link.saw(*ours) == ""  # our own, come back
    complaint = link.saw("world", "camera_link", pose(5))
    assert "'camera_link' has two parents: 'base' by the calibration and 'world'" in complaint
