"""Work handed to a spinning node: done between its callbacks, or never."""

from __future__ import annotations

import threading

import pytest
import rclpy
from rclpy.node import Node

from grasp_core.errors import HardwareLost
from grasp_ros import spinner as module
from grasp_ros.spinner import Spinner

pytestmark = pytest.mark.ros


@pytest.fixture
def spinner():
    rclpy.init()
    spinner = Spinner(Node("worker"))
    spinner.start()
    yield spinner
    spinner.close()
    rclpy.shutdown()


def test_work_is_done_in_the_spinning_thread(spinner):
    assert spinner.run(lambda: threading.current_thread().name) == "worker"


def test_what_the_work_raises_is_raised(spinner):
    with pytest.raises(ZeroDivisionError):
        spinner.run(lambda: 1 / 0)


def test_work_that_was_given_up_is_never_done(spinner, monkeypatch):
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.1)
    blocked, released, done = threading.Event(), threading.Event(), []

    def blocks():
        blocked.set()
        released.wait(10.0)

    def hands_over():
        with pytest.raises(HardwareLost, match="has not finished"):
            spinner.run(blocks)

    blocker = threading.Thread(target=hands_over)
    blocker.start()
    assert blocked.wait(10.0)
    with pytest.raises(HardwareLost, match="does not spin any more: nothing was done"):
        spinner.run(lambda: done.append(1))
    blocker.join()
    released.set()
    monkeypatch.setattr(module, "_TIMEOUT_S", 10.0)
    assert spinner.run(lambda: "later") == "later"  # whatever was queued before had its turn
    assert done == []


def test_work_that_has_begun_is_told_apart(spinner, monkeypatch):
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.1)
    released = threading.Event()
    with pytest.raises(HardwareLost, match="has not finished"):
        spinner.run(lambda: released.wait(10.0))
    released.set()
