"""Oriented anchors: there and back again, and matched by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasp_core.rectangle import angle_difference
from grasp_detection.grasp_scorer.anchors import Anchors

ANCHORS = Anchors(40.0, 18.0, 6, 16)


def at(*values):
    return tuple(np.array([value]) for value in values)


@given(
    st.floats(0.0, 95.0),
    st.floats(0.0, 95.0),
    st.floats(5.0, 90.0),
    st.floats(4.0, 60.0),
    st.floats(-1.57, 1.57),
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)),
)
def test_a_deformation_gives_its_label_back(u, v, width, height, angle, anchor):
    rows = np.array([[u, v, width, height, angle]])
    back = ANCHORS.decode(ANCHORS.encode(rows, *at(*anchor)), *at(*anchor))
    assert np.allclose(back[:, :4], rows[:, :4])
    assert angle_difference(back[:, 4], rows[:, 4]).max() < 1e-9


def test_equation_two_by_hand():
    # Anchor 3 of 6 is turned by 15 degrees; row 1, column 2 has its middle at 39.5, 23.5.
    row = ANCHORS.decode(np.array([[0.5, -1.0, np.log(2.0), 0.0, 0.5]]), *at(3, 1, 2))[0]
    assert row == pytest.approx([39.5 + 20.0, 23.5 - 18.0, 80.0, 18.0, np.radians(15.0 + 15.0)])


def test_a_label_makes_the_anchor_nearest_in_angle_good():
    rows = np.array([[39.5, 23.5, 40.0, 18.0, np.radians(20.0)]])
    good, deltas = ANCHORS.match(rows, 96)
    assert np.argwhere(good).tolist() == [[3, 1, 2]]
    assert deltas[3, :, 1, 2] == pytest.approx([0.0, 0.0, 0.0, 0.0, 5.0 / 30.0], abs=1e-6)
    # Between two anchors both are good; an axis has no direction, so the last and first meet.
    good, _ = ANCHORS.match(rows * [1, 1, 1, 1, 0] + [0, 0, 0, 0, np.pi / 2], 96)
    assert np.argwhere(good)[:, 0].tolist() == [0, 5]


def test_of_two_labels_in_a_cell_the_nearer_one_counts():
    near, far = [40.0, 24.0, 44.0, 18.0, 0.26], [45.0, 28.0, 60.0, 18.0, 0.26]
    for rows in ([near, far], [far, near]):
        _, deltas = ANCHORS.match(np.array(rows), 96)
        assert deltas[3, 2, 1, 2] == pytest.approx(np.log(44.0 / 40.0))
