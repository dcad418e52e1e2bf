"""The planner that asks a running move_group: inverse kinematics, paths and straight lines."""

from __future__ import annotations

import threading
import time

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasp_core.errors import Collision, PlanFailure, PlanningFailed
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.interfaces import JointTrajectory, JointVector, Wait
from grasp_executor.planning.kinematics import Kinematics
from grasp_executor.planning.line import travel
from grasp_executor.planning.move_group import Answer, MoveGroup
from grasp_executor.planning.moveit_codes import SUCCESS, failure_of, meaning_of
from grasp_executor.planning.moveit_config import MoveItConfig
from grasp_executor.planning.moveit_inverse import MoveItInverse
from grasp_executor.planning.moveit_line import MoveItLines
from grasp_executor.planning.moveit_path import (
    arranged,
    joined,
    joint_travel,
    no_faster,
    require_goal,
    require_limits,
    thinned,
)
from grasp_executor.planning.moveit_world import MoveItWorld
from grasp_executor.planning.queries import (
    STILL_RAD,
    JointQueries,
    require_speed,
    wait_without_pause,
)
from grasp_executor.planning.timing import time_path
from grasp_executor.scene import Box, CollisionScene

Path = NDArray[np.float64]

_MOST_M_S = 10.0  # of a straight line
_LINE_REFINEMENTS = 3
_PATH_STEP_RAD = 0.03  # between the points that a path is timed through
_SLOWNESS = 0.2  # at which points 0.1 s apart lie about such a step from each other


