"""A node that hangs is told from one that is busy."""

from types import SimpleNamespace

import pytest

from grasp_bringup.heartbeat import Heartbeat
from grasp_bringup.processes import StackFailed


class Nodes:
    """Nodes that answer as they are told, and a clock."""

    def __init__(self):
        self.now_s = 0.0
        self.hanging = set()
        self.hidden = set()
        self.asked = []

    def ask(self, name):
        self.asked.append(name)
        if name in self.hidden:
            return None
        return SimpleNamespace(done=lambda: name not in self.hanging)

    def pass_time(self, heartbeat, seconds):
        for _ in range(int(seconds)):
            self.now_s += 1.0
            heartbeat.check()


@pytest.fixture
def nodes():
    return Nodes()


@pytest.fixture
def heartbeat(nodes):
    return Heartbeat(["a", "b"], nodes.ask, silent_s=20.0, clock=lambda: nodes.now_s)


def test_nodes_that_answer_are_asked_now_and_then(nodes, heartbeat):
    nodes.pass_time(heartbeat, 100)
    assert 20 <= nodes.asked.count("a") <= 50


@pytest.mark.parametrize("how", ["hanging", "hidden"])
def test_a_node_that_is_silent_for_long_hangs(nodes, heartbeat, how):
    nodes.pass_time(heartbeat, 50)
    getattr(nodes, how).add("b")
    nodes.pass_time(heartbeat, 15)  # it may be busy
    with pytest.raises(StackFailed, match=r"node b has not answered for 2\d s.*it hangs"):
        nodes.pass_time(heartbeat, 10)


def test_a_late_answer_counts(nodes, heartbeat):
    nodes.hanging.add("a")
    nodes.pass_time(heartbeat, 19)
    nodes.hanging.clear()
    nodes.pass_time(heartbeat, 100)
