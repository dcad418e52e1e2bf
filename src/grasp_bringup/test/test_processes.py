"""Processes of a stack end, and what is said of it was seen."""

import os
import signal
import sys
import time
from types import SimpleNamespace

import pytest

from grasp_bringup import processes
from grasp_bringup.processes import NodeProcesses, StackFailed

SLEEPS = "import time; print('up', flush=True); time.sleep(60)"
IGNORES = "import signal; signal.signal(2, signal.SIG_IGN); signal.signal(15, signal.SIG_IGN); "
LEAVES = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', {!r}]); print('up')"


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Starts programs as nodes a, b, ... and waits until each has begun."""
    monkeypatch.setattr(processes, "_GRACE_S", 0.4)
    opened = []

    def start(*programs):
        entries = [SimpleNamespace(name=name) for name, _ in zip("abc", programs, strict=False)]
        commands = {
            entry.name: [sys.executable, "-c", text]
            for entry, text in zip(entries, programs, strict=True)
        }
        monkeypatch.setattr(processes, "command_of", lambda entry: commands[entry.name])
        nodes = NodeProcesses(entries, tmp_path)
        nodes.__enter__()
        opened.append(nodes)
        deadline = time.monotonic() + 20.0
        while not all("up" in nodes.tail(name) for name in commands):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return nodes

    yield start
    monkeypatch.undo()
    for nodes in opened:
        nodes.stop()


def test_every_node_ends_and_is_seen_to(started):
    nodes = started(SLEEPS, IGNORES + SLEEPS)
    assert nodes.still_running() == ["a", "b"]
    assert nodes.ending().startswith("not ended")
    assert nodes.stop() == []
    assert nodes.ending() == "every node has ended"


def test_a_node_that_has_stopped_answering_is_killed(started):
    nodes = started(SLEEPS)
    os.kill(nodes._running["a"].pid, signal.SIGSTOP)
    assert nodes.stop() == []


def test_what_a_node_has_started_ends_with_it(started):
    nodes = started(LEAVES.format(IGNORES + SLEEPS))
    nodes._running["a"].wait(timeout=10.0)
    assert nodes.still_running() == ["a"]
    assert nodes.stop() == []


@pytest.fixture
def unkillable(started, monkeypatch):
    """A node that no signal reaches, as one that waits for a device in the kernel."""
    nodes = started(SLEEPS)
    monkeypatch.setattr(nodes._running["a"], "send_signal", lambda number: None)
    kill = os.killpg
    monkeypatch.setattr(processes.os, "killpg", lambda group, number: number or kill(group, 0))
    return nodes


def test_a_node_that_does_not_end_is_named(unkillable):
    assert unkillable.stop() == ["a"]
    told = f"not ended, though killed, within 1 s: a (process {unkillable._running['a'].pid})"
    assert unkillable.ending().startswith(told)


def test_leaving_a_node_behind_is_a_failure_of_the_stack(unkillable):
    with pytest.raises(StackFailed, match=r"^not ended, though killed.*: a \(process"):
        unkillable.__exit__(None, None, None)
    with pytest.raises(StackFailed, match=r"^no scene; not ended, though killed"):
        unkillable.__exit__(StackFailed, StackFailed("no scene"), None)
    unkillable.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)  # the verb tells


def test_nothing_started_is_nothing_ended(tmp_path):
    assert NodeProcesses([], tmp_path).ending() == "no node was started"
