"""A planner's port in a process of its own: requests and answers go through a pipe.

For libraries that must not run in the executor: moveit_py holds Python's lock while it plans, and
may end its process. The process begins with the connection and ends with it, or when its parent
does, whichever way.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from grasp_core.errors import GraspStackError, HardwareLost
from grasp_core.transform import Transform
from grasp_executor.interfaces import Wait
from grasp_executor.planning.move_group import (
    AllowedContacts,
    Answer,
    MoveGroup,
    RobotState,
    Scaling,
    SceneContents,
    Solid,
)
from grasp_executor.planning.queries import wait_without_pause

_POLL_S = 0.0005
_STARTUP_S = 60.0  # for a cold disk: libraries and robot are loaded
_PATIENCE_S = 2.0  # of closing


@dataclass(frozen=True)
class _Reply:
    """An answer, or what was raised instead; number 0 says that the port was built."""

    number: int
    result: Any = None
    failure: GraspStackError | None = None


class ProcessMoveGroup:
    """Implements :class:`~grasp_executor.planning.move_group.MoveGroup` by one in another process.

    A call that is given up leaves its answer to be dropped; the next one waits until the process
    is done with it. A process that has died or hangs fails one call, and the next call starts
    another one, whose planning scene is empty. Calls come one at a time.
    """

    def __init__(
        self,
        build: Callable[..., MoveGroup],
        arguments: Sequence[Any],
        timeout_s: float,
        startup_s: float = _STARTUP_S,
    ) -> None:
        """Start the process, and wait until it is ready.

        Args:
            build: Makes the port, in the process; a function or class of a module.
            arguments: For it.
            timeout_s: Longest time without an answer, beyond that given to planning.
            startup_s: Longest time until the port is built.

        Raises:
            GraspStackError: What building the port raised.
            HardwareLost: The process died, or was not ready in time.
        """
        self._build, self._arguments = build, tuple(arguments)
        self._timeout_s, self._startup_s = timeout_s, startup_s
        self._process: Any = None
        self._pipe: Connection | None = None
        self._sent = 0
        self._busy_until = 0.0  # with answers that nobody waits for any more
        self._connected(wait_without_pause)

    def close(self) -> None:
        """End the process."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.join(_PATIENCE_S)
            self._process.kill()
            self._process.join(_PATIENCE_S)
        self._pipe, self._process = None, None

    def read_scene(self, wait: Wait) -> SceneContents:
        """See MoveGroup."""
        return self._call("read_scene", (), wait)

    def change_scene(
        self,
        put: Sequence[Solid],
        remove: Collection[str],
        contacts: AllowedContacts,
        wait: Wait,
    ) -> bool:
        """See MoveGroup."""
        return bool(self._call("change_scene", (put, remove, contacts), wait))

    def poses(
        self, state: RobotState, links: Sequence[str], wait: Wait
    ) -> tuple[int, list[Transform]]:
        """See MoveGroup."""
        return self._call("poses", (state, links), wait)

    def configurations(
        self, states: Sequence[RobotState], group: str, link: str, pose: Transform, wait: Wait
    ) -> list[tuple[int, Mapping[str, float]]]:
        """See MoveGroup."""
        arguments = (states, group, link, pose)
        return self._call("configurations", arguments, wait)

    def touching(
        self, states: Sequence[RobotState], group: str, wait: Wait
    ) -> list[list[tuple[str, str]]]:
        """See MoveGroup."""
        return self._call("touching", (states, group), wait)

    def plan(
        self,
        start: RobotState,
        goal: Mapping[str, float],
        group: str,
        scaling: Scaling,
        time_s: float,
        wait: Wait,
    ) -> Answer:
        """See MoveGroup."""
        arguments = (start, goal, group, scaling, time_s)
        return self._call("plan", arguments, wait, time_s)

    def line(
        self,
        start: RobotState,
        group: str,
        link: str,
        pose: Transform,
        step_m: float,
        scaling: Scaling,
        avoid_collisions: bool,
        wait: Wait,
    ) -> Answer:
        """See MoveGroup."""
        arguments = (start, group, link, pose, step_m, scaling, avoid_collisions)
        return self._call("line", arguments, wait)

    def _connected(self, wait: Wait) -> Connection:
        """The pipe to a process that is ready."""
        if self._pipe is not None:
            return self._pipe
        # Not forked: threads and locks of a running executor must not be copied.
        context = multiprocessing.get_context("spawn")
        pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self._build, self._arguments), daemon=True
        )
        self._process.start()
        theirs.close()
        self._pipe, self._sent, self._busy_until = pipe, 0, 0.0
        try:
            self._receive(pipe, 0, self._startup_s, wait)
        except BaseException:  # also a cancel: half a start is none
            self.close()
            raise
        return pipe

    def _call(
        self, name: str, arguments: tuple[Any, ...], wait: Wait, extra_s: float = 0.0
    ) -> Any:
        """Ask for one method of the port.

        Raises:
            HardwareLost: The process has died or does not answer; or what ``wait`` raises.
        """
        pipe = self._connected(wait)
        wait()
        self._sent += 1
        try:
            pipe.send((self._sent, name, arguments))
        except OSError as error:
            raise self._lost() from error
        now = time.monotonic()
        still_busy_s = max(0.0, self._busy_until - now)
        self._busy_until = now + still_busy_s + extra_s
        return self._receive(pipe, self._sent, self._timeout_s + still_busy_s + extra_s, wait)

    def _receive(self, pipe: Connection, number: int, timeout_s: float, wait: Wait) -> Any:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                reply = pipe.recv() if pipe.poll(_POLL_S) else None
            except (EOFError, OSError) as error:
                raise self._lost() from error
            if reply is not None and reply.number == number:
                self._busy_until = 0.0
                if reply.failure is not None:
                    raise reply.failure
                return reply.result
            wait()
            if time.monotonic() > deadline:
                self._process.kill()
                self.close()
                raise HardwareLost(
                    f"the planning process has not answered for {timeout_s:.1f} s and was ended; "
                    "the next request starts another one"
                )

    def _lost(self) -> HardwareLost:
        """What is raised once the process has ended."""
        self._process.join(_PATIENCE_S)
        how = self._process.exitcode
        self.close()
        return HardwareLost(
            f"the planning process has died (exit code {how}): its last lines say why; the next "
            "request starts another one"
        )


def _serve(pipe: Connection, build: Callable[..., MoveGroup], arguments: Sequence[Any]) -> None:
    """Build the port, and answer until the other end of the pipe is gone."""
    os.setsid()  # an interrupt at the terminal is for the parent, which then closes the pipe
    with contextlib.suppress(EOFError, OSError):
        try:
            move_group = build(*arguments)
        except Exception as error:
            pipe.send(_Reply(0, failure=_typed(error, "could not be started")))
            return
        pipe.send(_Reply(0))
        while True:
            number, name, parameters = pipe.recv()
            try:
                result = getattr(move_group, name)(*parameters, wait_without_pause)
            except Exception as error:
                pipe.send(_Reply(number, failure=_typed(error, f"failed in {name}")))
            else:
                pipe.send(_Reply(number, result))


def _typed(error: Exception, what: str) -> GraspStackError:
    """What a library raised, as one of our failures."""
    if isinstance(error, GraspStackError):
        return error
    return HardwareLost(f"the planning process {what}: {type(error).__name__}: {error}")
