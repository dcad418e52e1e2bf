"""The simplest arm that can pick: x, y, z of the grasp point and the heading of the hand."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from grasp_core.errors import PlanFailure, Unreachable
from grasp_core.robot import RobotModel, load_robot
from grasp_core.transform import Transform
from grasp_executor.interfaces import JointTrajectory


class GantryPlanner:
    """See Planner: for the gantry, which nothing obstructs.

    Attributes:
        reach_m: How far out the arm can go.
        failures: What the next searches for a configuration end with; None for success.
        attempts: Every call takes so many.
        tried: How many there have been.
        in_next: Happens in the next attempt.
    """

    def __init__(self) -> None:
        self.reach_m = 0.7
        self.failures: list[PlanFailure | None] = []
        self.attempts, self.tried = 2, 0
        self.in_next: Callable[[], None] | None = None

    def forward(self, joints):
        c, s = np.cos(joints[3]), np.sin(joints[3])  # the hand points down
        return Transform.from_rotation(np.array([[c, s, 0], [s, -c, 0], [0, 0, -1]]), joints[:3])

    def set_scene(self, scene):
        """Nothing stands in the way of a gantry."""

    def set_gap(self, gap_m):
        """Nor of its fingers."""

    def attach(self, box):
        """Nor of what it carries."""

    def solve_ik(self, T_base_tcp, near, count=4, *, wait):
        self._search(wait)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        joints = _gantry_joints(T_base_tcp)
        if np.hypot(*joints[:2]) > self.reach_m:
            raise Unreachable(f"the gantry reaches {self.reach_m} m")
        return [joints]

    def plan_joints(self, start, goal, speed=1.0, *, wait):
        self._search(wait)
        return _straight(start, goal)

    def plan_line(self, start, T_base_tcp, speed_m_s, *, wait):
        self._search(wait)
        return _straight(start, _gantry_joints(T_base_tcp))

    def _search(self, wait):
        for _ in range(self.attempts):
            wait()
            self.tried += 1
            happens, self.in_next = self.in_next, None
            if happens is not None:
                happens()


@functools.cache
def gantry() -> RobotModel:
    """A model with the joints of the gantry and the hand of the Panda, which feels its force."""
    panda = load_robot("panda")
    arm = replace(
        panda.arm,
        joints=("x", "y", "z", "heading"),
        lower=(-1.0, -1.0, -1.0, -3.2),
        upper=(1.0, 1.0, 1.0, 3.2),
        velocity=(1.0, 1.0, 1.0, 1.0),
        acceleration=(1.0, 1.0, 1.0, 1.0),
        observe=(0.2, -0.3, 0.5, 0.0),
        look=(),
    )
    hand = replace(panda.gripper, max_gap_m=0.08, max_force_n=40.0, reports_force=True)
    return replace(panda, name="gantry", arm=arm, gripper=hand)


def _gantry_joints(T_base_tcp: Transform) -> np.ndarray:
    turned = T_base_tcp.rotation
    return np.array([*T_base_tcp.translation, np.arctan2(turned[1, 0], turned[0, 0])])


def _straight(start: Sequence[float], goal: Sequence[float]) -> JointTrajectory:
    """From rest to rest in 0.2 s."""
    t = np.linspace(0.0, 0.2, 11)
    way, turn = np.subtract(goal, start), np.pi / t[-1]
    positions = start + np.outer(0.5 * (1.0 - np.cos(turn * t)), way)
    velocities = np.outer(0.5 * turn * np.sin(turn * t), way)
    accelerations = np.outer(0.5 * turn**2 * np.cos(turn * t), way)
    return JointTrajectory(gantry().arm.joints, t, positions, velocities, accelerations)