class MoveItPlanner:
    """Plans with a move_group, and judges what comes back.

    The rule of :mod:`grasp_executor.planning.clearance` holds here, too: padded boxes, and a
    start within the padding that must be left. Methods may be called from any thread; one runs at
    a time. Those that ask move_group raise HardwareLost where it does not answer.
    """

    def __init__(
        self, robot: RobotModel, move_group: MoveGroup, config: MoveItConfig | None = None
    ) -> None:
        self._robot = robot
        self._config = config or MoveItConfig()
        self._move_group = move_group
        self._lock = threading.RLock()
        self._joints = tuple(robot.arm.joints)
        self._kinematics = Kinematics(robot, self._config.joint_margin_rad)
        self._limits = robot.limits()
        self._queries = JointQueries(self._joints, self._limits)
        self._velocity = np.array(robot.arm.velocity) * self._config.velocity_scale
        self._acceleration = np.array(robot.arm.acceleration) * self._config.acceleration_scale
        self._world = MoveItWorld(robot, self._config, move_group, self._kinematics)
        parts = (robot, self._config, move_group, self._world, self._kinematics)
        self._inverse, self._lines = MoveItInverse(*parts), MoveItLines(*parts)

    def forward(self, joints: ArrayLike) -> Transform:
        """``T_base_tcp`` of a configuration, shape (J,), rad; needs no move_group."""
        with self._lock:
            return self._kinematics.forward(self._queries.vector("joints", joints))

    def set_scene(self, scene: CollisionScene) -> None:
        """Replace all obstacles.

        Raises:
            ConfigError: Box names repeat, or a contact names an unknown link or box.
        """
        with self._lock:
            self._world.set_scene(scene)

    def set_gap(self, gap_m: float) -> None:
        """Check collisions with the fingers this far apart, metres; fully open until told."""
        with self._lock:
            self._world.set_gap(gap_m)

    def attach(self, box: Box | None) -> None:
        """Carry a box, its pose relative to the tcp frame, with the hand; None lets go."""
        with self._lock:
            self._world.attach(box)

    def solve_ik(
        self,
        T_base_tcp: Transform,
        near: ArrayLike,
        count: int = 4,
        *,
        wait: Wait = wait_without_pause,
    ) -> list[JointVector]:
        """Distinct collision-free configurations of a pose, nearest to ``near`` first.

        Args:
            T_base_tcp: The pose.
            near: Shape (J,), rad.
            count: Most configurations.
            wait: Called while move_group is asked.

        Raises:
            Unreachable: No configuration within limits reaches the pose.
            Collision: Every one that does collides; names the pair.
        """
        with self._lock:
            wait()
            near = self._queries.vector("near", near)
            return self._inverse.solve(T_base_tcp, near, count, wait)

    def plan_joints(
        self,
        start: ArrayLike,
        goal: ArrayLike,
        speed: float = 1.0,
        *,
        wait: Wait = wait_without_pause,
    ) -> JointTrajectory:
        """Collision-free path between configurations.

        Args:
            start: Shape (J,), rad.
            goal: Shape (J,), rad.
            speed: Scale of velocity limits, (0, 1]; accelerations scale with it.
            wait: Called before each attempt and while move_group plans.

        Raises:
            Collision: Start or goal collides; names the pair.
            PlanningFailed: No path was found in time.
        """
        with self._lock:
            require_speed("speed", speed, 1.0)
            wait()
            start, goal = self._queries.ends(start, goal)
            leaving = self._must_leave(start, wait)
            self._world.enter(wait)
            (pairs,) = self._world.touching([goal], wait)
            if pairs:
                raise Collision(f"{self._world.explain(pairs)} at the goal")
            if float(np.abs(goal - start).max()) < STILL_RAD:
                return self._queries.still(goal, self._config.sample_period_s)
            if not leaving:
                return self._plan_path(start, goal, speed, wait)
            out = self._way_out(start, speed, wait)
            return joined(out, self._plan_path(out.goal, goal, speed, wait))

    def plan_line(
        self,
        start: ArrayLike,
        T_base_tcp: Transform,
        speed_m_s: float,
        *,
        wait: Wait = wait_without_pause,
    ) -> JointTrajectory:
        """Straight line of the tcp frame at no more than ``speed_m_s`` metres per second.

        Args:
            start: Shape (J,), rad.
            T_base_tcp: Pose at its end.
            speed_m_s: Of the tcp frame.
            wait: Called before each refinement and while move_group works.

        Raises:
            Unreachable: The line leaves the joint limits or jumps between IK branches.
            Collision: The line touches an obstacle; names the pair.
        """
        with self._lock:
            require_speed("speed_m_s", speed_m_s, _MOST_M_S)
            wait()
            start = self._queries.vector("start", start)
            leaving = self._must_leave(start, wait)
            if travel(self._kinematics.forward(start), T_base_tcp) < STILL_RAD:
                return self._queries.still(start, self._config.sample_period_s)
            failure: PlanFailure | None = None
            for refinement in range(_LINE_REFINEMENTS):
                wait()
                points, progress = self._lines.trace(
                    start, T_base_tcp, wait, leaving=leaving, refinement=refinement
                )
                trajectory = self._lines.timed(points, progress, speed_m_s)
                failure = self._lines.fault_of(trajectory, start, T_base_tcp)
                if failure is None:
                    self._world.require_free(trajectory.positions, leaving, wait)
                    failure = self._changed(wait)
                if failure is None:
                    return trajectory
            raise failure or PlanningFailed("no straight line was asked for")

    # Joint-space paths

    def _plan_path(
        self, start: JointVector, goal: JointVector, speed: float, wait: Wait
    ) -> JointTrajectory:
        """A path from a free start to a free goal."""
        config = self._config
        deadline = time.monotonic() + config.max_planning_time_s
        failure: PlanFailure | None = None
        for _ in range(config.attempts):
            wait()
            remaining = deadline - time.monotonic()
            if remaining <= 0.0:
                break
            self._world.enter(wait)
            answer = self._move_group.plan(
                self._world.state(start),
                dict(zip(self._joints, map(float, goal), strict=True)),
                self._world.group,
                config.scaling(speed, _SLOWNESS),
                remaining,
                wait,
            )
            try:
                trajectory = self._accepted(answer, start, goal, speed, wait)
            except PlanFailure as error:
                if answer.code != SUCCESS and not meaning_of(answer.code).again:
                    raise
                failure = error
                continue
            failure = self._changed(wait)
            if failure is None:
                return trajectory
        raise PlanningFailed(
            f"no path in {config.attempts} attempts or {config.max_planning_time_s} s: "
            f"{failure or 'no time was left'}; raise max_planning_time_s or clear the way"
        )

    def _accepted(
        self, answer: Answer, start: JointVector, goal: JointVector, speed: float, wait: Wait
    ) -> JointTrajectory:
        """The path of an answer as a trajectory, checked and timed.

        Raises:
            GraspStackError: What its code means, or what is wrong with it.
        """
        if answer.code != SUCCESS:
            raise failure_of(answer.code, answer.details)
        positions = arranged(answer.path, self._joints, start)
        require_goal(positions, goal)
        positions[-1] = goal
        trajectory = self._timed_path(positions, speed)
        lasted_s = float(answer.path.times_s[-1] - answer.path.times_s[0])
        trajectory = no_faster(trajectory, _SLOWNESS * lasted_s)
        require_limits(self._joints, trajectory.positions, *self._limits)
        self._world.require_free(trajectory.positions, False, wait)
        return trajectory

    def _timed_path(self, positions: Path, speed: float) -> JointTrajectory:
        points, progress = thinned(positions, joint_travel(positions), _PATH_STEP_RAD)
        return time_path(
            self._joints,
            points,
            progress,
            self._velocity * speed,
            self._acceleration * speed,
            period_s=self._config.sample_period_s,
            smoothing_s=self._config.smoothing_s,
        )

    def _way_out(self, start: JointVector, speed: float, wait: Wait) -> JointTrajectory:
        """A short straight line out of the padding, without touching.

        Raises:
            PlanningFailed: There is none within ``leave_distance_m``.
        """
        T_start = self._kinematics.forward(start)
        back, side, along = -T_start.rotation[:, 2], *T_start.rotation[:, 1::-1].T
        directions = (back, np.array([0.0, 0.0, 1.0]), side, -side, along, -along)
        for share in (0.3, 0.6, 0.9):
            ways = []
            for direction in directions:
                shift = share * self._config.leave_distance_m * direction
                T_end = Transform.from_translation(*shift) @ T_start
                try:
                    ways.append(self._lines.trace(start, T_end, wait, leaving=True)[0])
                except PlanFailure:
                    continue
            self._world.enter(wait)
            ends = self._world.touching([way[-1] for way in ways], wait)
            for way, pairs in zip(ways, ends, strict=True):
                if not pairs:
                    trajectory = self._timed_path(way, speed)
                    self._world.require_free(trajectory.positions, True, wait)
                    return trajectory
        (pairs,) = self._world.touching([start], wait)
        raise PlanningFailed(
            f"{self._world.explain(pairs)} at the start, and no motion of up to "
            f"{self._config.leave_distance_m} m comes clear of it; allow the contact in the scene"
        )

    # Checks

    def _must_leave(self, start: JointVector, wait: Wait) -> bool:
        """Whether a start is inside the padding and must leave it.

        Raises:
            Collision: It touches deeper than that; names the pair.
        """
        self._world.enter(wait)
        if not self._world.touching([start], wait)[0]:
            return False
        self._world.enter(wait, shrunk=True)
        (pairs,) = self._world.touching([start], wait)
        if pairs:
            raise Collision(f"{self._world.explain(pairs)} at the start")
        return True

    def _changed(self, wait: Wait) -> PlanFailure | None:
        difference = self._world.difference(wait)
        if not difference:
            return None
        return PlanningFailed(
            f"move_group's scene was changed while it planned: {difference}; no other client may "
            "touch our objects"
        )
