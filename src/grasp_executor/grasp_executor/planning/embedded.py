"""The embedded planner: the executor's Planner without ROS or MoveIt, on roboplan."""

from __future__ import annotations

import threading
import time

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasp_core.errors import Collision, PlanningFailed, Unreachable
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.interfaces import JointTrajectory, JointVector, Wait
from grasp_executor.planning.bends import bent_ways
from grasp_executor.planning.clearance import Clearance
from grasp_executor.planning.embedded_config import EmbeddedConfig
from grasp_executor.planning.inverse import (
    ANGLE_TOLERANCE_RAD,
    POSITION_TOLERANCE_M,
    InverseKinematics,
)
from grasp_executor.planning.kinematics import Kinematics
from grasp_executor.planning.line import trace_line, travel, worst_deviation
from grasp_executor.planning.path import blended, densified
from grasp_executor.planning.queries import (
    STILL_RAD,
    JointQueries,
    arm_distance,
    is_known,
    require_speed,
    wait_without_pause,
)
from grasp_executor.planning.search import search_path
from grasp_executor.planning.timing import time_path
from grasp_executor.scene import Box, CollisionScene

Path = NDArray[np.float64]

_MOST_M_S = 10.0  # of a straight line
_LOOKS_AHEAD = 50  # configurations of the straight way that are looked at to tell what blocks
_LINE_REFINEMENTS = 3
_SEARCH_REFINEMENTS = 4
_BLENDS = (1.0, 0.4, 0.1, 0.02)  # shares of blend_rad, tried until the rounded path is free


