"""Three lines of Python: a detector by name, detect, draw."""

import numpy as np
import pytest

from grasp_core.drawing import draw_grasps
from grasp_core.errors import BadCalibration, BadImage, ConfigError
from grasp_core.grasp import Grasp
from grasp_core.rectangle import GraspRectangle
from grasp_detection.loading import LoadedDetector, load_detector
from grasp_detection.warm_up import plain_frame


class Fixed:
    """Two grasps wherever it looks; remembers the frame."""

    name = "fixed"

    def __init__(self, needs_depth=None):
        if needs_depth is not None:
            self.needs_depth = needs_depth

    def detect(self, frame):
        self.frame = frame
        box = GraspRectangle(frame.camera.cx, frame.camera.cy, 80.0, 20.0, 0.0)
        return [Grasp(box, 0.9), Grasp(box, 0.5)]


def test_three_lines_find_and_draw_a_block():
    frame = plain_frame()
    detector = load_detector("antipodal")
    grasps = detector.detect(frame.color, frame.depth_m, frame.camera)
    drawn = draw_grasps(frame.color, grasps)
    best = grasps[0].rectangle
    assert abs(best.u - 319.5) < 40.0
    assert abs(best.v - 239.5) < 22.0
    assert drawn.shape == frame.color.shape
    assert (drawn != frame.color).any()


def test_depths_are_filled_in_and_the_number_is_limited():
    frame = plain_frame()
    detector = LoadedDetector(Fixed())
    (grasp,) = detector.detect(frame.color, frame.depth_m, frame.camera, limit=1)
    assert grasp.depth_m == pytest.approx(0.70, abs=0.001)
    assert detector.detect_frame(frame)[0] == grasp


def test_colour_alone_is_for_detectors_that_judge_by_it():
    color = plain_frame().color
    with pytest.raises(BadImage, match="detector fixed needs depth"):
        LoadedDetector(Fixed()).detect(color)
    with pytest.raises(BadImage, match="needs depth"):
        LoadedDetector(Fixed(needs_depth=True)).detect(color)
    detector = Fixed(needs_depth=False)
    assert len(LoadedDetector(detector).detect(color)) == 2
    assert np.isnan(detector.frame.depth_m).all()


def test_depth_without_intrinsics_and_of_another_size_is_refused():
    frame = plain_frame()
    detector = LoadedDetector(Fixed())
    with pytest.raises(BadCalibration, match="intrinsics"):
        detector.detect(frame.color, frame.depth_m)
    with pytest.raises(BadImage, match="320x240 px, the colour image 640x480"):
        detector.detect(frame.color, frame.depth_m[::2, ::2], frame.camera)


def test_names_and_settings_that_do_not_exist_are_told():
    with pytest.raises(ConfigError, match="no detector 'antipodel'"):
        load_detector("antipodel")
    with pytest.raises(ConfigError, match="no gripper 'claw'"):
        load_detector("antipodal", gripper="claw")
    with pytest.raises(ConfigError, match="unknown anglez"):
        load_detector("antipodal", settings={"anglez": 3})
