"""The executor node's promises about a pick that does not stop."""

from __future__ import annotations

import threading

import pytest
import rclpy
from grasp_msgs.srv import Release
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from grasp_core.errors import Code, ConfigError, GripperFailed, HardwareLost
from grasp_executor import node as module
from grasp_executor.node import ExecutorNode
from grasp_executor.planning.embedded_config import EmbeddedConfig
from grasp_executor.selection import PickGoal


@pytest.fixture
def executor(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_STOP_PATIENCE_S", 0.05)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
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
        ("lift_m", -7.0, "lift_m is -7.0, must lie in"),
        ("lift_m", 0.1, "lift_m is read when /executor is configured"),
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


def test_the_operator_is_refused_while_a_pick_runs(executor):
    executor.configure()
    services = executor._operator
    with executor._busy:
        released = services._release(Release.Request(confirm=True), Release.Response())
        acknowledged = services._acknowledge(Trigger.Request(), Trigger.Response())
    assert not released.success
    assert not acknowledged.success
    assert released.message == acknowledged.message == "a pick is running: cancel it first"
    assert services._acknowledge(Trigger.Request(), Trigger.Response()).success


def test_a_release_without_states_of_the_robot_says_so(executor, monkeypatch):
    monkeypatch.setattr("grasp_executor.ros_states._DISCOVERY_S", 0.1)
    executor.configure()
    answer = executor._operator._release(Release.Request(confirm=True), Release.Response())
    assert not answer.success
    assert answer.message.startswith("STALE_JOINT_STATES")


def test_cleaning_up_is_no_acknowledgement(executor):
    executor.configure()
    executor._latch.report_stop("test", "reflex")
    executor._latch.report_stop("test", None)
    executor.cleanup()
    executor.configure()
    assert executor._sequence.run(PickGoal()).code is Code.NOT_ACKNOWLEDGED


def test_a_state_file_that_cannot_be_read_fails_the_configuration(executor, tmp_path):
    (tmp_path / "grasp_stack").mkdir()
    (tmp_path / "grasp_stack" / "panda-franka_hand.json").write_text("{")
    with pytest.raises(GripperFailed, match=r"panda-franka_hand\.json should hold"):
        executor.configure()
