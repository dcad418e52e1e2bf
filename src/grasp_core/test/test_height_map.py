"""Height maps: both reductions against a plain loop, what was not seen, what is in view."""

from __future__ import annotations

import math

import numpy as np
import pytest

from grasp_core.camera import PinholeCamera
from grasp_core.errors import ConfigError
from grasp_core.height_map import (
    Grid,
    HeightMap,
    cells_in_view,
    highest_points,
    nearly_highest_points,
    support_points,
)
from grasp_core.transform import Transform

GRID = Grid(-0.03, 0.01, 0.01, 5, 7)
HERE = Transform.identity()
CAMERA = PinholeCamera(64, 48, 60.0, 60.0, 31.5, 23.5)


def by_cell(points):
    """Heights of the points of each cell, by (row, column)."""
    found = {}
    for x, y, z in points.astype(np.float64):
        place = (math.floor((y - 0.01) / 0.01), math.floor((x + 0.03) / 0.01))
        if 0 <= place[0] < 5 and 0 <= place[1] < 7:
            found.setdefault(place, []).append(z)
    return found


def cloud(count, seed=1):
    rng = np.random.default_rng(seed)
    return rng.uniform((-0.05, 0.0, 0.0), (0.06, 0.08, 0.1), (count, 3))


def block(heights):
    """Sixteen points in every cell, at the heights of an array of shape (5, 7)."""
    side = (np.arange(4) + 0.5) / 4.0
    row, column, dy, dx = np.meshgrid(np.arange(5), np.arange(7), side, side, indexing="ij")
    z = np.broadcast_to(heights[:, :, None, None], row.shape)
    parts = (-0.03 + 0.01 * (column + dx), 0.01 + 0.01 * (row + dy), z)
    return np.stack([part.ravel() for part in parts], axis=1)


def test_centres_and_metric_agree_and_cells_are_found_again():
    x, y = GRID.centres()
    assert x[0] == pytest.approx(-0.025)
    assert y[-1] == pytest.approx(0.055)
    assert GRID.metric(np.array([6.0]), np.array([4.0])) == (
        pytest.approx(x[-1:]),
        pytest.approx(y[-1:]),
    )
    places = np.stack([*np.meshgrid(x, y), np.zeros(GRID.shape)], axis=-1).reshape(-1, 3)
    index, inside = GRID.cells_of(places)
    assert inside.all()
    assert index.tolist() == list(range(35))
    assert not GRID.cells_of(places + np.array([0.0, 0.05, 0.0]))[1].any()


def test_bounds_are_covered_and_must_hold_a_cell():
    assert Grid.over((0.3, 0.7, -0.2, 0.2), 0.01).shape == (40, 40)
    assert Grid.over((0.3, 0.705, -0.2, 0.2), 0.01).columns == 41
    for bounds, cell_m in (((0.5, 0.5, 0.0, 1.0), 0.01), ((0.0, 1.0, 0.0, 1.0), 0.0)):
        with pytest.raises(ConfigError, match="hold no cell"):
            Grid.over(bounds, cell_m)


def test_the_highest_point_of_each_cell_is_kept():
    heights = np.add.outer(0.01 * np.arange(5), 0.002 * np.arange(7))
    points = block(heights)
    points = np.concatenate([points, points - np.array([0.0, 0.0, 0.005])]).astype(np.float32)
    found = highest_points(points, GRID, HERE)
    assert found.height_m.dtype == np.float32
    # A median of three by three leaves a slope as it is, but for its two ends.
    np.testing.assert_allclose(found.height_m[1:-1, 1:-1], heights[1:-1, 1:-1], atol=1e-6)
    assert found.seen.all()


