"""The transform tree: chains, interpolation at the stamp, refusals."""

import math

import numpy as np
import pytest

from grasp_core.errors import NoTransform
from grasp_core.transform import Transform
from grasp_ros.tf import TransformTree

SECOND = 1_000_000_000


@pytest.fixture
def tree():
    tree = TransformTree()
    tree.add("base", "mount", Transform.from_translation(1.0, 0.0, 0.0), 0, static=True)
    tree.add("mount", "camera", Transform.from_rpy((math.pi, 0.0, 0.0)), 0, static=True)
    tree.add("base", "hand", Transform.identity(), 1 * SECOND, static=False)
    turned = Transform.from_rpy((0.0, 0.0, math.pi / 2), (0.0, 0.0, 2.0))
    tree.add("base", "hand", turned, 3 * SECOND, static=False)
    return tree


def test_static_chains_hold_at_any_time(tree):
    expected = Transform.from_rpy((math.pi, 0.0, 0.0), (1.0, 0.0, 0.0)).matrix
    for stamp in (0, 10 * SECOND):
        assert tree.lookup("base", "camera", stamp).matrix == pytest.approx(expected)


def test_lookup_against_the_chain_is_the_inverse(tree):
    there, back = tree.lookup("base", "camera", 0), tree.lookup("camera", "base", 0)
    assert (there @ back).matrix == pytest.approx(np.eye(4))


def test_moving_frames_are_interpolated_at_the_stamp(tree):
    halfway = tree.lookup("base", "hand", 2 * SECOND)
    expected = Transform.from_rpy((0.0, 0.0, math.pi / 4), (0.0, 0.0, 1.0))
    assert halfway.matrix == pytest.approx(expected.matrix)


def test_siblings_meet_in_their_common_parent(tree):
    assert tree.lookup("hand", "mount", 1 * SECOND).translation == pytest.approx((1.0, 0.0, 0.0))


@pytest.mark.parametrize("stamp", [SECOND - 1, 3 * SECOND + 1])
def test_times_outside_the_history_are_refused(tree, stamp):
    with pytest.raises(NoTransform, match=r"known from 1.000 to 3.000 s"):
        tree.lookup("base", "hand", stamp)


def test_unknown_frames_are_refused_with_the_known_ones(tree):
    with pytest.raises(NoTransform, match="camera, hand, mount"):
        tree.lookup("base", "elsewhere", 0)


def test_out_of_order_transforms_are_sorted(tree):
    tree.add("base", "hand", Transform.from_translation(0, 0, 9.0), 2 * SECOND, static=False)
    assert tree.lookup("base", "hand", 2 * SECOND).translation[2] == pytest.approx(9.0)


def test_history_is_bounded(tree):
    tree.add("base", "hand", Transform.identity(), 30 * SECOND, static=False)
    with pytest.raises(NoTransform):
        tree.lookup("base", "hand", 3 * SECOND)


def test_loops_are_refused():
    tree = TransformTree()
    tree.add("a", "b", Transform.identity(), 0, static=True)
    tree.add("b", "a", Transform.identity(), 0, static=True)
    with pytest.raises(NoTransform, match="loop"):
        tree.lookup("a", "c", 0)
