"""Nodes as child processes: started together, ended together, whatever happens."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from grasp_bringup.stack import NodeDescription
from grasp_core.errors import GraspStackError

_GRACE_S = 5.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _die_with_parent() -> None:
    """In a child: be terminated when the parent is gone, even if it was killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class StackFailed(GraspStackError):
    """A node of the stack could not be started, or died."""


def command_of(node: NodeDescription) -> list[str]:
    """Command line that runs a node with this interpreter."""
    command = [sys.executable, "-m", node.module, "--ros-args", "-r", f"__node:={node.name}"]
    command += ["--params-file", str(node.parameter_file)]
    for source, target in node.remappings.items():
        command += ["-r", f"{source}:={target}"]
    for name, value in node.parameters.items():
        command += ["-p", f"{name}:={_yaml(value)}"]
    return command


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


class NodeProcesses:
    """Child processes of a stack; leaving the context ends them all."""

    def __init__(self, nodes: Sequence[NodeDescription], log_dir: Path) -> None:
        self._nodes = nodes
        self._log_dir = log_dir
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> NodeProcesses:
        self._log_dir.mkdir(parents=True, exist_ok=True)
        try:
            for node in self._nodes:
                self._start(node)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def log_of(self, name: str) -> Path:
        """Log file of a node."""
        return self._log_dir / f"{name}.log"

    def _start(self, node: NodeDescription) -> None:
        with self.log_of(node.name).open("wb") as log:
            # A session of its own keeps the terminal's Ctrl-C away: the parent ends its children
            # in order, after the running pick was cancelled.
            self._running[node.name] = subprocess.Popen(
                command_of(node),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    def check(self) -> None:
        """Check that every node is alive.

        Raises:
            StackFailed: One has ended; shows the end of its log.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise StackFailed(
                    f"node {name} ended with status {process.returncode}; the end of "
                    f"{self.log_of(name)}:\n{self.tail(name)}"
                )

    def tail(self, name: str, lines: int = 15) -> str:
        """Last lines of a node's log."""
        text = self.log_of(name).read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def kill(self, name: str) -> None:
        """Kill one node at once, as a crash would."""
        self._running[name].kill()
        self._running[name].wait()

    def stop(self) -> None:
        """End all processes: interrupt, terminate, kill; nothing interrupts that."""
        handlers = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                handlers[number] = signal.signal(number, signal.SIG_IGN)
        try:
            self._stop()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _stop(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            alive = [p for p in self._running.values() if p.poll() is None]
            for process in alive:
                process.send_signal(number)
            deadline = time.monotonic() + _GRACE_S
            for process in alive:
                try:
                    process.wait(max(0.05, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    continue
