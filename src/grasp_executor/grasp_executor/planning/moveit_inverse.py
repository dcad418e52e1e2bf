"""Inverse kinematics through move_group, from several starting points."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from grasp_core.errors import Collision, PlanFailure, Unreachable
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.interfaces import JointVector, Wait
from grasp_executor.planning.kinematics import Kinematics
from grasp_executor.planning.move_group import MoveGroup
from grasp_executor.planning.moveit_codes import SUCCESS, failure_of
from grasp_executor.planning.moveit_config import MoveItConfig
from grasp_executor.planning.moveit_world import MoveItWorld
from grasp_executor.planning.queries import arm_distance, is_known

_TOLERANCE_M, _TOLERANCE_RAD = 1e-4, 1e-3
_SEEDS_AT_ONCE = 6
_SEED_SPREAD_RAD = 0.5


class MoveItInverse:
    """Configurations of a pose, verified by our own forward kinematics."""

    def __init__(
        self,
        robot: RobotModel,
        config: MoveItConfig,
        move_group: MoveGroup,
        world: MoveItWorld,
        kinematics: Kinematics,
    ) -> None:
        self._robot, self._config = robot, config
        self._move_group, self._world = move_group, world
        self._kinematics = kinematics

    def solve(
        self, T_base_tcp: Transform, near: JointVector, count: int, wait: Wait
    ) -> list[JointVector]:
        """Distinct collision-free configurations of a pose, nearest to ``near`` first.

        Raises:
            Unreachable: No configuration within limits reaches the pose.
            Collision: Every one that does collides; names the pair.
        """
        self._world.enter(wait)
        free: list[JointVector] = []
        blocked: list[tuple[JointVector, list[tuple[str, str]]]] = []
        for seeds in self._seeds(near):
            known = free + [joints for joints, _ in blocked]
            fresh = self._distinct_solutions(T_base_tcp, seeds, known, wait)
            for joints, pairs in zip(fresh, self._world.touching(fresh, wait), strict=True):
                if pairs:
                    blocked.append((joints, pairs))
                else:
                    free.append(joints)
            if len(free) >= 2 * count:
                break
        if free:
            return sorted(free, key=lambda joints: arm_distance(joints, near))[:count]
        x, y, z = T_base_tcp.translation
        if not blocked:
            raise Unreachable(
                f"no configuration within the joint limits reaches ({x:.3f}, {y:.3f}, {z:.3f}) m "
                f"in {self._robot.arm.base_frame} with this orientation"
            )
        _, pairs = min(blocked, key=lambda one: arm_distance(one[0], near))
        raise Collision(
            f"at ({x:.3f}, {y:.3f}, {z:.3f}) m {self._world.explain(pairs)} in each of "
            f"{len(blocked)} configurations"
        )

    def _seeds(self, near: JointVector) -> Iterator[list[JointVector]]:
        """Where to start: ``near`` itself, then in turn close to it and anywhere, in batches."""
        rng = np.random.default_rng(self._config.seed)
        lower, upper = self._kinematics.lower, self._kinematics.upper
        seeds = rng.uniform(lower, upper, size=(self._config.ik_seeds, len(near)))
        spread = rng.normal(scale=_SEED_SPREAD_RAD, size=seeds.shape)
        seeds[1::2] = np.clip(near + spread[1::2], lower, upper)
        seeds[0] = np.clip(near, lower, upper)
        for first in range(0, len(seeds), _SEEDS_AT_ONCE):
            yield list(seeds[first : first + _SEEDS_AT_ONCE])

    def _distinct_solutions(
        self,
        T_base_tcp: Transform,
        seeds: list[JointVector],
        known: list[JointVector],
        wait: Wait,
    ) -> list[JointVector]:
        """Configurations within limits that reach the pose and are not known yet."""
        answers = self._move_group.configurations(
            [self._world.state(seed) for seed in seeds],
            self._world.group,
            self._robot.arm.tcp_frame,
            self._world.in_model(T_base_tcp, wait),
            wait,
        )
        found: list[JointVector] = []
        for code, positions in answers:
            if code != SUCCESS:
                failure = failure_of(code)
                if not isinstance(failure, PlanFailure):
                    raise failure
                continue
            joints = np.array([positions.get(name, np.nan) for name in self._robot.arm.joints])
            if self._reaches(joints, T_base_tcp) and not is_known(joints, known + found):
                found.append(joints)
        return found

    def _reaches(self, joints: JointVector, T_base_tcp: Transform) -> bool:
        if not np.isfinite(joints).all():
            return False
        if (joints < self._kinematics.lower).any() or (joints > self._kinematics.upper).any():
            return False
        offset, angle = self._kinematics.forward(joints).distance_to(T_base_tcp)
        return offset <= _TOLERANCE_M and angle <= _TOLERANCE_RAD
