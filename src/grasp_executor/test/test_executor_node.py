"""The executor node's promises about a pick that does not stop."""

from __future__ import annotations

import threading

import pytest
import rclpy

from grasp_core.errors import HardwareLost
from grasp_executor import node as module
from grasp_executor.node import ExecutorNode


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
