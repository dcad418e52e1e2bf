"""The printed page: its paper, the board's size on it, and a board that is found in it."""

import re

import numpy as np
import pytest

from grasp_calibration.detection import BoardDetector
from grasp_calibration.page import write_page
from grasp_core.camera import PinholeCamera
from grasp_core.charuco_board import CharucoBoard
from grasp_core.errors import ConfigError

MM = 72.0 / 25.4
NUMBER = r"([\d.]+)"


def page_of(path):
    """Size of the page, and its rectangles as x, y (down), width, height, mm."""
    text = path.read_bytes().decode("ascii")
    box = re.search(rf"/MediaBox \[0 0 {NUMBER} {NUMBER}\]", text)
    size = np.array([float(value) for value in box.groups()]) / MM
    found = re.findall(rf"^{NUMBER} {NUMBER} {NUMBER} {NUMBER} re f$", text, re.MULTILINE)
    rectangles = np.array(found, dtype=float) / MM
    rectangles[:, 1] = size[1] - rectangles[:, 1] - rectangles[:, 3]
    return size, rectangles


def rasterised(size, rectangles, pixels_per_mm):
    width, height = np.round(size * pixels_per_mm).astype(int)
    image = np.full((height, width), 255, np.uint8)
    for x, y, w, h in rectangles * pixels_per_mm:
        image[round(y) : round(y + h), round(x) : round(x + w)] = 0
    return image


def test_an_a4_page_holds_the_board_at_true_scale(tmp_path):
    board = CharucoBoard()
    write_page(tmp_path / "board.pdf", board)
    size, rectangles = page_of(tmp_path / "board.pdf")
    assert size == pytest.approx((297.0, 210.0), abs=0.01)
    image = rasterised(size, rectangles, 10.0)
    camera = PinholeCamera(2970, 2100, 3000.0, 3000.0, 1485.0, 1050.0)
    seen = BoardDetector(board).detect(np.dstack([image] * 3), camera)
    assert len(seen.pixels) == len(board.corners)
    for axis in (0, 1):
        on_page = np.ptp(seen.pixels[:, axis]) / 10.0
        assert on_page == pytest.approx(1e3 * np.ptp(board.corners[:, axis]), abs=0.05)


def test_the_ruler_is_as_long_as_it_says(tmp_path):
    write_page(tmp_path / "board.pdf", CharucoBoard())
    text = (tmp_path / "board.pdf").read_text()
    said = float(re.search(r"\(([\d.]+) mm\.", text).group(1))
    _, rectangles = page_of(tmp_path / "board.pdf")
    assert rectangles[-3, 2] == pytest.approx(said, abs=0.001)


def test_the_table_of_objects_points_to_them(tmp_path):
    write_page(tmp_path / "board.pdf", CharucoBoard(columns=5, rows=7), "a3")
    content = (tmp_path / "board.pdf").read_bytes()
    start = int(re.search(rb"startxref\n(\d+)", content).group(1))
    assert content[start:].startswith(b"xref")
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n", content)]
    for number, place in enumerate(places, start=1):
        assert content[place:].startswith(b"%d 0 obj" % number)


def test_a_board_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="does not fit a4"):
        write_page(tmp_path / "board.pdf", CharucoBoard(square_m=0.05, marker_m=0.037))
    with pytest.raises(ConfigError, match="must be one of a5, a4"):
        write_page(tmp_path / "board.pdf", CharucoBoard(), "foolscap")
