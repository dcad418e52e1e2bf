"""Rectangles on the cross-sections that they grasp."""

import numpy as np
import pytest

from grasp_detection.learned.centring import centre

PX_PER_M = 800.0  # 0.8 pixels a millimetre
DEPTHS = {"finger_depth_m": 0.03, "support_clearance_m": 0.004}


def scene(*boxes):
    """Heights of 240x320 px with boxes (u0, v0, u1, v1, height)."""
    heights = np.zeros((240, 320), np.float32)
    for u0, v0, u1, v1, height in boxes:
        heights[v0:v1, u0:u1] = height
    return heights


def centred(rows, heights, gripper, **depths):
    rows = np.atleast_2d(np.array(rows, float))
    scale = np.full(len(rows), PX_PER_M)
    return centre(rows, heights, scale, gripper, **{**DEPTHS, **depths})


def test_a_grasp_off_the_middle_moves_there_and_becomes_as_wide_as_the_thing(gripper):
    # A bar of 40 px across, 50 mm, from 140 to 180; the grasp is 10 px off and too narrow.
    heights = scene((140, 40, 180, 200, 0.05))
    u, v, width, height, angle = centred((150.0, 120.0, 20.0, 10.0, 0.0), heights, gripper)[0]
    assert (u, v, angle) == (pytest.approx(159.5, abs=1.0), 120.0, 0.0)
    assert width == pytest.approx(40.0, abs=2.0)
    assert height == gripper.pad_width_m * PX_PER_M


def test_it_moves_along_its_own_closing_line(gripper):
    heights = scene((40, 100, 280, 130, 0.05))
    across = centred((160.0, 108.0, 20.0, 10.0, np.pi / 2), heights, gripper)[0]
    assert across[:2] == pytest.approx([160.0, 114.5], abs=1.0)
    assert across[2] == pytest.approx(30.0, abs=2.0)


def test_what_lies_below_the_fingertips_is_no_side(gripper):
    # A tower on a plate: the fingers end 30 mm below its top, 20 mm above the plate's.
    heights = scene((100, 60, 220, 180, 0.02), (150, 60, 170, 180, 0.07))
    deep = centred((158.0, 120.0, 20.0, 10.0, 0.0), heights, gripper)[0]
    assert deep[2] == pytest.approx(20.0, abs=2.0)
    deeper = centred((158.0, 120.0, 20.0, 10.0, 0.0), heights, gripper, finger_depth_m=0.06)[0]
    assert deeper[2] > 90.0 or np.array_equal(deeper, [158.0, 120.0, 20.0, 10.0, 0.0])


def test_the_neighbour_is_left_alone(gripper):
    heights = scene((100, 60, 130, 180, 0.05), (150, 60, 170, 180, 0.05))
    u, _, width, _, _ = centred((118.0, 120.0, 24.0, 10.0, 0.0), heights, gripper)[0]
    assert u == pytest.approx(114.5, abs=1.0)
    assert width == pytest.approx(30.0, abs=2.0)


@pytest.mark.parametrize(
    "boxes",
    [
        [],  # nothing there
        [(0, 0, 320, 240, 0.05)],  # no end in sight
        [(150, 110, 152, 112, 0.05)],  # a stray pixel
    ],
)
def test_without_a_cross_section_it_stays(boxes, gripper):
    row = np.array([[160.0, 120.0, 20.0, 10.0, 0.3]])
    assert np.array_equal(centred(row, scene(*boxes), gripper), row)


def test_a_grasp_outside_the_picture_stays(gripper):
    row = np.array([[-50.0, 400.0, 20.0, 10.0, 0.3]])
    assert np.array_equal(centred(row, scene((140, 40, 180, 200, 0.05)), gripper), row)
    assert centred(np.zeros((0, 5)), scene(), gripper).shape == (0, 5)


def test_each_is_moved_by_itself(gripper):
    heights = scene((140, 40, 180, 200, 0.05))
    rows = np.array([[150.0, 120.0, 20.0, 10.0, 0.0], [20.0, 20.0, 20.0, 10.0, 0.0]])
    both = centred(rows, heights, gripper)
    assert np.array_equal(both[:1], centred(rows[:1], heights, gripper))
    assert np.array_equal(both[1], rows[1])
