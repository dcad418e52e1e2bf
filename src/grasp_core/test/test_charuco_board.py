"""The board: OpenCV's own layout, and boards that cannot be."""

import cv2
import numpy as np
import pytest

from grasp_core.charuco_board import CharucoBoard
from grasp_core.errors import ConfigError


@pytest.mark.skipif(not hasattr(cv2.aruco, "CharucoDetector"), reason="OpenCV before 4.7")
@pytest.mark.parametrize(("columns", "rows"), [(7, 5), (6, 9)])
def test_it_is_the_board_that_opencv_draws(columns, rows):
    board = CharucoBoard(columns=columns, rows=rows)
    markers = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    theirs = cv2.aruco.CharucoBoard((columns, rows), board.square_m, board.marker_m, markers)
    image = theirs.generateImage((columns * 48, rows * 48))
    assert np.array_equal(board.picture(48 / board.square_m), image)
    assert board.corners == pytest.approx(theirs.getChessboardCorners(), abs=1e-7)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"rows": 6}, "rows is 6, must be odd: take 7"),
        ({"marker_m": 0.035}, "must be 0.4 to 0.9 of square_m"),
        ({"dictionary": "5X5_7"}, "must be one of 4X4_100"),
        ({"columns": 15, "rows": 11}, "needs 82 markers, dictionary 4X4_50 has 50"),
    ],
)
def test_boards_that_cannot_be_are_refused(values, complaint):
    with pytest.raises(ConfigError, match=complaint):
        CharucoBoard(**values)
