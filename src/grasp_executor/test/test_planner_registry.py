"""Planners by name: what the executor's parameter means, and what it costs to name one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import pytest
from gantry import GantryPlanner, gantry

from grasp_core.config import Checked, setting
from grasp_core.errors import ConfigError
from grasp_core.robot import load_robot
from grasp_executor.config import ExecutorConfig
from grasp_executor.planning import registry
from grasp_executor.planning.embedded_config import EmbeddedConfig
from grasp_executor.planning.registry import (
    DEFAULT_PLANNER,
    Entry,
    create_planner,
    find_planner,
    planner_names,
)


@dataclass(frozen=True)
class ReachConfig(Checked):
    reach_m: float = setting(0.6, "how far out the arm can go, m", minimum=0.1)


def test_the_default_is_the_embedded_planner():
    pytest.importorskip("roboplan")
    from grasp_executor.planning.embedded import EmbeddedPlanner

    assert ExecutorConfig().planner == DEFAULT_PLANNER == "embedded"
    assert find_planner("embedded").config_class is EmbeddedConfig
    assert isinstance(create_planner("embedded", load_robot("panda")), EmbeddedPlanner)


def test_an_unknown_planner_is_refused_with_the_names_that_are():
    with pytest.raises(ConfigError, match="no planner 'chomp'; valid names are embedded, moveit"):
        create_planner("chomp", gantry())
    with pytest.raises(ConfigError, match="planner is 'chomp', must be one of embedded, moveit"):
        ExecutorConfig(planner="chomp")


def test_a_new_planner_is_one_line(monkeypatch):
    def build(robot, config, connect):
        planner = GantryPlanner()
        planner.reach_m = config.reach_m
        return planner

    monkeypatch.setitem(registry._PLANNERS, "gantry", Entry(ReachConfig, build))
    assert planner_names() == ["embedded", "gantry", "moveit"]
    assert create_planner("gantry", gantry()).reach_m == 0.6
    assert create_planner("gantry", gantry(), ReachConfig(reach_m=0.9)).reach_m == 0.9


def test_moveit_says_that_it_needs_ros():
    with pytest.raises(ConfigError, match="out of reach here: use it in the executor node"):
        create_planner("moveit", load_robot("panda"))


def test_libraries_are_those_of_the_chosen_planner():
    """Settings and names are there without any; only building the planner asks for them."""
    code = (
        "import sys; sys.modules['roboplan'] = None\n"
        "from grasp_core.robot import load_robot\n"
        "from grasp_executor.pick import PickSequence\n"
        "from grasp_executor.config import ExecutorConfig\n"
        "from grasp_executor.planning.registry import create_planner\n"
        "print(ExecutorConfig().planner)\n"
        "create_planner('embedded', load_robot('panda'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["embedded"]
    assert "MissingDependency: the embedded planner needs roboplan" in done.stderr


def test_without_its_messages_moveit_says_both_ways_to_get_them():
    code = (
        "import sys; sys.modules['moveit_msgs'] = sys.modules['moveit_msgs.msg'] = None\n"
        "import grasp_executor.ros_moveit\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "MissingDependency: the planner moveit needs moveit_msgs" in done.stderr
    assert "ros-jazzy-moveit-msgs where ROS is, else run make moveit-messages" in done.stderr
