"""Height maps and boxes from synthetic depth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from overhead_view import CAMERA, OVERHEAD, render

from grasp_core.errors import ConfigError
from grasp_core.height_map import Grid, HeightMap
from grasp_core.transform import Transform
from grasp_executor.planning.obstacles import (
    boxes_from_heights,
    obstacle_map,
    occupied,
    region_of,
)

BOUNDS = (0.3, 0.7, -0.2, 0.2)
TILTED = OVERHEAD @ Transform.from_rpy((0.0, 0.5, 0.0), (-0.3, 0.0, 0.05))


def mapped(blocks, T_base_camera=OVERHEAD, **kwargs):
    return obstacle_map(
        render(blocks, T_base_camera),
        CAMERA,
        T_base_camera,
        bounds=BOUNDS,
        support_z=0.0,
        **kwargs,
    )


BLOCK = (0.40, 0.46, -0.10, -0.04, 0.05)
NEIGHBOUR = (0.47, 0.53, -0.10, -0.04, 0.09)
LOW = (0.60, 0.63, 0.10, 0.15, 0.02)


def covers(boxes, x, y, z):
    point = np.array([x, y, z])
    return any(
        (np.abs(point - b.pose.translation) <= 0.5 * np.array(b.size_m) + 1e-9).all()
        for b in boxes
    )


def test_heights_are_measured():
    height_map = mapped([BLOCK, LOW])
    x, y = height_map.grid.centres()
    for block in (BLOCK, LOW):
        inside = (x[None] > block[0]) & (x[None] < block[1])
        inside = inside & (y[:, None] > block[2]) & (y[:, None] < block[3])
        np.testing.assert_allclose(height_map.height_m[inside], block[4], atol=1e-3)
    far = (x[None] > 0.55) & (y[:, None] < -0.1)
    np.testing.assert_allclose(height_map.height_m[far], 0.0, atol=1e-3)
    assert not occupied(height_map)[far].any()


def test_empty_table_has_no_boxes():
    assert boxes_from_heights(mapped([])) == ()


@pytest.mark.parametrize("T_base_camera", [OVERHEAD, TILTED])
def test_boxes_cover_the_objects_and_little_else(T_base_camera):
    blocks = [BLOCK, LOW]
    boxes = boxes_from_heights(mapped(blocks, T_base_camera))
    assert 2 <= len(boxes) <= 20
    assert len({b.name for b in boxes}) == len(boxes)
    for x0, x1, y0, y1, top in blocks:
        for x in np.linspace(x0 + 0.002, x1 - 0.002, 5):
            for y in np.linspace(y0 + 0.002, y1 - 0.002, 5):
                assert covers(boxes, x, y, top - 0.001)
                assert covers(boxes, x, y, 0.001)
    assert not covers(boxes, 0.55, 0.0, 0.01)
    assert not covers(boxes, 0.43, -0.07, 0.062)


def test_stray_pixels_do_not_raise_a_cell():
    depth = render([BLOCK], OVERHEAD)
    depth[60, 60] = 0.2  # a flying pixel 0.4 m above the table
    height_map = obstacle_map(depth, CAMERA, OVERHEAD, bounds=BOUNDS, support_z=0.0)
    assert height_map.height_m.max() < 0.06


def test_unseen_is_unknown_and_small_shadows_are_closed():
    depth = render([], OVERHEAD)
    depth[:, :160] = np.nan
    height_map = obstacle_map(depth, CAMERA, OVERHEAD, bounds=BOUNDS, support_z=0.0)
    assert 0.3 < (~height_map.seen).mean() < 0.6
    assert not occupied(height_map).any()


def test_region_is_the_target_alone():
    height_map = mapped([BLOCK, NEIGHBOUR, LOW])
    x, y = height_map.grid.centres()
    region = region_of(height_map, 0.43, -0.07)
    assert region[np.ix_((y > -0.1) & (y < -0.04), (x > 0.4) & (x < 0.46))].all()
    assert not region[np.ix_((y > -0.1) & (y < -0.04), (x > 0.475) & (x < 0.53))].any()
    boxes = boxes_from_heights(height_map, exclude=region)
    assert not covers(boxes, 0.43, -0.07, 0.01)
    assert covers(boxes, 0.50, -0.07, 0.08)
    assert covers(boxes, 0.615, 0.12, 0.01)


def test_touching_neighbours_part_at_a_step():
    height_map = mapped([BLOCK, (0.46, 0.52, -0.10, -0.04, 0.09)])
    region = region_of(height_map, 0.43, -0.07)
    x, y = height_map.grid.centres()
    assert not region[np.ix_((y > -0.1) & (y < -0.04), (x > 0.465) & (x < 0.52))].any()


def test_region_takes_the_nearest_cell_or_nothing():
    height_map = mapped([BLOCK])
    assert region_of(height_map, 0.475, -0.07).any()
    assert not region_of(height_map, 0.6, 0.1).any()
    assert not region_of(mapped([]), 0.5, 0.0).any()


def test_a_noisy_tilted_view_gives_the_boxes_it_always_gave():
    """Values of the obstacles before their height map was shared with the detector.

    Only hidden cells have changed: the border of a shadow is not closed by its neighbours.
    """
    depth = render([BLOCK, NEIGHBOUR, LOW], TILTED)
    depth[np.random.default_rng(3).random(depth.shape) < 0.4] = np.nan
    height_map = obstacle_map(depth, CAMERA, TILTED, bounds=BOUNDS, support_z=0.0)
    boxes = boxes_from_heights(height_map)
    assert int((~height_map.seen).sum()) == 72
    assert height_map.height_m.sum() == pytest.approx(6.514424, abs=1e-4)
    assert int(region_of(height_map, 0.43, -0.07).sum()) == 47
    rows = np.array([[*box.size_m, *box.pose.translation] for box in boxes])
    expected = [
        [0.01, 0.08, 0.05, 0.455, -0.07, 0.025],
        [0.06, 0.04, 0.05, 0.42, -0.08, 0.025],
        [0.01, 0.02, 0.03, 0.465, -0.09, 0.015],
    ]
    assert len(rows) == 10
    np.testing.assert_allclose(rows[:3], expected, atol=1e-6)
    np.testing.assert_allclose(
        rows.sum(axis=0), [0.31, 0.34, 0.49, 4.975, -0.26, 0.245], atol=1e-6
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    arrays(
        np.float64,
        st.tuples(st.integers(1, 12), st.integers(1, 12)),
        elements=st.floats(0.0, 0.2),
    ),
    st.sampled_from([1, 4, 15, 500]),
    st.sampled_from([0.0, 0.13]),
)
def test_every_occupied_cell_is_covered_whatever_the_budget(heights, max_boxes, support_z):
    height_map = HeightMap(
        heights,
        np.ones(heights.shape, bool),
        Grid(0.1, -0.2, 0.01, *heights.shape),
        Transform.from_translation(0.0, 0.0, support_z),
    )
    boxes = boxes_from_heights(height_map, max_boxes=max_boxes)
    assert len(boxes) <= max_boxes
    x, y = height_map.grid.centres()
    for row, column in np.argwhere(occupied(height_map)):
        for dx, dy in ((-0.0049, -0.0049), (0.0049, 0.0049)):
            assert covers(boxes, x[column] + dx, y[row] + dy, support_z + heights[row, column])
    if max_boxes == 500:
        for row, column in np.argwhere(~occupied(height_map)):
            assert not covers(boxes, x[column], y[row], support_z + 0.004)


def test_bounds_must_hold_a_cell():
    with pytest.raises(ConfigError, match="hold no cell"):
        obstacle_map(
            render([], OVERHEAD), CAMERA, OVERHEAD, bounds=(0.5, 0.5, 0.0, 1.0), support_z=0.0
        )
