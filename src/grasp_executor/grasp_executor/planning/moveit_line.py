"""Straight lines of the tcp frame through move_group."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import Collision, PlanFailure, Unreachable
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.interfaces import JointTrajectory, JointVector, Wait
from grasp_executor.planning.kinematics import Kinematics
from grasp_executor.planning.line import travel, worst_deviation
from grasp_executor.planning.move_group import Answer, MoveGroup
from grasp_executor.planning.moveit_codes import SUCCESS, failure_of
from grasp_executor.planning.moveit_config import MoveItConfig
from grasp_executor.planning.moveit_path import (
    arranged,
    require_limits,
    require_no_jump,
    thinned,
)
from grasp_executor.planning.moveit_world import MoveItWorld
from grasp_executor.planning.timing import time_path

Path = NDArray[np.float64]

_TOLERANCE_M, _TOLERANCE_RAD = 5e-4, 5e-3  # move_group follows lines within 1 mm
_SLOWNESS = 0.05  # at which points 0.1 s apart lie within a step of each other


class MoveItLines:
    """Traces lines, and times them with the speed of the tcp as a limit."""

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
        self._joints = tuple(robot.arm.joints)
        self._velocity = np.array(robot.arm.velocity) * config.velocity_scale
        self._acceleration = np.array(robot.arm.acceleration) * config.acceleration_scale

    def trace(
        self,
        start: JointVector,
        T_base_tcp: Transform,
        wait: Wait,
        *,
        leaving: bool,
        refinement: int = 0,
    ) -> tuple[Path, Path]:
        """Points of a whole straight line, shape (N, J), and the distance travelled, shape (N,).

        Args:
            start: Where it begins, shape (J,), rad.
            T_base_tcp: Where it ends.
            wait: Of the planner.
            leaving: Whether its start lies in the padding: boxes are shrunk then.
            refinement: How often the step is halved.

        Raises:
            Unreachable: It does not get to its end, or not without a jump.
            Collision: It touches something; names the pair.
        """
        self._world.enter(wait, shrunk=leaving)
        answer = self._ask(start, T_base_tcp, refinement, True, wait)
        if answer.fraction < 1.0 - 1e-6:
            raise self._why_not(start, T_base_tcp, answer.fraction, wait)
        positions = arranged(answer.path, self._joints, start)
        step_m = self._config.line_step_m / 2**refinement
        points, progress = thinned(positions, self._tcp_travel(positions), step_m)
        require_no_jump(points, progress, self._config.max_joint_jump_rad)
        lower, upper = self._kinematics.lower, self._kinematics.upper
        require_limits(self._joints, points, lower, upper)
        return points, progress

    def timed(self, points: Path, progress: Path, speed_m_s: float) -> JointTrajectory:
        """Joint limits, and speed and acceleration of the distance travelled."""
        return time_path(
            self._joints,
            np.column_stack([points, progress]),
            progress,
            np.append(self._velocity, speed_m_s),
            np.append(self._acceleration, self._config.line_acceleration_m_s2),
            period_s=self._config.sample_period_s,
            smoothing_s=self._config.smoothing_s,
        )

    def fault_of(
        self, trajectory: JointTrajectory, start: JointVector, T_base_tcp: Transform
    ) -> PlanFailure | None:
        """What is wrong with a trajectory that must follow a straight line to its end."""
        T_start = self._kinematics.forward(start)
        offset, angle = worst_deviation(
            self._kinematics, trajectory.positions, T_start, T_base_tcp
        )
        missed = self._kinematics.forward(trajectory.goal).distance_to(T_base_tcp)
        offset, angle = max(offset, missed[0]), max(angle, missed[1])
        if offset <= _TOLERANCE_M and angle <= _TOLERANCE_RAD:
            return None
        return Unreachable(
            f"the joints follow the straight line only within {1e3 * offset:.2f} mm and "
            f"{angle:.4f} rad: it passes close to a singularity"
        )

    def _ask(
        self,
        start: JointVector,
        T_base_tcp: Transform,
        refinement: int,
        avoid_collisions: bool,
        wait: Wait,
    ) -> Answer:
        answer = self._move_group.line(
            self._world.state(start),
            self._world.group,
            self._robot.arm.tcp_frame,
            self._world.in_model(T_base_tcp, wait),
            self._config.line_step_m / 2**refinement,
            self._config.scaling(1.0, _SLOWNESS / 2**refinement),
            avoid_collisions,
            wait,
        )
        if answer.code != SUCCESS:
            raise failure_of(answer.code, answer.details)
        return answer

    def _why_not(
        self, start: JointVector, T_base_tcp: Transform, fraction: float, wait: Wait
    ) -> PlanFailure:
        """Why a straight line ends before its end: it touches something, or goes out of reach."""
        length = travel(self._kinematics.forward(start), T_base_tcp)
        where = f"after {1e3 * fraction * length:.0f} of {1e3 * length:.0f} mm"
        through = self._ask(start, T_base_tcp, 0, False, wait)
        if through.fraction <= fraction + 1e-6:
            return Unreachable(
                f"the straight line ends {where}: the arm reaches no further without a jump; "
                "begin from another configuration"
            )
        positions = arranged(through.path, self._joints, start)
        points, _ = thinned(positions, self._tcp_travel(positions), self._config.line_step_m)
        for pairs in self._world.touching(list(points), wait):
            if pairs:
                return Collision(f"{self._world.explain(pairs)} {where} of the straight line")
        return Collision(f"the straight line touches something {where}")

    def _tcp_travel(self, positions: Path) -> Path:
        poses = [self._kinematics.forward(joints) for joints in positions]
        steps = [travel(a, b) for a, b in itertools.pairwise(poses)]
        return np.concatenate([[0.0], np.cumsum(steps)])
