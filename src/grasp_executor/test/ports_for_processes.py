"""Ports of a move_group that fail in the ways of a library in another process."""

from __future__ import annotations

import os
import threading
import time

import numpy as np

from grasp_core.errors import MissingDependency
from grasp_executor.planning.move_group import Answer, TimedPath

SLOW_S = 0.3
NOTHING = TimedPath((), np.zeros(0), np.zeros((0, 0)))


class Missing:
    """Its library is not there."""

    def __init__(self):
        raise MissingDependency("the library is not installed: install it")


class Raising:
    """Its library does not accept the robot."""

    def __init__(self):
        raise RuntimeError("no robot model")


class Aborting:
    """Its library ends the process."""

    def __init__(self):
        os.abort()


class Late:
    """It is never ready."""

    def __init__(self):
        threading.Event().wait()


class Misbehaving:
    """Planning for a group of these names does what they say."""

    def plan(self, start, goal, group, scaling, time_s, wait):
        if group == "abort":
            os.abort()
        if group == "hang":
            threading.Event().wait()
        if group == "raise":
            raise ValueError("no such goal")
        if group == "slow":
            time.sleep(SLOW_S)
        return Answer(1, NOTHING, f"{group} in {os.getpid()}")
