"""Inverse kinematics of the arm: roughly by roboplan, exactly by Newton's method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.interfaces import JointVector
from grasp_executor.planning.collision import GROUP, CollisionWorld
from grasp_executor.planning.kinematics import Kinematics
from grasp_executor.planning.libraries import (
    CartesianConfiguration,
    JointConfiguration,
    SimpleIk,
    SimpleIkOptions,
)

POSITION_TOLERANCE_M = 1e-4
ANGLE_TOLERANCE_RAD = 1e-3
_NEAR_SEED_SPREAD_RAD = 0.5


class InverseKinematics:
    """Configurations of a pose, whatever they collide with."""

    def __init__(self, robot: RobotModel, kinematics: Kinematics) -> None:
        self._robot, self._kinematics = robot, kinematics
        self._bare = CollisionWorld(robot)  # outlives the solver that looks into it
        self._ik = SimpleIk(
            self._bare.scene,
            SimpleIkOptions(
                group_name=GROUP,
                max_iters=100,
                max_time=10.0,  # never: iterations bound the work, so results do not vary
                max_restarts=0,
                step_size=0.5,
                damping=0.01,
                check_collisions=False,
            ),
        )

    def seeds(self, near: JointVector, count: int, seed: int) -> NDArray[np.float64]:
        """Where to start: ``near`` itself, then in turn close to it and anywhere, (count, J)."""
        rng = np.random.default_rng(seed)
        lower, upper = self._kinematics.lower, self._kinematics.upper
        seeds = rng.uniform(lower, upper, size=(count, len(near)))
        spread = rng.normal(scale=_NEAR_SEED_SPREAD_RAD, size=seeds.shape)
        seeds[1::2] = np.clip(near + spread[1::2], lower, upper)
        seeds[0] = np.clip(near, lower, upper)
        return seeds

    def solve_from(self, T_base_tcp: Transform, seed: JointVector) -> JointVector | None:
        """The solution that one start leads to, verified by forward kinematics; None if none."""
        names = list(self._robot.arm.joints)
        rough = JointConfiguration(names, seed)
        target = CartesianConfiguration(
            self._robot.arm.base_frame, self._robot.arm.tcp_frame, T_base_tcp.matrix
        )
        if not self._ik.solveIk(target, JointConfiguration(names, seed), rough):
            return None
        joints = self._kinematics.solve_near(T_base_tcp, np.array(rough.positions))
        if joints is None:
            return None
        offset, angle = self._kinematics.forward(joints).distance_to(T_base_tcp)
        near_enough = offset <= POSITION_TOLERANCE_M and angle <= ANGLE_TOLERANCE_RAD
        return joints if near_enough else None
