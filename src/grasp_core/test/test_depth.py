"""Depth: units by encoding, invalid values, filling, robust reading."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasp_core.camera import PinholeCamera
from grasp_core.depth import (
    check_depth_range,
    depth_to_metres,
    fill_invalid,
    plane_depth,
    surface_depth,
)
from grasp_core.errors import BadImage
from grasp_core.rectangle import GraspRectangle


def test_16uc1_is_millimetres_with_zero_invalid():
    metres = depth_to_metres(np.array([[0, 1, 750]], np.uint16), "16UC1")
    assert np.isnan(metres[0, 0])
    assert metres[0, 1:] == pytest.approx([0.001, 0.75])


def test_32fc1_is_metres_with_odd_values_invalid():
    image = np.array([[0.75, 0.0, -1.0, np.nan, np.inf, -np.inf]], np.float32)
    metres = depth_to_metres(image, "32FC1")
    assert metres[0, 0] == np.float32(0.75)
    assert np.isnan(metres[0, 1:]).all()


@pytest.mark.parametrize("encoding", ["8UC1", "rgb8", "64FC1", ""])
def test_other_encodings_are_refused_by_name(encoding):
    with pytest.raises(BadImage, match=repr(encoding)):
        depth_to_metres(np.zeros((2, 2), np.uint8), encoding)


def test_array_and_encoding_must_agree():
    with pytest.raises(BadImage, match="uint16"):
        depth_to_metres(np.zeros((2, 2), np.float32), "16UC1")


@pytest.mark.parametrize(
    ("scale", "unit"),
    [
        (1000.0, r"750 m, .* probably millimetres published as metres \(0\.75 m\)"),
        (0.001, r"0\.00075 m, .* probably metres published as millimetres \(0\.75 m\)"),
        (10.0, r"7\.5 m, .* tenths of a millimetre published as millimetres \(0\.75 m\)"),
        (100.0, "75 m, .* probably centimetres published as metres"),
        (1e7, r"outside the 0\.28 to 3\.00 m that the camera measures: publish 16UC1"),
    ],
)
def test_depth_in_another_unit_is_refused_with_distance_and_unit(scale, unit):
    depth_m = np.full((8, 8), 0.75 * scale, np.float32)
    depth_m[0, 0] = np.nan
    with pytest.raises(BadImage, match=unit):
        check_depth_range(depth_m, 0.28, 3.0, "32FC1")


def test_depth_within_the_cameras_range_passes_with_outliers_and_holes():
    depth_m = np.full((8, 8), 0.75, np.float32)
    depth_m[:3] = np.nan
    depth_m[3] = 900.0
    check_depth_range(depth_m, 0.28, 3.0)
    depth_m[:] = np.nan
    depth_m[1, 1] = 0.75  # beside the pixels that are looked at first
    check_depth_range(depth_m, 0.28, 3.0)


def test_depth_without_a_valid_pixel_is_refused_as_such():
    with pytest.raises(BadImage, match="6x4 px holds no valid depth: is the lens covered"):
        check_depth_range(np.full((4, 6), np.nan, np.float32), 0.28, 3.0)


def test_filling_keeps_measurements_and_completes_a_plane():
    v, u = np.mgrid[0:60, 0:80]
    plane = (0.6 + 0.001 * u + 0.0005 * v).astype(np.float32)
    holed = plane.copy()
    holed[20:26, 30:37] = np.nan
    holed[0, 0] = np.nan
    filled = fill_invalid(holed)
    known = np.isfinite(holed)
    assert np.array_equal(filled[known], plane[known])
    assert np.abs(filled - plane)[~known].max() < 0.003


def test_a_strip_unseen_at_the_edge_takes_the_depth_beside_it():
    depth = np.full((60, 80), 0.7, np.float32)
    depth[20:40, 30:50] = 0.4
    holed = depth.copy()
    holed[:, :8], holed[55:] = np.nan, np.nan
    assert np.abs(fill_invalid(holed) - depth).max() < 1e-3


@given(
    st.lists(st.tuples(st.integers(0, 59), st.integers(0, 79)), min_size=1, max_size=12),
    st.integers(1, 9),
)
def test_holes_are_filled_wherever_they_are(holes, size):
    v, u = np.mgrid[0:60, 0:80]
    plane = (0.6 + 0.001 * u + 0.0005 * v).astype(np.float32)
    holed = plane.copy()
    for row, column in holes:
        holed[row : row + size, column : column + size] = np.nan
    filled = fill_invalid(holed)
    known = np.isfinite(holed)
    assert np.array_equal(filled[known], plane[known])
    assert np.abs(filled - plane).max() < 0.03  # far corners of large holes are guesses


def test_filling_an_empty_image_leaves_it_empty():
    assert np.isnan(fill_invalid(np.full((4, 4), np.nan, np.float32))).all()


def test_surface_depth_reads_the_top_and_ignores_outliers():
    depth = np.full((100, 100), 0.75, np.float32)
    depth[40:60, 30:70] = 0.70
    depth[50, 50] = 0.10
    depth[45, 45] = np.nan
    top = surface_depth(
        depth, 50, 50, axis=np.array([1.0, 0.0]), half_width_px=25, half_height_px=5
    )
    assert top == pytest.approx(0.70)


def test_surface_depth_of_nothing_is_nan():
    depth = np.full((20, 20), np.nan, np.float32)
    for u in (10.0, 500.0):
        assert np.isnan(
            surface_depth(
                depth, u, 10, axis=np.array([1.0, 0.0]), half_width_px=3, half_height_px=3
            )
        )


@pytest.mark.parametrize("tilt_deg", [0.0, 20.0, 40.0])
def test_plane_depth_reads_the_plane_at_any_tilt(tilt_deg):
    camera = PinholeCamera(640, 480, 615.0, 615.0, 319.5, 239.5)
    approach = np.array([0.0, np.sin(np.radians(tilt_deg)), np.cos(np.radians(tilt_deg))])
    v, u = np.mgrid[0:480, 0:640]
    rays = camera.rays(np.stack([u, v], axis=-1))
    plane = (0.5 / (rays @ approach)).astype(np.float32)
    rectangle = GraspRectangle(350.0, 220.0, 60.0, 24.0, 0.7)
    expected = 0.5 / (camera.rays((350.0, 220.0)) @ approach)
    assert plane_depth(plane, camera, rectangle, approach) == pytest.approx(expected, abs=1e-5)


def test_plane_depth_reads_the_top_between_the_jaws():
    camera = PinholeCamera(100, 100, 100.0, 100.0, 49.5, 49.5)
    depth = np.full((100, 100), 0.75, np.float32)
    depth[40:60, 45:55] = 0.70
    rectangle = GraspRectangle(49.5, 49.5, 40.0, 10.0, 0.0)
    down = np.array([0.0, 0.0, 1.0])
    assert plane_depth(depth, camera, rectangle, down) == pytest.approx(0.70)
    assert np.isnan(plane_depth(np.full_like(depth, np.nan), camera, rectangle, down))


@pytest.mark.parametrize("percentile", [3.0, 10.0, 50.0, 97.0])
def test_surface_depth_is_the_percentile_of_what_is_valid_in_the_window(percentile):
    rng = np.random.default_rng(2)
    depth = rng.uniform(0.5, 1.0, (40, 50)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.2] = np.nan
    axis = np.array([np.cos(0.4), np.sin(0.4)])
    rows, columns = np.mgrid[:40, :50]
    along = (columns - 20.3) * axis[0] + (rows - 17.8) * axis[1]
    across = (rows - 17.8) * axis[0] - (columns - 20.3) * axis[1]
    inside = (np.abs(along) <= 9.0) & (np.abs(across) <= 4.0) & np.isfinite(depth)
    found = surface_depth(
        depth, 20.3, 17.8, axis=axis, half_width_px=9.0, half_height_px=4.0, percentile=percentile
    )
    assert found == pytest.approx(np.percentile(depth[inside], percentile), rel=1e-6)