def test_pinholes_are_filled_spikes_dropped_and_large_holes_not_seen():
    heights = np.full((5, 7), 0.02)
    heights[1, 1] = 0.3
    points = block(heights).astype(np.float32)
    cell, _ = GRID.cells_of(points)
    pinhole, hole = cell == 1 * 7 + 3, np.isin(cell % 7, (5, 6)) & (cell >= 14)
    found = highest_points(points[~pinhole & ~hole], GRID, HERE)
    assert found.height_m[1, 1] == pytest.approx(0.02)
    assert found.seen[1, 3]
    assert found.height_m[1, 3] == pytest.approx(0.02)
    assert not found.seen[3:, 6].any()
    assert (found.height_m[3:, 6] == 0.0).all()
    sunken = highest_points(points - np.float32(0.5), GRID, HERE)
    assert (sunken.height_m == 0.0).all()


def test_nearly_the_highest_leaves_out_a_share_and_cells_of_few_points():
    points = cloud(700)
    found = nearly_highest_points(points, GRID, HERE, fewest_points=8, stray_share=0.2)
    cells = by_cell(points)
    enough = {place: sorted(z) for place, z in cells.items() if len(z) >= 8}
    assert 10 < len(enough) < 35
    for place, z in enough.items():
        expected = z[len(z) - 1 - math.floor(0.2 * len(z))]
        assert found.height_m[place] == pytest.approx(expected, abs=1e-5)
        assert found.seen[place]


def test_a_lone_unseen_cell_takes_its_highest_neighbour_and_more_of_them_stay_unseen():
    heights = np.linspace(0.01, 0.03, 35).reshape(5, 7)
    points = block(heights)
    cell, _ = GRID.cells_of(points)
    row, column = np.divmod(cell, 7)
    lone, corner = cell == 2 * 7 + 1, (row <= 2) & (column >= 4)
    found = nearly_highest_points(points[~lone & ~corner], GRID, HERE)
    assert found.height_m[2, 1] == pytest.approx(heights[3, 2], abs=1e-5)
    assert found.seen[2, 1]
    assert not found.seen[:2, 5:].any()
    assert (found.height_m[~found.seen] == 0.0).all()


def test_nothing_on_the_grid_is_a_map_of_nothing_seen():
    away = cloud(50) + np.array([9.0, 0.0, 0.0])
    for found in (
        nearly_highest_points(away, GRID, HERE),
        highest_points(away.astype(np.float32), GRID, HERE),
    ):
        assert not found.seen.any()
        assert not found.height_m.any()


def test_pixels_become_points_of_the_support_frame():
    T_support_camera = Transform.from_rpy((math.pi, 0.0, 0.0), (0.1, -0.2, 0.5))
    depth_m = np.full((48, 64), np.nan, np.float32)
    depth_m[10, 20], depth_m[30, 40], depth_m[31, 40] = 0.4, 0.5, 0.0
    points = support_points(depth_m, CAMERA, T_support_camera)
    expected = T_support_camera.apply(CAMERA.deproject([[20, 10], [40, 30]], [0.4, 0.5]))
    np.testing.assert_allclose(points, expected, atol=1e-6)


def test_a_cell_is_in_view_where_support_and_highest_point_are():
    T_camera_support = Transform.from_rpy((math.pi, 0.0, 0.0), (0.0, 0.0, 0.6))
    grid = Grid.over((-0.5, 0.5, -0.5, 0.5), 0.01)
    for top_m in (0.0, 0.3):
        heights = np.zeros(grid.shape)
        heights[50, 50] = top_m
        seen = np.ones(grid.shape, bool)
        scene = HeightMap(heights, seen, grid, T_camera_support)
        in_view = cells_in_view(scene, CAMERA, T_camera_support)
        x, y = np.meshgrid(*grid.centres())
        reach = (0.6 - top_m) / 60.0
        inside = (np.abs(x) < 31.0 * reach) & (np.abs(y) < 23.0 * reach)
        outside = (np.abs(x) > 33.0 * reach) | (np.abs(y) > 25.0 * reach)
        assert in_view[inside].all()
        assert not in_view[outside].any()
