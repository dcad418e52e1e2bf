"""The board in pictures: where its corners are, and pictures that are refused."""

import cv2
import numpy as np
import pytest
from painted_board import BOARD, CAMERA, paint

from grasp_calibration.detection import BoardDetector
from grasp_calibration.errors import BoardNotSeen
from grasp_core.transform import Transform

POSE = Transform.from_rpy((0.3, -0.25, 0.4), (-0.1, -0.1, 0.5))
DETECTOR = BoardDetector(BOARD)


def test_corners_are_where_they_are_to_a_tenth_of_a_pixel():
    seen = DETECTOR.detect(paint(POSE), CAMERA)
    assert len(seen.pixels) == len(BOARD.corners)
    off = seen.pixels - CAMERA.project(POSE.apply(seen.points))
    # Some versions of OpenCV are off by half a pixel all over.
    assert np.abs(off.mean(axis=0)).max() < 0.03
    assert np.abs(off).max() < 0.2
    offset_m, angle = POSE.distance_to(seen.T_camera_board)
    assert offset_m < 0.001
    assert angle < 0.005


def test_of_a_board_half_in_view_the_seen_corners_count():
    aside = Transform.from_rpy((0.1, 0.1, 0.2), (0.1, -0.1, 0.5))
    seen = DETECTOR.detect(paint(aside), CAMERA)
    assert 8 <= len(seen.pixels) < len(BOARD.corners)
    assert np.abs(seen.pixels - CAMERA.project(aside.apply(seen.points))).max() < 0.3


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda image: np.full_like(image, 120), "0 corners of the board are seen"),
        (lambda image: cv2.GaussianBlur(image, (0, 0), 1.6), "is blurred"),
        (lambda image: cv2.blur(image, (1, 6)), "is blurred"),
        (lambda image: (100 + image.astype(float) * 0.1).astype(np.uint8), "differ by"),
        (lambda image: np.where(np.arange(640)[:, None] < 250, image, 120), "corners"),
    ],
)
def test_pictures_that_would_measure_badly_are_refused(spoil, complaint):
    with pytest.raises(BoardNotSeen, match=complaint):
        DETECTOR.detect(np.asarray(spoil(paint(POSE, noise=0.5)), np.uint8), CAMERA)


def test_a_bent_board_is_refused():
    bent = paint(POSE)
    rows, columns = np.mgrid[0:480, 0:640].astype(np.float32)
    wave = 12.0 * np.sin(columns / 60.0)
    bent = cv2.remap(bent, columns, rows + wave.astype(np.float32), cv2.INTER_LINEAR)
    with pytest.raises(BoardNotSeen, match="miss a flat board"):
        DETECTOR.detect(bent, CAMERA)
