"""Nodes as child processes: started together, ended together, whatever happens."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from grasp_bringup.description import DriverDescription, StackEntry, as_text
from grasp_bringup.environment import sourced_environment
from grasp_core.errors import ConfigError, GraspStackError, MissingDependency

_GRACE_S = 5.0
_POLL_S = 0.02
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _die_with_parent() -> None:
    """In a child: be terminated when the parent is gone, even if it was killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _group_lives(group: int) -> bool:
    """Whether a process group holds a process that runs, not only waits to be reaped."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # After the name, which may hold anything: state, parent, group.
            state, _, own = path.read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(own) == group and state != "Z":
                return True
    return False


class StackFailed(GraspStackError):
    """A node of the stack could not be started, or died."""


def command_of(entry: StackEntry) -> list[str]:
    """Command line that runs a node with this interpreter, or somebody else's driver.

    Raises:
        MissingDependency: What the driver needs of a ROS distribution is not installed.
        ConfigError: Its launch file cannot be started as the entry asks for.
    """
    if isinstance(entry, DriverDescription):
        return _driver_command(entry)
    node = entry
    command = [sys.executable, "-m", node.module, "--ros-args", "-r", f"__node:={node.name}"]
    command += _namespace(node.namespace)
    command += ["--params-file", str(node.parameter_file)]
    return command + _settings(node.remappings, node.parameters)


def _driver_command(driver: DriverDescription) -> list[str]:
    if driver.executable:
        command = [str(_executable(driver)), *driver.arguments]
        command += ["--ros-args", "-r", f"__node:={driver.name}", *_namespace(driver.namespace)]
        return command + _ros_settings(driver)
    if driver.remappings or driver.namespace:
        raise ConfigError(
            f"driver {driver.name}: a launch file is started without remappings or a namespace, "
            f"got {dict(driver.remappings)} and {driver.namespace!r}: use `ros2 launch` with a "
            "launch file of this stack, or arguments of its own"
        )
    launcher = shutil.which("ros2")
    if launcher is None:
        raise MissingDependency(
            f"driver {driver.name} is started by {driver.launch_file} of the package "
            f"{driver.package}, which needs `ros2 launch` of a ROS 2 distribution: install "
            f"ros-jazzy-ros2launch and {_debian(driver.package)}, and source its setup"
        )
    arguments = [f"{name}:={as_text(value)}" for name, value in driver.parameters.items()]
    return [launcher, "launch", driver.package, driver.launch_file, *arguments]


def _executable(driver: DriverDescription) -> Path:
    """Where a package installs its executables, as `ros2 run` finds them."""
    for prefix in filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)):
        path = Path(prefix) / "lib" / driver.package / driver.executable
        if os.access(path, os.X_OK):
            return path
    raise MissingDependency(
        f"driver {driver.name} needs the executable {driver.executable} of the package "
        f"{driver.package}, which is not in AMENT_PREFIX_PATH: install {_debian(driver.package)}, "
        "or build it, and source its setup"
    )


def _namespace(namespace: str) -> list[str]:
    return ["-r", f"__ns:=/{namespace.strip('/')}"] if namespace else []


def _ros_settings(driver: DriverDescription) -> list[str]:
    file = ["--params-file", str(driver.parameter_file)] if driver.parameter_file else []
    return file + _settings(driver.remappings, driver.parameters)


def by_hand(driver: DriverDescription) -> str:
    """The command that starts a driver in a shell where its distribution is sourced."""
    if driver.executable:
        ros = _namespace(driver.namespace) + _ros_settings(driver)
        words = ["run", driver.package, driver.executable, *driver.arguments]
        return shlex.join(["ros2", *words, *(["--ros-args", *ros] if ros else [])])
    arguments = [f"{name}:={as_text(value)}" for name, value in driver.parameters.items()]
    command = shlex.join(["ros2", "launch", driver.package, driver.launch_file, *arguments])
    # `ros2 launch` knows no namespace: only the file's own arguments, or another file, set one.
    return (
        f"{command}  # with its topics under /{driver.namespace}" if driver.namespace else command
    )


def _debian(package: str) -> str:
    return f"ros-jazzy-{package.replace('_', '-')}"


def _settings(remappings: Mapping[str, str], parameters: Mapping[str, object]) -> list[str]:
    settings = []
    for source, target in remappings.items():
        settings += ["-r", f"{source}:={target}"]
    for name, value in parameters.items():
        settings += ["-p", f"{name}:={_yaml(value)}"]
    return settings


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


class NodeProcesses:
    """Child processes of a stack; leaving the context ends them all, and whatever they started.

    Attributes:
        log_dir: Folder of their logs, made when they are started.
    """

    def __init__(self, entries: Sequence[StackEntry], log_dir: Path) -> None:
        self._entries = entries
        self.log_dir = log_dir
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> NodeProcesses:
        self.log_dir.mkdir(parents=True, exist_ok=True)
        try:
            # All commands first: what is missing is told before anything runs.
            commands = {entry.name: command_of(entry) for entry in self._entries}
            for entry in self._entries:
                foreign = isinstance(entry, DriverDescription)
                self._start(
                    entry.name, commands[entry.name], sourced_environment() if foreign else None
                )
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        """End all processes.

        Raises:
            StackFailed: One cannot be ended. An interruption goes on, for :meth:`ending` to tell.
        """
        if self.stop() and not isinstance(error, KeyboardInterrupt):
            raise StackFailed(f"{error}; {self.ending()}" if error else self.ending()) from error

    def log_of(self, name: str) -> Path:
        """Log file of a node."""
        return self.log_dir / f"{name}.log"

    def _start(
        self, name: str, command: list[str], environment: Mapping[str, str] | None = None
    ) -> None:
        with self.log_of(name).open("wb") as log:
            # A session of its own keeps the terminal's Ctrl-C away: the parent ends its children
            # in order, after the running pick was cancelled.
            self._running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    def check(self) -> None:
        """Check that every node is alive.

        Raises:
            StackFailed: One has ended; shows the end of its log.
        """
        may_end = {entry.name for entry in self._entries if getattr(entry, "ends", False)}
        for name, process in self._running.items():
            ended = process.poll() is not None
            if ended and not (name in may_end and process.returncode == 0):
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

    def stop(self) -> list[str]:
        """End all processes: interrupt, terminate, kill; nothing interrupts that.

        Returns:
            Names of those that are still there; waited for as long as for the others.
        """
        handlers = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                handlers[number] = signal.signal(number, signal.SIG_IGN)
        try:
            self._stop()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return self.still_running()

    def _stop(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            for name in self.still_running():
                process = self._running[name]
                if number == signal.SIGKILL or process.poll() is not None:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(process.pid, number)  # with whatever a launch file has started
                else:
                    process.send_signal(number)
            deadline = time.monotonic() + _GRACE_S
            while self.still_running() and time.monotonic() < deadline:
                time.sleep(_POLL_S)

    def still_running(self) -> list[str]:
        """Names of the entries of which a process is there: its own, or one that it started."""
        return [
            name
            for name, process in self._running.items()
            if process.poll() is None or _group_lives(process.pid)
        ]

    def ending(self) -> str:
        """How the processes have ended, in words, as far as can be seen."""
        left = self.still_running()
        if not left:
            return "every node has ended" if self._running else "no node was started"
        named = ", ".join(f"{name} (process {self._running[name].pid})" for name in left)
        return (
            f"not ended, though killed, within {3 * _GRACE_S:.0f} s: {named}; look at them with "
            "`ps -o pid,stat,wchan,cmd -p PROCESS`"
        )
