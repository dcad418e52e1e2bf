"""The thread that owns the simulation: it alone calls PyBullet, at the pace asked for.

PyBullet never releases the interpreter lock and is not thread-safe, so callbacks of other threads
queue their calls to this one. Simulation time pauses while a call runs.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, TypeVar

import pybullet

from grasp_core.errors import HardwareLost
from grasp_sim.config import STEPS_PER_S
from grasp_sim.simulation import Simulation

ResultT = TypeVar("ResultT")

_BATCH_S = 0.004  # wall time of stepping before other threads get their turn
_CATCH_UP_S = 0.1  # wall time by which the pace may lag before it is given up
_FACTOR_WINDOW_S = 1.0
_CALL_TIMEOUT_S = 60.0


class Engine:
    """Steps a simulation in its own thread."""

    def __init__(self, make: Callable[[], Simulation], speed: float) -> None:
        """Prepare.

        Args:
            make: Builds the simulation; called in the engine's thread.
            speed: Simulated seconds per second.
        """
        self._make = make
        self._speed = speed
        self._calls: queue.SimpleQueue[tuple[Callable[[Simulation], Any], Future[Any]]]
        self._calls = queue.SimpleQueue()
        self._periodic: list[tuple[float, Callable[[Simulation], None]]] = []
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self.real_time_factor = 0.0

    def every(self, rate_hz: float, call: Callable[[Simulation], None]) -> None:
        """Call something at a rate of simulated time; to be told before :meth:`start`."""
        if rate_hz > 0.0:
            self._periodic.append((min(rate_hz / STEPS_PER_S, 1.0), call))

    def start(self) -> None:
        """Build the simulation and begin to step; raises what building raises."""
        self._thread.start()
        self._started.result()

    def stop(self) -> None:
        """End running goals, refuse queued calls, release the simulation."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def call(self, function: Callable[[Simulation], ResultT]) -> ResultT:
        """Run a function in the engine's thread, between two steps, and return its result.

        Raises:
            HardwareLost: The engine has stopped, or PyBullet no longer answers.
        """
        future: Future[ResultT] = Future()
        self._calls.put((function, future))
        if self._ended.is_set():
            self._refuse()
        try:
            return future.result(timeout=_CALL_TIMEOUT_S)
        except (CancelledError, FutureTimeoutError) as error:
            raise HardwareLost("the simulator's engine has stopped") from error
        except pybullet.error as error:
            raise HardwareLost(f"PyBullet does not answer: {error}") from error

    def check(self) -> None:
        """Check that the simulation still runs or was told to stop.

        Raises:
            HardwareLost: It ended by itself; says why.
        """
        if self._failure is not None:
            raise HardwareLost(
                f"the simulation ended by itself, start it again: {self._failure}"
            ) from self._failure

    def _run(self) -> None:
        try:
            simulation = self._make()
        except BaseException as error:
            self._started.set_exception(error)
            return
        self._started.set_result(None)
        try:
            self._loop(simulation)
        except BaseException as error:
            self._failure = error
            raise
        finally:
            # Whoever waits for a goal or a call must not wait for ever, PyBullet or not.
            self._ended.set()
            self._refuse()
            simulation.end_goals()
            with contextlib.suppress(pybullet.error):  # gone already, as with a closed window
                simulation.close()

    def _loop(self, simulation: Simulation) -> None:
        steps = 0
        wall, simulated = time.perf_counter(), 0.0
        window_wall, window_simulated = wall, 0.0
        while not self._stopping.is_set():
            paused = time.perf_counter()
            self._answer(simulation)
            wall += time.perf_counter() - paused
            batch_end = time.perf_counter() + _BATCH_S
            while True:
                now = time.perf_counter()
                due = (now - wall) * self._speed
                if due - simulated > _CATCH_UP_S * self._speed:
                    wall, simulated, due = now, 0.0, 0.0  # too slow: do not chase the past
                if simulated > due or now > batch_end or not self._calls.empty():
                    break
                simulation.step()
                steps += 1
                simulated += 1.0 / STEPS_PER_S
                for share, call in self._periodic:
                    if int(steps * share) != int((steps - 1) * share):
                        call(simulation)
            ahead = (simulated - (time.perf_counter() - wall) * self._speed) / self._speed
            time.sleep(min(max(ahead, 0.0001), 0.01))
            now = time.perf_counter()
            if now - window_wall >= _FACTOR_WINDOW_S:
                passed = steps / STEPS_PER_S - window_simulated
                self.real_time_factor = passed / (now - window_wall)
                window_wall, window_simulated = now, steps / STEPS_PER_S

    def _refuse(self) -> None:
        while True:
            try:
                _, future = self._calls.get_nowait()
            except queue.Empty:
                return
            future.cancel()

    def _answer(self, simulation: Simulation) -> None:
        while not self._calls.empty():
            function, future = self._calls.get()
            try:
                future.set_result(function(simulation))
            except Exception as error:
                # Whoever asked gets it; the engine goes on.
                future.set_exception(error)
