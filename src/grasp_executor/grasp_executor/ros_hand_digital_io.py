"""A hand on digital lines: outputs that open and close it, and inputs that say what came of it."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Mapping

import numpy as np
from rclpy.node import Node

from grasp_core.errors import GripperFailed, HardwareLost, StaleJointStates
from grasp_core.hand_drivers import DigitalIoDriver
from grasp_core.robot import RobotModel
from grasp_executor.config import ExecutorConfig
from grasp_executor.interfaces import GripperState, Motion
from grasp_executor.ros_digital_lines import LINES, Answer, DigitalLines
from grasp_executor.ros_states import JointStateCache
from grasp_ros.conversions import NANOSECONDS
from grasp_ros.spinner import Spinner
from grasp_ros.stamps import on_clock_set_back

_POLL_S = 0.001
_MEMORY_S = 1.0
_DISCOVERY_S = 3.0
_ARRIVAL_S = 0.2  # wall time for messages on their way


class DigitalIoHand:
    """See Gripper: it opens and closes all the way, with the force of its drive.

    Inputs carry no stamps: what counts is when they arrived. So they must be told again and again,
    changed or not; one that has fallen silent is stale.
    """

    def __init__(
        self, hardware: Spinner, model: RobotModel, config: ExecutorConfig, states: JointStateCache
    ) -> None:
        self._driver = driver = model.gripper.driver_as(DigitalIoDriver)
        self._timeout_s = config.hardware_timeout_s
        self._inputs = InputStates(hardware.node, driver, config.state_timeout_s)
        self._lines = LINES[driver.lines](hardware, driver, self._inputs.hear)
        self._inputs.where = self._lines.where

    def state(self) -> GripperState:
        """See Gripper."""
        return self._inputs.newest()

    def states_since(self, stamp_s: float) -> list[GripperState]:
        """See Gripper."""
        return self._inputs.since(stamp_s)

    def start(self, gap_m: float, force_n: float) -> Motion:
        """See Gripper."""
        return _Switching(self._lines, self._driver.levels(gap_m <= 0.0), self._timeout_s)


class InputStates:
    """What the inputs have told, as states of a gripper whose gap nobody measures.

    Attributes:
        where: Where they come from, for messages.
    """

    def __init__(self, node: Node, driver: DigitalIoDriver, timeout_s: float) -> None:
        """Begin with nothing.

        Args:
            node: Whose clock says when they arrive.
            driver: Names them.
            timeout_s: Age at which an input is stale, seconds of node time.
        """
        self.where = ""
        self._node = node
        self._driver = driver
        self._timeout_s = timeout_s
        self._levels: dict[str, tuple[bool, float]] = {}
        self._recent: deque[GripperState] = deque()
        self._lock = threading.Lock()
        self._watch = on_clock_set_back(node, self._forget)

    def hear(self, levels: Mapping[str, bool]) -> None:
        """Take the levels of some inputs, now.

        A state is as old as the input that arrived first of all that are in it.
        """
        now_s = self._now_s()
        with self._lock:
            self._levels.update({line: (level, now_s) for line, level in levels.items()})
            if not set(self._driver.inputs) <= set(self._levels):
                return
            stamp_s = min(arrived_s for _, arrived_s in self._levels.values())
            if self._recent and stamp_s <= self._recent[-1].stamp_s:
                return
            self._recent.append(self._state(stamp_s))
            while self._recent[-1].stamp_s - self._recent[0].stamp_s > _MEMORY_S:
                self._recent.popleft()

    def newest(self) -> GripperState:
        """What is known now.

        Raises:
            StaleJointStates: An input was never heard of, or not for too long.
        """
        if not self._driver.inputs:
            return self._state(self._now_s())
        began = time.monotonic()
        while True:
            with self._lock:
                newest = self._recent[-1] if self._recent else None
            age_s = math.inf if newest is None else self._now_s() - newest.stamp_s
            if newest is not None and age_s <= self._timeout_s:
                return newest
            if time.monotonic() - began > (_DISCOVERY_S if newest is None else _ARRIVAL_S):
                break
            time.sleep(_POLL_S)
        if newest is None:
            unheard = [line for line in self._driver.inputs if line not in self._levels]
            raise StaleJointStates(
                f"nothing was heard of the hand's input {', '.join(unheard)} yet: does its driver "
                f"publish {self.where}?"
            )
        raise StaleJointStates(
            f"the hand's inputs are {age_s:.2f} s old, allowed are {self._timeout_s:.2f} s: "
            f"whatever publishes {self.where} has stopped, or tells changes alone; let it repeat "
            "each level"
        )

    def since(self, stamp_s: float) -> list[GripperState]:
        """States after a time, of the last second, oldest first.

        Raises:
            StaleJointStates: See :meth:`newest`.
        """
        newest = self.newest()
        if not self._driver.inputs:
            return [newest] if newest.stamp_s > stamp_s else []
        with self._lock:
            return [state for state in self._recent if state.stamp_s > stamp_s]

    def _state(self, stamp_s: float) -> GripperState:
        levels = {line: level for line, (level, _) in self._levels.items()}
        inputs = self._driver.inputs_from(levels)
        return GripperState(math.nan, np.full(2, np.nan), stamp_s, inputs)

    def _now_s(self) -> float:
        return self._node.get_clock().now().nanoseconds / NANOSECONDS

    def _forget(self) -> None:
        with self._lock:
            self._levels.clear()
            self._recent.clear()


class _Switching:
    """A Motion: the outputs are set one after the other, those that go off first.

    It ends when the last one is confirmed; where the jaws are then, nobody knows yet.
    """

    def __init__(self, lines: DigitalLines, levels: Mapping[str, bool], timeout_s: float) -> None:
        self._lines = lines
        self._waiting = list(levels.items())
        self._timeout_s = timeout_s
        self._since = time.monotonic()
        self._answer: Answer | None = None
        self._failure: GripperFailed | HardwareLost | None = None
        self.done()

    def done(self) -> bool:
        """See Motion."""
        while self._failure is None and (self._answer is not None or self._waiting):
            if self._answer is None:
                missing = self._lines.missing()
                if missing:
                    return self._is_lost(missing)
                line, level = self._waiting.pop(0)
                self._answer = self._lines.set(line, level)
            complaint = self._answer()
            if complaint is None:
                return self._is_lost("the hand's output is not confirmed")
            self._answer = None
            if complaint:
                self._failure = GripperFailed(complaint)
        return True

    def cancel(self) -> None:
        """See Motion: what was not set yet is not set any more; jaws cannot be stopped."""
        self._waiting.clear()

    def check(self) -> None:
        """See Motion."""
        if self._failure is not None:
            raise self._failure

    def _is_lost(self, complaint: str) -> bool:
        if time.monotonic() - self._since > self._timeout_s:
            self._failure = HardwareLost(
                f"{complaint}, for {self._timeout_s:.1f} s: does the driver of the hand's digital "
                "lines run?"
            )
        return self._failure is not None
