"""The executor node's promises about a pick that does not stop."""

from __future__ import annotations

import threading

import pytest
import rclpy
from rclpy.parameter import Parameter

from grasp_core.errors import ConfigError, HardwareLost
from grasp_executor import node as module
from grasp_executor.node import ExecutorNode
from grasp_executor.planning.embedded_config import EmbeddedConfig


@pytest.fixture
def executor(monkeypatch):
    monkeypatch.setattr(module, "_STOP_PATIENCE_S", 0.05)
    rclpy.init()
    node = ExecutorNode()
    yield node
    node.destroy_node()
    rclpy.shutdown()


def test_a_pick_that_does_not_stop_fails_the_deactivation(executor):
    executor.activate()
    with executor._busy, pytest.raises(HardwareLost, match="has not stopped"):
        executor.deactivate()
    executor.deactivate()


def test_a_pick_that_was_told_to_stop_stays_told(executor):
    executor.activate()
    told: threading.Event = executor._stop
    executor.deactivate()
    executor.activate()
    assert told.is_set()
    assert not executor._stop.is_set()


def test_the_planners_settings_form_the_group_of_its_name(executor):
    executor.configure()
    assert executor.get_parameter("planner").value == "embedded"
    assert executor.get_parameter("embedded.padding_m").value == EmbeddedConfig().padding_m


def test_parameters_that_the_node_would_ignore_are_refused(executor):
    executor.configure()
    for name, value, told in (
        ("force_n", -7.0, "force_n is -7.0, must lie in"),
        ("force_n", 10.0, "force_n is read when /executor is configured"),
        ("cell", "no_such_cell", "cell is read when /executor is configured"),
        ("embedded.padding_m", 0.0, "embedded.padding_m is read when"),
    ):
        before = executor.get_parameter(name).value
        answer = executor.set_parameters([Parameter(name, value=value)])[0]
        assert not answer.successful
        assert told in answer.reason
        assert executor.get_parameter(name).value == before


def test_an_unknown_planner_is_refused():
    rclpy.init(args=["--ros-args", "-p", "planner:=chomp"])
    node = ExecutorNode()
    try:
        with pytest.raises(ConfigError, match="planner is 'chomp', must be one of embedded"):
            node.configure()
    finally:
        node.destroy_node()
        rclpy.shutdown()
