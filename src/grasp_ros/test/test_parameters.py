"""ROS parameters as a view of a configuration dataclass."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
import rclpy
from rclpy.parameter import Parameter

from grasp_core.config import Checked, setting
from grasp_core.errors import ConfigError
from grasp_ros.parameters import declare

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
