"""How tall what was not seen may be."""

from __future__ import annotations

import numpy as np
import pytest

from grasp_core.camera import PinholeCamera
from grasp_core.height_map import Grid, nearly_highest_points, support_points
from grasp_core.transform import Transform
from grasp_core.unseen import unseen_columns

CAMERA = PinholeCamera(320, 240, 300.0, 300.0, 159.5, 119.5)
HEIGHT_M, MOST_M, HOLE_M = 0.6, 0.3, 0.03
# Looks straight down on the origin; the image shows x within 0.32 m and y within 0.24 m.
T_SUPPORT_CAMERA = Transform.from_rotation(np.diag([1.0, -1.0, -1.0]), (0.0, 0.0, HEIGHT_M))
GRID = Grid.over((-0.4, 0.4, -0.3, 0.3), 0.01)


def scene(*walls):
    """Depth of walls (x0, x1, top), as long as the table, on the support."""
    u = np.arange(CAMERA.width)
    slope = (u - CAMERA.cx) / CAMERA.fx
    depth = np.full(CAMERA.width, HEIGHT_M)
    for x0, x1, top in walls:
        over = HEIGHT_M - top
        on_top = (slope * over >= x0) & (slope * over <= x1)
        side = (x0 / np.where(slope == 0, 1e-9, slope) > over) & (slope * HEIGHT_M > x0)
        depth = np.where(on_top, over, np.where(side & (slope > 0) & ~on_top, x0 / slope, depth))
    return np.tile(depth.astype(np.float32), (CAMERA.height, 1))


def columns(depth):
    points = support_points(depth, CAMERA, T_SUPPORT_CAMERA).astype(np.float64)
    heights = nearly_highest_points(points, GRID, Transform.identity())
    found = unseen_columns(heights, depth, CAMERA, T_SUPPORT_CAMERA, most_m=MOST_M, hole_m=HOLE_M)
    return heights, found


def at(values, x, y=0.0):
    return values[int((y - GRID.y0_m) / GRID.cell_m), int((x - GRID.x0_m) / GRID.cell_m)]


def test_an_empty_table_is_free_where_it_is_seen_and_unknown_elsewhere():
    _, unseen = columns(scene())
    assert at(unseen.bound_m, 0.0) == at(unseen.bound_m, 0.29) == 0.0
    assert at(unseen.bound_m, 0.35) == at(unseen.bound_m, 0.0, 0.27) == MOST_M


def test_a_shadow_is_bounded_by_the_ray_over_its_wall():
    heights, unseen = columns(scene((0.10, 0.13, 0.2)))
    assert at(heights.height_m, 0.115) == pytest.approx(0.2, abs=2e-3)
    hidden = [x for x in (0.145, 0.155, 0.165, 0.175, 0.185) if not at(heights.seen, x)]
    assert len(hidden) >= 4
    for x in hidden:
        ray_m = HEIGHT_M - (HEIGHT_M - 0.2) * x / 0.13  # through the wall's far upper edge
        assert ray_m - 0.011 <= at(unseen.bound_m, x) <= ray_m + 0.031
    wall = np.zeros(GRID.shape, dtype=bool)
    wall[:, 49:54] = True
    assert at(unseen.behind(wall), hidden[0])
    assert not unseen.behind(~wall)[int(-GRID.y0_m / GRID.cell_m), 60:].any()


@pytest.mark.parametrize(("hole_m", "is_closed"), [(0.02, True), (0.05, False)])
def test_only_holes_too_small_for_an_obstacle_are_closed(hole_m, is_closed):
    depth = scene()
    half = round(hole_m / 2 / HEIGHT_M * CAMERA.fx)
    depth[120 - half : 120 + half, 160 - half : 160 + half] = np.nan
    bound_m = at(columns(depth)[1].bound_m, 0.0)
    assert bound_m == (0.0 if is_closed else MOST_M)


def test_a_wall_whose_top_leaves_the_image_may_be_as_tall_as_anything():
    heights, unseen = columns(scene((0.25, 0.28, 0.25)))
    assert 0.05 < at(heights.height_m, 0.255) < 0.16  # its foot is in view
    assert at(unseen.bound_m, 0.255) == at(unseen.bound_m, 0.29) == MOST_M
    heights, unseen = columns(scene((0.10, 0.13, 0.25)))
    assert at(unseen.bound_m, 0.115) == 0.0


def test_without_any_depth_all_is_unknown():
    _, unseen = columns(np.full((CAMERA.height, CAMERA.width), np.nan, np.float32))
    assert (unseen.bound_m == MOST_M).all()
    assert (unseen.hidden_by == -1).all()