class EmbeddedPlanner:
    """Inverse kinematics, paths and straight lines among boxes, checked for collisions.

    Every configuration of every trajectory is checked as sampled, after timing, by the rule of
    :mod:`grasp_executor.planning.clearance`. The same inputs give the same outputs unless the
    planning time runs out. Methods may be called from any thread; one runs at a time.
    """

    def __init__(self, robot: RobotModel, config: EmbeddedConfig | None = None) -> None:
        self._robot = robot
        self._config = config or EmbeddedConfig()
        self._lock = threading.RLock()
        self._joints = tuple(robot.arm.joints)
        self._kinematics = Kinematics(robot, self._config.joint_margin_rad)
        self._limits = Kinematics(robot).lower, Kinematics(robot).upper
        self._queries = JointQueries(self._joints, self._limits)
        self._velocity = np.array(robot.arm.velocity) * self._config.velocity_scale
        self._acceleration = np.array(robot.arm.acceleration) * self._config.acceleration_scale
        self._clearance = Clearance(robot, self._config, self._kinematics)
        self._inverse = InverseKinematics(robot, self._kinematics)

    def forward(self, joints: ArrayLike) -> Transform:
        """``T_base_tcp`` of a configuration, shape (J,), rad."""
        with self._lock:
            return self._kinematics.forward(self._queries.vector("joints", joints))

    def set_scene(self, scene: CollisionScene) -> None:
        """Replace all obstacles.

        Raises:
            ConfigError: Box names repeat, or a contact names an unknown link or box.
        """
        with self._lock:
            self._clearance.set_scene(scene)

    def set_gap(self, gap_m: float) -> None:
        """Check collisions with the fingers this far apart, metres; fully open until told."""
        with self._lock:
            self._clearance.set_gap(gap_m)

    def attach(self, box: Box | None) -> None:
        """Carry a box, its pose relative to the tcp frame, with the hand; None lets go."""
        with self._lock:
            self._clearance.attach(box)

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
            wait: Called between starting points.

        Raises:
            Unreachable: No configuration within limits reaches the pose.
            Collision: Every one that does collides; names the pair.
        """
        with self._lock:
            near = self._queries.vector("near", near)
            found: list[JointVector] = []
            blocked: list[JointVector] = []
            padded = self._clearance.padded
            for seed in self._inverse.seeds(near, self._config.ik_seeds, self._config.seed):
                wait()
                joints = self._inverse.solve_from(T_base_tcp, seed)
                if joints is None or is_known(joints, found) or is_known(joints, blocked):
                    continue
                (blocked if padded.collides(joints) else found).append(joints)
                if len(found) >= 2 * count:
                    break
            if found:
                return sorted(found, key=lambda joints: arm_distance(joints, near))[:count]
            x, y, z = T_base_tcp.translation
            if not blocked:
                raise Unreachable(
                    f"no configuration within the joint limits reaches ({x:.3f}, {y:.3f}, "
                    f"{z:.3f}) m in {self._robot.arm.base_frame} with this orientation"
                )
            nearest = min(blocked, key=lambda joints: arm_distance(joints, near))
            raise Collision(
                f"at ({x:.3f}, {y:.3f}, {z:.3f}) m {self._clearance.explain(nearest)} "
                f"in each of {len(blocked)} configurations"
            )

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
            wait: Called before each search.

        Raises:
            Collision: Start or goal collides; names the pair.
            PlanningFailed: No path was found in time.
        """
        with self._lock:
            require_speed("speed", speed, 1.0)
            wait()
            start, goal = self._queries.ends(start, goal)
            leaving = self._clearance.must_leave(start)
            self._clearance.require_free("goal", goal)
            if float(np.abs(goal - start).max()) < STILL_RAD:
                return self._queries.still(goal, self._config.sample_period_s)
            if not leaving and self._clearance.padded.segment_free(start, goal, self._step):
                trajectory = self._timed_if_free(np.stack([start, goal]), speed, leaving)
                if trajectory is not None:
                    return trajectory
            return self._plan_around(start, goal, speed, leaving, wait)

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
            wait: Called before each refinement.

        Raises:
            Unreachable: The line leaves the joint limits or jumps between IK branches.
            Collision: The line touches an obstacle; names the pair.
        """
        with self._lock:
            require_speed("speed_m_s", speed_m_s, _MOST_M_S)
            start = self._queries.vector("start", start)
            T_start = self._kinematics.forward(start)
            leaving = self._clearance.must_leave(start)
            if travel(T_start, T_base_tcp) < STILL_RAD:
                return self._queries.still(start, self._config.sample_period_s)
            step_m = self._config.line_step_m
            for _ in range(_LINE_REFINEMENTS):
                wait()
                points, progress = trace_line(
                    self._kinematics,
                    start,
                    T_base_tcp,
                    step_m=step_m,
                    max_jump_rad=self._config.max_joint_jump_rad,
                )
                self._check_line(points, leaving)
                trajectory = self._timed_line(points, progress, speed_m_s)
                offset, angle = worst_deviation(
                    self._kinematics, trajectory.positions, T_start, T_base_tcp
                )
                if offset <= POSITION_TOLERANCE_M and angle <= ANGLE_TOLERANCE_RAD:
                    self._check_line(trajectory.positions, leaving)
                    return trajectory
                step_m *= 0.5
            raise Unreachable(
                f"the joints follow the straight line only within {1e3 * offset:.2f} mm and "
                f"{angle:.4f} rad: it passes close to a singularity"
            )

    # Joint-space paths

    def _plan_around(
        self, start: JointVector, goal: JointVector, speed: float, leaving: bool, wait: Wait
    ) -> JointTrajectory:
        deadline = time.monotonic() + self._config.max_planning_time_s
        prefix = np.empty((0, len(start)))
        begin = start
        if leaving:
            begin = self._way_out(start)
            prefix = start[None]
            direct = np.stack([start, begin, goal])
            if self._clearance.padded.segment_free(begin, goal, self._step):
                trajectory = self._timed_if_free(direct, speed, leaving)
                if trajectory is not None:
                    return trajectory
        for bent in bent_ways(self._kinematics, self._clearance.padded, begin, goal, self._step):
            wait()
            trajectory = self._timed_if_free(np.concatenate([prefix, bent]), speed, leaving)
            if trajectory is not None:
                return trajectory
        attempt = 0
        while True:
            wait()
            remaining = deadline - time.monotonic()
            if remaining <= 0.0:
                raise PlanningFailed(
                    f"no collision-free path within {self._config.max_planning_time_s} s "
                    f"({attempt} attempts){self._in_the_way(begin, goal)}; raise "
                    "max_planning_time_s or clear the way"
                )
            waypoints = self._search(begin, goal, attempt, remaining)
            attempt += 1
            if waypoints is not None:
                path = np.concatenate([prefix, waypoints])
                trajectory = self._timed_if_free(path, speed, leaving)
                if trajectory is not None:
                    return trajectory

    def _in_the_way(self, start: JointVector, goal: JointVector) -> str:
        """What is touched first on the straight way, in words."""
        path = np.linspace(start, goal, _LOOKS_AHEAD)
        bad = self._clearance.first_bad(path, False)
        return "" if bad is None else f"; straight ahead, {self._clearance.explain(path[bad])}"

    def _search(
        self, start: JointVector, goal: JointVector, attempt: int, time_s: float
    ) -> Path | None:
        """One attempt, seeded; None if it finds nothing."""
        inside = np.clip(start, *self._limits)
        # Where the check of the timed path finds a graze that the search stepped over: keep more
        # distance if start and goal have it, else search finer.
        world = self._clearance.padded
        if attempt % 2 == 1:
            wide = self._clearance.wide
            if not wide.collides(inside) and not wide.collides(goal):
                world = wide
        waypoints = search_path(
            world,
            self._joints,
            inside,
            goal,
            step_rad=self._step / 2.0 ** min(attempt // 2, _SEARCH_REFINEMENTS),
            time_s=time_s,
            seed=self._config.seed + attempt,
        )
        if waypoints is not None:
            waypoints[0], waypoints[-1] = start, goal
        return waypoints

    def _way_out(self, start: JointVector) -> JointVector:
        """A configuration close to the start, out of the padding, reached without touching.

        Raises:
            PlanningFailed: There is none within ``leave_distance_m``.
        """
        T_start = self._kinematics.forward(start)
        back = -T_start.rotation[:, 2]
        side = T_start.rotation[:, 1]
        directions = [back, np.array([0.0, 0.0, 1.0]), side, -side, T_start.rotation[:, 0]]
        reach = self._config.leave_distance_m
        for share in (0.15, 0.3, 0.5, 0.7, 0.9):
            for direction in (*directions, -T_start.rotation[:, 0]):
                shift = Transform.from_translation(*(share * reach * direction))
                joints = self._kinematics.solve_near(shift @ T_start, start)
                if joints is None or self._clearance.padded.collides(joints):
                    continue
                way = densified(np.stack([start, joints]), self._step)
                if self._clearance.first_bad(way, leaving=True) is None:
                    return joints
        raise PlanningFailed(
            f"{self._clearance.explain(start)} at the start, and no motion of up to {reach} m "
            "comes clear of it; allow the contact in the scene"
        )

    def _timed_if_free(
        self, waypoints: Path, speed: float, leaving: bool
    ) -> JointTrajectory | None:
        """Rounded, timed and re-checked; None if no rounding keeps the path free."""
        for share in _BLENDS if len(waypoints) > 2 else _BLENDS[:1]:
            points = blended(waypoints, share * self._config.blend_rad)
            lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
            trajectory = time_path(
                self._joints,
                points,
                np.concatenate([[0.0], np.cumsum(lengths)]),
                self._velocity * speed,
                self._acceleration * speed,
                period_s=self._config.sample_period_s,
                smoothing_s=self._config.smoothing_s,
            )
            path = densified(trajectory.positions, self._step)
            if self._clearance.first_bad(path, leaving) is None and self._keeps_limits(path):
                return trajectory
        return None

    # Straight lines

    def _timed_line(self, points: Path, progress: Path, speed_m_s: float) -> JointTrajectory:
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

    def _check_line(self, path: Path, leaving: bool) -> None:
        path = densified(path, self._step)
        bad = self._clearance.first_bad(path, leaving)
        if bad is not None:
            T_start = self._kinematics.forward(path[0])
            distance = T_start.distance_to(self._kinematics.forward(path[bad]))[0]
            raise Collision(
                f"{self._clearance.explain(path[bad])} after {1e3 * distance:.0f} mm of the "
                "straight line"
            )

    # Checks

    @property
    def _step(self) -> float:
        return self._config.collision_step_rad

    def _keeps_limits(self, path: Path) -> bool:
        lower = np.minimum(self._limits[0], path[0]) - 1e-6
        upper = np.maximum(self._limits[1], path[0]) + 1e-6
        return bool(np.all(path >= lower) and np.all(path <= upper))
