"""The transform tree: chains, interpolation at the stamp, refusals; one contract with tf2."""

import importlib.util
import math
from types import SimpleNamespace

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from tf2_msgs.msg import TFMessage

from grasp_core.errors import NoTransform
from grasp_core.transform import Transform
from grasp_ros.conversions import ns_to_stamp, transform_to_msg
from grasp_ros.tf import SubscribedTree, Tf2Source, TransformTree

SECOND = 1_000_000_000


class FakeNode:
    """Node time set by hand, /tf as a method, and a log."""

    def __init__(self):
        self.now_ns, self.receivers, self.warnings, self.set_back = 5 * SECOND, {}, [], None

    def get_clock(self):
        return self

    def get_logger(self):
        return self

    def now(self):
        return SimpleNamespace(nanoseconds=self.now_ns)

    def create_jump_callback(self, threshold, post_callback):
        self.set_back = post_callback

    def create_subscription(self, kind, topic, callback, qos):
        self.receivers[topic] = callback

    def warning(self, text, **throttle):
        self.warnings.append(text)


def message(parent, child, transform, stamp_ns):
    item = TransformStamped(child_frame_id=child, transform=transform_to_msg(transform))
    item.header.frame_id, item.header.stamp = parent, ns_to_stamp(stamp_ns)
    return item


def own_source():
    """The stack's own, and a function that feeds it."""
    node = FakeNode()
    source = SubscribedTree(node, max_lead_s=0.5)

    def feed(*described, static):
        topic = "/tf_static" if static else "/tf"
        node.receivers[topic](TFMessage(transforms=[message(*described)]))

    return source, feed, node


def tf2_source():
    """tf2's, and a function that feeds it."""
    import tf2_ros

    source = Tf2Source.__new__(Tf2Source)
    source.buffer = tf2_ros.Buffer()
    source._errors = (tf2_ros.TransformException,)

    def feed(*described, static):
        add = source.buffer.set_transform_static if static else source.buffer.set_transform
        item = message(*described)
        item.child_frame_id = item.child_frame_id.lstrip("/")  # as its listener does
        item.header.frame_id = item.header.frame_id.lstrip("/")
        add(item, "test")

    return source, feed, None


SOURCES = [own_source] + [tf2_source] * (importlib.util.find_spec("tf2_ros") is not None)


@pytest.mark.parametrize("make", SOURCES)
def test_every_source_takes_names_with_a_slash_and_tells_the_root_among_the_known(make):
    source, feed, _ = make()
    feed("/base", "/camera", Transform.from_translation(1.0, 0.0, 0.0), 0, static=True)
    for names in (("base", "camera"), ("/base", "/camera"), ("/base", "camera")):
        assert source.lookup(*names, 4 * SECOND).translation == pytest.approx((1.0, 0.0, 0.0))
    with pytest.raises(NoTransform, match="are base, camera"):
        source.lookup("base", "elsewhere", 4 * SECOND)


@pytest.mark.parametrize("make", SOURCES)
def test_a_transform_above_the_base_that_has_stopped_is_no_matter(make):
    source, feed, _ = make()
    feed("odom", "base", Transform.identity(), SECOND, static=False)
    feed("base", "camera", Transform.from_translation(0.0, 2.0, 0.0), 0, static=True)
    assert source.lookup("base", "camera", 4 * SECOND).translation[1] == pytest.approx(2.0)
    with pytest.raises(NoTransform):
        source.lookup("odom", "camera", 4 * SECOND)


def test_transforms_that_lead_node_time_are_refused_with_the_lead():
    source, feed, node = own_source()
    feed("base", "hand", Transform.identity(), 8 * SECOND, static=False)
    with pytest.raises(NoTransform, match=r"'hand' on /tf lead node time by 3\.00 s, .* 0\.50 s"):
        source.lookup("base", "hand", 5 * SECOND)
    assert len(node.warnings) == 1
    feed("base", "hand", Transform.identity(), 5 * SECOND + SECOND // 3, static=False)
    assert source.lookup("base", "hand", 5 * SECOND + SECOND // 3).translation[0] == 0.0


def test_node_time_set_back_clears_what_moves():
    source, feed, node = own_source()
    feed("base", "hand", Transform.identity(), 4 * SECOND, static=False)
    node.set_back(None)
    with pytest.raises(NoTransform, match="no transform from 'hand'"):
        source.lookup("base", "hand", 4 * SECOND)


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
    with pytest.raises(NoTransform, match="are base, camera, hand, mount:"):
        tree.lookup("base", "elsewhere", 0)


@pytest.mark.parametrize("back_ns", [1, SECOND // 2, 3 * SECOND])
def test_a_stamp_set_back_by_any_amount_begins_a_new_history(tree, back_ns):
    tree.add("base", "hand", Transform.identity(), 3 * SECOND - back_ns, static=False)
    assert tree.lookup("base", "hand", 3 * SECOND - back_ns).translation[2] == 0.0
    with pytest.raises(NoTransform, match="known from"):
        tree.lookup("base", "hand", 3 * SECOND)


def test_a_tree_told_to_forget_keeps_what_is_static(tree):
    tree.forget()
    assert tree.lookup("base", "mount", 0).translation[0] == 1.0
    with pytest.raises(NoTransform, match="no transform from 'hand'"):
        tree.lookup("base", "hand", 2 * SECOND)


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
