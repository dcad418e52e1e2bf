"""Annotated images."""

from __future__ import annotations

import cv2
import numpy as np

from grasp_core.drawing import depth_as_grey, draw_grasps, draw_outline, draw_rectangle
from grasp_core.grasp import Grasp
from grasp_core.rectangle import GraspRectangle

COLOR = np.full((240, 320, 3), 90, np.uint8)
GRASPS = [
    Grasp(GraspRectangle(100.0, 120.0, 60.0, 24.0, 0.4), 0.9, width_m=0.04),
    Grasp(GraspRectangle(200.0, 60.0, 40.0, 20.0, -1.0), 0.5),
]


def changed(grasps, limit=10):
    drawn = draw_grasps(COLOR, grasps, limit)
    assert drawn.shape == COLOR.shape
    assert drawn.dtype == np.uint8
    return (drawn != COLOR).any(axis=-1)


def test_pixels_change_on_the_rectangles_and_nowhere_far_from_them():
    where = changed(GRASPS)
    near = np.zeros(COLOR.shape[:2], np.uint8)
    for grasp in GRASPS:
        cv2.fillPoly(near, [np.rint(grasp.rectangle.corners).astype(np.int32)], 1)
        for u, v in grasp.rectangle.corners:
            assert where[round(v), round(u)]
    near = cv2.dilate(near, np.ones((13, 13), np.uint8)) > 0
    caption = np.zeros_like(near)
    caption[100:140, 100:260] = True
    assert not where[~near & ~caption].any()


def test_limit_and_input_are_respected():
    before = COLOR.copy()
    assert not changed(GRASPS, limit=0).any()
    assert not changed([]).any()
    assert not changed(GRASPS, limit=1)[40:80, 180:220].any()
    assert np.array_equal(COLOR, before)


def test_a_rectangle_beyond_the_border_is_drawn_as_far_as_it_goes():
    outside = Grasp(GraspRectangle(318.0, 238.0, 60.0, 24.0, 0.0), 0.0, width_m=0.1)
    assert changed([outside]).any()
    changed([Grasp(GraspRectangle(5000.0, -9000.0, 60.0, 24.0, 0.0), 0.3)])


def test_jaws_have_their_colour_the_opening_is_white_and_outlines_have_one():
    rectangle = GraspRectangle(100.0, 120.0, 60.0, 24.0, 0.0)
    jaw, opening, inside = (120, 70), (108, 100), (120, 100)
    drawn = COLOR.copy()
    draw_rectangle(drawn, rectangle, (10, 200, 20))
    assert drawn[jaw].tolist() == [10, 200, 20]
    assert (drawn[opening] > 200).all()
    assert (drawn[inside] == 90).all()
    drawn = COLOR.copy()
    draw_outline(drawn, rectangle, (10, 200, 20))
    for place in (jaw, opening):  # a line between pixels' centres is soft at its edge
        np.testing.assert_allclose(drawn[place], [10, 200, 20], atol=15)
    assert (drawn[120, 74] == 90).all(), "an outline is thin"


def test_a_rectangle_grows_with_its_picture_about_the_corner_of_the_first_pixel():
    rectangle = GraspRectangle(100.0, 120.0, 60.0, 24.0, 0.4)
    twice = rectangle.resized(2.0)
    assert (twice.u, twice.v, twice.width, twice.height) == (200.5, 240.5, 120.0, 48.0)
    assert twice.angle == rectangle.angle
    assert twice.resized(0.5) == rectangle


def test_near_is_bright_far_is_dark_and_unknown_purple():
    depth_m = np.linspace(0.5, 1.5, 400, dtype=np.float32).reshape(20, 20)
    depth_m[0, 0], depth_m[1] = 90.0, np.nan
    picture = depth_as_grey(depth_m)
    assert picture.shape == (20, 20, 3)
    grey = picture[:, :, 1].astype(int)
    assert (np.diff(np.delete(grey, 1, axis=0).ravel()[1:]) <= 0).all()
    assert grey[0, 1] == 240
    assert grey[19, 19] <= 45
    assert grey[0, 0] == 40, "a stray is as dark as the farthest"
    assert (picture[1] == (90, 0, 90)).all()
    assert (depth_as_grey(np.full((2, 2), np.nan, np.float32)) == (90, 0, 90)).all()
