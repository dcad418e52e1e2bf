"""Windows, maps and what is read from them."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasp_core.errors import ConfigError
from grasp_core.rectangle import angle_difference, corners_of, matches
from grasp_detection.learned.inputs import to_channels
from grasp_detection.learned.relief import relief
from grasp_detection.learned.training.augment import draw_matrix
from grasp_detection.learned.training.config import AugmentConfig
from grasp_detection.learned.window import Window, move_rectangles, warp
from grasp_detection.maps.grasp_maps import JAW_RATIO, WIDTH_UNIT, paint, read

numbers = st.floats(-200.0, 800.0)
rectangles = st.builds(
    lambda u, v, w, h, a: np.array([[u, v, w, h, a]]),
    numbers,
    numbers,
    st.floats(5.0, 200.0),
    st.floats(5.0, 100.0),
    st.floats(-1.5, 1.5),
)
windows = st.builds(
    Window,
    st.floats(0.0, 300.0),
    st.floats(0.0, 200.0),
    st.floats(50.0, 480.0),
    st.sampled_from([32, 112, 168, 224]),
)


@given(rectangles, windows)
def test_there_and_back_again(rows, window):
    back = window.to_picture(window.to_input(rows))
    assert np.allclose(back[:, :4], rows[:, :4], atol=1e-6)
    assert angle_difference(back[:, 4], rows[:, 4]).max() < 1e-9


def test_a_window_maps_its_corners_to_the_corners_of_the_input():
    window = Window(80.0, 0.0, 480.0, 112)
    edges = np.array([[79.5, -0.5, 10, 5, 0.0], [559.5, 479.5, 10, 5, 0.0]])
    assert np.allclose(window.to_input(edges)[:, :2], [[-0.5, -0.5], [111.5, 111.5]])


@pytest.mark.parametrize("size", [480, 240, 112, 160])
def test_a_cut_shows_a_spot_where_the_window_says(size):
    image = np.zeros((480, 640, 3), np.uint8)
    cv2.circle(image, (400, 170), 12, (255, 255, 255), -1)
    window = Window.centred(480, 640, size)
    cut = window.cut(image)[:, :, 0].astype(float)
    v, u = np.mgrid[:size, :size]
    centre = [(cut * u).sum() / cut.sum(), (cut * v).sum() / cut.sum()]
    expected = window.to_input(np.array([[400.0, 170.0, 1.0, 1.0, 0.0]]))[0, :2]
    assert np.allclose(centre, expected, atol=0.1)


@pytest.mark.parametrize("window", [Window(79.0, 0.0, 480.0, 224), Window(7.0, 11.0, 90.0, 112)])
def test_a_cut_along_whole_pixels_is_what_the_warp_draws(window):
    image = np.random.default_rng(0).random((480, 640), dtype=np.float32)
    cut, drawn = window.cut(image), warp(image, window.matrix, window.size, None)
    inner = slice(1, -1)  # the outermost pixels mix with what lies beyond the window
    assert np.abs(cut - drawn)[inner, inner].max() < 0.02  # the warp rounds to 1/32 px


@given(rectangles, st.integers(0, 1000))
def test_augmentation_moves_labels_as_it_moves_corners(rows, seed):
    window = Window.centred(224, 224, 112)
    matrix = draw_matrix(window, AugmentConfig(), np.random.default_rng(seed))
    moved = corners_of(move_rectangles(rows, matrix))[0]
    expected = corners_of(rows)[0] @ matrix[:, :2].T + matrix[:, 2]
    for corner in expected:  # a mirror turns the order round
        assert np.linalg.norm(moved - corner, axis=1).min() < 1e-6


@pytest.mark.parametrize("seed", range(6))
def test_augmented_labels_stay_across_the_bar(seed):
    picture = np.full((224, 224, 3), 255, np.uint8)
    bar = np.array([[100.0, 120.0, 24.0, 60.0, 0.4]])  # opening 24 across, 60 along
    cv2.fillConvexPoly(picture, corners_of(bar)[0].round().astype(int), (0, 0, 0))
    rng = np.random.default_rng(seed)
    matrix = draw_matrix(Window.centred(224, 224, 112), AugmentConfig(shift=0.0), rng)
    seen = warp(picture, matrix, 112)[:, :, 0]
    u, v, width, _, angle = move_rectangles(bar, matrix)[0]
    axis = np.array([np.cos(angle), np.sin(angle)])
    inside = np.rint([u, v] + 0.35 * width * axis).astype(int)
    outside = np.rint([u, v] + 0.7 * width * axis).astype(int)
    assert seen[inside[1], inside[0]] < 60 < 200 < seen[outside[1], outside[0]]


@given(
    st.floats(30.0, 80.0),
    st.floats(30.0, 80.0),
    st.floats(14.0, 40.0),
    st.floats(-1.57, 1.57),
)
def test_what_is_painted_can_be_read(u, v, width, angle):
    rows = np.array([[u, v, width, 0.5 * width, angle]])
    found, scores, _ = read(paint(rows, 112), unit_px=WIDTH_UNIT * 112, blur_px=1.0)
    assert scores[0] > 0.5
    assert matches(found, rows, jaccard=0.7).all()
    assert found[0, 3] == pytest.approx(JAW_RATIO * found[0, 2])


def test_without_a_bell_the_middle_third_is_flat():
    maps = paint(np.array([[50.0, 50.0, 30.0, 20.0, 0.0]]), 112, bell=False)
    assert set(np.unique(maps[0])) == {0.0, 1.0}
    assert maps[0].sum() == 11 * 21
    assert (maps[3] > 0).sum() == 31 * 21


def test_overlapping_labels_belong_to_the_nearest_centre():
    rows = np.array([[40.0, 50.0, 30.0, 20.0, 0.0], [60.0, 50.0, 30.0, 20.0, 1.2]])
    maps = paint(rows, 112)
    assert np.allclose(maps[1:3, 50, 41], [1.0, 0.0], atol=1e-6)
    assert np.allclose(maps[1:3, 50, 59], [np.cos(2.4), np.sin(2.4)], atol=1e-6)
    # The order of labels does not matter.
    assert np.array_equal(maps, paint(rows[::-1], 112))


def test_the_bell_is_as_high_as_the_label_is_good():
    rows = np.array([[30.0, 30.0, 20.0, 12.0, 0.3], [80.0, 70.0, 24.0, 12.0, -0.9]])
    maps = paint(rows, 112, quality=np.array([0.4, 1.0]))
    assert maps[0, 30, 30] == pytest.approx(0.4)
    assert maps[0, 70, 80] == pytest.approx(1.0)
    assert maps[3, 30, 30] == pytest.approx(20.0 / 56.0)


def test_a_thin_label_covers_enough_to_be_learnt_and_keeps_its_width():
    maps = paint(np.array([[50.0, 50.0, 1.5, 12.0, 0.0]]), 112)
    assert (maps[0] > 0.3).sum() > 10
    found, *_ = read(maps, unit_px=56.0, blur_px=0.0)
    assert found[0, 2] == pytest.approx(1.5)


def test_candidates_come_best_first_and_apart():
    rows = np.array([[30.0, 30.0, 20.0, 10.0, 0.3], [80.0, 70.0, 24.0, 12.0, -0.9]])
    maps = paint(rows, 112)
    maps[0] *= np.where(np.arange(112) < 55, 0.6, 1.0)[None, :]
    found, scores, _ = read(maps, unit_px=WIDTH_UNIT * 112, blur_px=1.0, limit=5)
    assert (np.diff(scores) <= 0).all()
    assert np.allclose(found[0, :2], [80, 70], atol=1.5)
    assert np.allclose(found[1, :2], [30, 30], atol=1.5)


def test_disagreement_about_the_angle_costs_score():
    maps = paint(np.array([[30.0, 30, 20, 20, 0.0], [80.0, 70, 20, 20, 0.0]]), 112)
    maps[1:3, :, :55] *= 0.3
    found, scores, quality = read(maps, unit_px=56.0, blur_px=1.0, limit=2)
    assert found[0, 0] > 55
    assert scores[1] < 0.5 * scores[0]
    assert np.allclose(*quality, rtol=1e-3)  # which says nothing of the angle
    _, scores, quality = read(maps, unit_px=56.0, blur_px=1.0, certainty=0.0, limit=2)
    assert np.array_equal(scores, quality)


def test_empty_maps_give_nothing():
    found, scores, quality = read(np.zeros((4, 32, 32), np.float32), unit_px=16.0, blur_px=1.0)
    assert found.shape == (0, 5)
    assert scores.shape == quality.shape == (0,)


def test_channels_are_colour_relative_to_its_mean_and_bounded_relief():
    color = np.full((8, 8, 3), (10, 100, 200), np.uint8)
    relief_m = np.zeros((8, 8), np.float32)
    relief_m[0] = 5.0, 0.05, -5.0, 0, 0, 0, 0, 0
    channels = to_channels(color, relief_m, "rgbd")
    assert channels.shape == (4, 8, 8)
    assert np.abs(channels[:3]).max() < 1e-6
    assert channels[3, 0, :4].tolist() == pytest.approx([3.0, 0.5, -1.0, 0.0])
    assert to_channels(None, relief_m, "d").shape == (1, 8, 8)
    with pytest.raises(ConfigError, match="needs depth"):
        to_channels(color, None, "rgbd")
    with pytest.raises(ConfigError, match="needs colour"):
        to_channels(None, relief_m, "rgb")


@pytest.mark.parametrize("tilt_deg", [0.0, 25.0, 40.0])
def test_relief_is_what_stands_on_the_support_at_any_tilt(tilt_deg):
    v = np.mgrid[:120, :160][0].astype(np.float64)
    tilt = np.deg2rad(tilt_deg)
    slope = (v - 59.5) / 150.0
    distance = 0.8 * np.cos(tilt) / (np.cos(tilt) + slope * np.sin(tilt))  # along the axis
    depth = distance.astype(np.float32)
    depth[40:80, 50:90] -= 0.05
    depth[90:95, 100:120] = np.nan
    found = relief(depth)
    assert found.dtype == np.float32
    box = np.zeros(depth.shape, bool)
    box[40:80, 50:90] = True
    assert np.abs(found[box] - 0.05).max() < 1e-3
    assert np.abs(found[~box & np.isfinite(depth)]).max() < 1e-3
    assert np.isfinite(found).all()


def test_relief_of_nothing_is_flat():
    assert not relief(np.full((20, 20), np.nan, np.float32)).any()
    line = np.full((200, 200), np.nan, np.float32)
    line[10] = 0.7
    assert np.isfinite(relief(line)).all()
