"""ROS parameters as a view of a configuration dataclass."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import pytest
import rclpy
from rclpy.parameter import Parameter

from grasp_core.config import Checked, setting
from grasp_core.errors import ConfigError
from grasp_ros.parameters import ParameterJudge, declare

pytestmark = pytest.mark.ros
NAMES = (f"parameters_{index}" for index in itertools.count())


@dataclass(frozen=True)
class Example(Checked):
    range_m: tuple[float, ...] = setting((0.3, 0.7), "from and to, m", length=2)
    window_px: tuple[float, ...] = setting((), "square of the picture, px; empty for all")
    name: str = setting("cell", "name of something")


@pytest.fixture(scope="module")
def context():
    found = rclpy.Context()
    rclpy.init(context=found)
    yield found
    rclpy.shutdown(context=found)


@pytest.fixture
def built(context):
    """Builds the configuration of a node with parameters given from outside."""
    nodes = []

    def build(prefix="", **values):
        overrides = [
            Parameter(f"{prefix}.{name}".removeprefix("."), value=value)
            for name, value in values.items()
        ]
        node = rclpy.create_node(next(NAMES), context=context, parameter_overrides=overrides)
        nodes.append(node)
        return declare(node, Example, prefix)

    yield build
    for node in nodes:
        node.destroy_node()


def test_lists_and_defaults_are_read(built):
    assert built() == Example()
    assert built(range_m=[1, 2], window_px=[0.0, 1.0, 2.0]) == Example((1.0, 2.0), (0.0, 1.0, 2.0))
    assert built("group", range_m=[0.1, 0.2]) == Example((0.1, 0.2))


@pytest.mark.parametrize("value", [0.3, 3, True, "0.3, 0.7", "ab"])
def test_what_is_no_list_is_refused_by_name(built, value):
    with pytest.raises(ConfigError, match=r"range_m needs a list, got .*: from and to, m"):
        built(range_m=value)


@dataclass(frozen=True)
class Judged(Checked):
    force_n: float = setting(20.0, "grip force, N", minimum=0.5, maximum=70.0)
    shown: int = setting(8, "how many are shown", minimum=1, live=True)
    names: tuple[str, ...] = setting(("a",), "names", live=True)


@pytest.fixture
def judged(context):
    """A node whose parameters are judged, and the configurations that it has taken."""
    node, taken = rclpy.create_node(next(NAMES), context=context), []

    def take(config):
        if config.shown == 13:
            raise ConfigError("shown is 13, must be no unlucky number")
        taken.append(config)

    judge = ParameterJudge(node, take)
    judge.declare(Judged)
    yield node, judge, taken
    node.destroy_node()


def test_a_live_change_is_validated_and_taken(judged):
    node, _, taken = judged
    assert node.set_parameters([Parameter("shown", value=3)])[0].successful
    assert taken == [Judged(shown=3)]
    assert node.set_parameters([Parameter("names", value=["b", "c"])])[0].successful
    assert taken[-1] == Judged(shown=3, names=("b", "c"))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("force_n", -7.0, r"force_n is -7.0, must lie in \[0.5, 70.0\]"),
        ("force_n", 30.0, "force_n is read when .* configured and cannot change to 30.0 now"),
        ("force_n", 30.0, "while it runs names, shown can change"),
        ("shown", 0, "shown is 0, must lie in"),
        ("shown", "many", "shown needs a int, got 'many'"),
        ("shown", 13, "no unlucky number"),
        ("use_sim_time", True, "use_sim_time is read when"),
    ],
)
def test_a_refused_change_says_why_and_leaves_the_old_value(judged, name, value, told):
    node, _, taken = judged
    before = node.get_parameter(name).value
    answer = node.set_parameters([Parameter(name, value=value)])[0]
    assert not answer.successful
    assert re.search(told, answer.reason)
    assert node.get_parameter(name).value == before
    assert taken == []


def test_while_a_node_is_not_configured_all_that_is_valid_can_change(judged):
    node, judge, taken = judged
    judge.released()
    assert not node.set_parameters([Parameter("force_n", value=-7.0)])[0].successful
    assert node.set_parameters([Parameter("force_n", value=30.0)])[0].successful
    assert taken == []
    assert judge.declare(Judged).force_n == 30.0
    assert not node.set_parameters([Parameter("force_n", value=40.0)])[0].successful
