"""Annotated images."""

from __future__ import annotations

import cv2
import numpy as np

from grasp_core.drawing import draw_grasps
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
