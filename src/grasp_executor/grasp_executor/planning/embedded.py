"""The embedded planner: the executor's Planner without ROS or MoveIt, on roboplan."""

from __future__ import annotations

import threading
import time

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasp_core.errors import (
    Collision,
    ConfigError,
    MissingDependency,
    PlanningFailed,
    Unreachable,
)
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.interfaces import JointTrajectory, JointVector
from grasp_executor.planning.collision import GROUP, CollisionWorld
from grasp_executor.planning.config import PlannerConfig
from grasp_executor.planning.kinematics import Kinematics
from grasp_executor.planning.line import trace_line, travel, worst_deviation
from grasp_executor.planning.path import blended, densified
from grasp_executor.planning.timing import time_path
from grasp_executor.scene import Box, CollisionScene

try:
    from roboplan.core import (
        CartesianConfiguration,
        JointConfiguration,
        JointPath,
        PathShortcutter,
        PathShortcuttingOptions,
    )
    from roboplan.rrt import RRT, RRTOptions
    from roboplan.simple_ik import SimpleIk, SimpleIkOptions
except ImportError as error:
    raise MissingDependency(
        f"the embedded planner lacks {error.name}: pip install pin roboplan-core roboplan-rrt "
        "roboplan-simple-ik (see requirements.txt)"
    ) from error

Path = NDArray[np.float64]

_POSITION_TOLERANCE_M = 1e-4
_ANGLE_TOLERANCE_RAD = 1e-3
_DISTINCT_RAD = 0.1  # two configurations closer than this in every joint are one
_NEAR_SEED_SPREAD_RAD = 0.5
_STILL_RAD = 1e-5  # no motion at all
_LIMIT_SLACK_RAD = 0.02  # a measured start may be this far past a limit
_MAX_NODES = 5000
_LINE_REFINEMENTS = 3
_SEARCH_REFINEMENTS = 4
_WIDE_M = 0.002  # added to the padding where paths keep grazing
_BLENDS = (1.0, 0.4, 0.1, 0.02)  # shares of blend_rad, tried until the rounded path is free


class EmbeddedPlanner:
    """Inverse kinematics, paths and straight lines among boxes, checked for collisions.

    Clearance: padded boxes are grown by ``padding_m`` on each side, and every configuration of
    every trajectory is checked as sampled, after timing. Two exceptions let an arm leave where
    it legitimately is:

    - ``CollisionScene.contacts`` are never checked.
    - A *start* may be inside the padding, or touch a box by up to ``leave_depth_m`` (an object
      stands on its table). The motion must then come clear of the padding within
      ``leave_distance_m`` of tcp travel, without touching deeper on the way, and may not come
      back. A *goal* is never excused: allow the contact or do not pad the box instead.

    The carried box is not padded; it may touch the hand, and is checked against everything else.
    The same inputs give the same outputs unless the planning time runs out. Methods may be
    called from any thread; one runs at a time.
    """

    def __init__(self, robot: RobotModel, config: PlannerConfig | None = None) -> None:
        self._robot = robot
        self._config = config or PlannerConfig()
        self._lock = threading.RLock()
        self._joints = tuple(robot.arm.joints)
        self._kinematics = Kinematics(robot, self._config.joint_margin_rad)
        self._limits = Kinematics(robot).lower, Kinematics(robot).upper
        self._velocity = np.array(robot.arm.velocity) * self._config.velocity_scale
        self._acceleration = np.array(robot.arm.acceleration) * self._config.acceleration_scale
        self._scene = CollisionScene()
        self._attached: Box | None = None
        self._gap_m = robot.gripper.max_gap_m
        self._bare = CollisionWorld(robot)
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
        self._padded = self._build(self._config.padding_m)
        self._shrunk: CollisionWorld | None = None
        self._wide: CollisionWorld | None = None

    def forward(self, joints: ArrayLike) -> Transform:
        """``T_base_tcp`` of a configuration, shape (J,), rad."""
        with self._lock:
            return self._kinematics.forward(self._vector("joints", joints))

    def set_scene(self, scene: CollisionScene) -> None:
        """Replace all obstacles.

        Raises:
            ConfigError: Box names repeat, or a contact names an unknown link or box.
        """
        with self._lock:
            self._replace(scene, self._attached)

    def set_gap(self, gap_m: float) -> None:
        """Check collisions with the fingers this far apart, metres; fully open until told."""
        with self._lock:
            self._gap_m = float(gap_m)
            for world in (self._padded, self._shrunk, self._wide):
                if world is not None:
                    world.set_gap(self._gap_m)

    def attach(self, box: Box | None) -> None:
        """Carry a box, its pose relative to the tcp frame, with the hand; None lets go."""
        with self._lock:
            if box is not self._attached:
                self._replace(self._scene, box)

    def solve_ik(
        self, T_base_tcp: Transform, near: ArrayLike, count: int = 4
    ) -> list[JointVector]:
        """Distinct collision-free configurations of a pose, nearest to ``near`` first.

        Raises:
            Unreachable: No configuration within limits reaches the pose.
            Collision: Every one that does collides; names the pair.
        """
        with self._lock:
            near = self._vector("near", near)
            found: list[JointVector] = []
            blocked: list[JointVector] = []
            for seed in self._ik_seeds(near):
                joints = self._solve_from(T_base_tcp, seed)
                if joints is None or _is_known(joints, found) or _is_known(joints, blocked):
                    continue
                (blocked if self._padded.collides(joints) else found).append(joints)
                if len(found) >= 2 * count:
                    break
            if found:
                return sorted(found, key=lambda joints: self._distance(joints, near))[:count]
            x, y, z = T_base_tcp.translation
            if not blocked:
                raise Unreachable(
                    f"no configuration within the joint limits reaches ({x:.3f}, {y:.3f}, "
                    f"{z:.3f}) m in {self._robot.arm.base_frame} with this orientation"
                )
            nearest = min(blocked, key=lambda joints: self._distance(joints, near))
            raise Collision(
                f"at ({x:.3f}, {y:.3f}, {z:.3f}) m {self._explain(self._padded, nearest)} "
                f"in each of {len(blocked)} configurations"
            )

    def plan_joints(
        self, start: ArrayLike, goal: ArrayLike, speed: float = 1.0
    ) -> JointTrajectory:
        """Collision-free path between configurations.

        Args:
            start: Shape (J,), rad.
            goal: Shape (J,), rad.
            speed: Scale of velocity limits, (0, 1]; accelerations scale with it.

        Raises:
            Collision: Start or goal collides; names the pair.
            PlanningFailed: No path was found in time.
        """
        with self._lock:
            if not 0.0 < speed <= 1.0:
                raise ConfigError(f"speed is {speed}, must lie in (0, 1]")
            start, goal = self._vector("start", start), self._vector("goal", goal)
            self._check_limits("start", start, _LIMIT_SLACK_RAD)
            self._check_limits("goal", goal, 1e-6)
            leaving = self._check_start(start)
            self._check_goal("goal", goal)
            if float(np.abs(goal - start).max()) < _STILL_RAD:
                return self._still(goal)
            if not leaving and self._padded.segment_free(start, goal, self._step):
                trajectory = self._timed_if_free(np.stack([start, goal]), speed, leaving)
                if trajectory is not None:
                    return trajectory
            return self._plan_around(start, goal, speed, leaving)

    def plan_line(
        self, start: ArrayLike, T_base_tcp: Transform, speed_m_s: float
    ) -> JointTrajectory:
        """Straight line of the tcp frame at no more than ``speed_m_s`` metres per second.

        Raises:
            Unreachable: The line leaves the joint limits or jumps between IK branches.
            Collision: The line touches an obstacle; names the pair.
        """
        with self._lock:
            if not 0.0 < speed_m_s <= 10.0:
                raise ConfigError(f"speed_m_s is {speed_m_s}, must lie in (0, 10]")
            start = self._vector("start", start)
            T_start = self._kinematics.forward(start)
            leaving = self._check_start(start)
            if travel(T_start, T_base_tcp) < _STILL_RAD:
                return self._still(start)
            step_m = self._config.line_step_m
            for _ in range(_LINE_REFINEMENTS):
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
                if offset <= _POSITION_TOLERANCE_M and angle <= _ANGLE_TOLERANCE_RAD:
                    self._check_line(trajectory.positions, leaving)
                    return trajectory
                step_m *= 0.5
            raise Unreachable(
                f"the joints follow the straight line only within {1e3 * offset:.2f} mm and "
                f"{angle:.4f} rad: it passes close to a singularity"
            )

    # Inverse kinematics

    def _ik_seeds(self, near: JointVector) -> NDArray[np.float64]:
        rng = np.random.default_rng(self._config.seed)
        lower, upper = self._kinematics.lower, self._kinematics.upper
        seeds = rng.uniform(lower, upper, size=(self._config.ik_seeds, len(near)))
        spread = rng.normal(scale=_NEAR_SEED_SPREAD_RAD, size=seeds.shape)
        seeds[1::2] = np.clip(near + spread[1::2], lower, upper)
        seeds[0] = np.clip(near, lower, upper)
        return seeds

    def _solve_from(self, T_base_tcp: Transform, seed: JointVector) -> JointVector | None:
        """Rough solution by roboplan, exact by Newton, verified by forward kinematics."""
        names = list(self._joints)
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
        near_enough = offset <= _POSITION_TOLERANCE_M and angle <= _ANGLE_TOLERANCE_RAD
        return joints if near_enough else None

    def _distance(self, a: JointVector, b: JointVector) -> float:
        # Joints near the base move more of the arm.
        weights = np.linspace(1.0, 0.4, len(a))
        return float(np.linalg.norm(weights * (a - b)))

    # Joint-space paths

    def _plan_around(
        self, start: JointVector, goal: JointVector, speed: float, leaving: bool
    ) -> JointTrajectory:
        deadline = time.monotonic() + self._config.max_planning_time_s
        prefix = np.empty((0, len(start)))
        begin = start
        if leaving:
            begin = self._way_out(start)
            prefix = start[None]
            direct = np.stack([start, begin, goal])
            if self._padded.segment_free(begin, goal, self._step):
                trajectory = self._timed_if_free(direct, speed, leaving)
                if trajectory is not None:
                    return trajectory
        attempt = 0
        while True:
            remaining = deadline - time.monotonic()
            if remaining <= 0.0:
                raise PlanningFailed(
                    f"no collision-free path within {self._config.max_planning_time_s} s "
                    f"({attempt} attempts); raise max_planning_time_s or clear the way"
                )
            waypoints = self._search(begin, goal, attempt, remaining)
            attempt += 1
            if waypoints is not None:
                path = np.concatenate([prefix, waypoints])
                trajectory = self._timed_if_free(path, speed, leaving)
                if trajectory is not None:
                    return trajectory

    def _search(
        self, start: JointVector, goal: JointVector, attempt: int, time_s: float
    ) -> Path | None:
        """RRT-Connect and shortcutting; None if this attempt finds nothing."""
        names = list(self._joints)
        lower, upper = self._limits
        inside = np.clip(start, lower, upper)
        # Where the check of the timed path finds a graze that the search stepped over: keep more
        # distance if start and goal have it, else search finer.
        world, step = self._padded, self._step / 2.0 ** min(attempt // 2, _SEARCH_REFINEMENTS)
        if attempt % 2 == 1:
            wide = self._wide_world()
            if not wide.collides(inside) and not wide.collides(goal):
                world = wide
        options = RRTOptions(
            group_name=GROUP,
            max_nodes=_MAX_NODES,
            max_connection_distance=1.0,
            collision_check_step_size=step,
            max_planning_time=time_s,
            rrt_connect=True,
        )
        rrt = RRT(world.scene, options)
        rrt.setRngSeed(self._config.seed + attempt)
        try:
            found = rrt.plan(JointConfiguration(names, inside), JointConfiguration(names, goal))
        except RuntimeError:  # how roboplan says that it found no path
            return None
        shortcuts = PathShortcuttingOptions(
            group_name=GROUP,
            max_step_size=step,
            max_iters=200,
            max_convergence_iters=50,
            seed=self._config.seed + attempt,
        )
        short: JointPath = PathShortcutter(world.scene, shortcuts).shortcut(found)
        waypoints = np.array(short.positions)
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
                if joints is None or self._padded.collides(joints):
                    continue
                way = densified(np.stack([start, joints]), self._step)
                if self._first_bad(way, leaving=True) is None:
                    return joints
        raise PlanningFailed(
            f"{self._explain(self._padded, start)} at the start, and no motion of up to {reach} m "
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
            if self._first_bad(path, leaving) is None and self._keeps_limits(path):
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
        bad = self._first_bad(path, leaving)
        if bad is not None:
            T_start = self._kinematics.forward(path[0])
            distance = T_start.distance_to(self._kinematics.forward(path[bad]))[0]
            raise Collision(
                f"{self._explain(self._padded, path[bad])} after {1e3 * distance:.0f} mm of the "
                "straight line"
            )

    # Checks

    @property
    def _step(self) -> float:
        return self._config.collision_step_rad

    def _first_bad(self, path: Path, leaving: bool) -> int | None:
        """Index of the first configuration that is not allowed; see the rule of the class."""
        clear = 0
        if leaving:
            origin = self._kinematics.matrix(path[0])[:3, 3]
            shrunk = self._shrunk_world()
            while clear < len(path) and self._padded.collides(path[clear]):
                tip = self._kinematics.matrix(path[clear])[:3, 3]
                too_far = float(np.linalg.norm(tip - origin)) > self._config.leave_distance_m
                if too_far or shrunk.collides(path[clear]):
                    return clear
                clear += 1
            if clear == len(path):
                return clear - 1
        bad = self._padded.first_collision(path[clear:])
        return None if bad is None else clear + bad

    def _check_start(self, start: JointVector) -> bool:
        """Whether the start is inside the padding and must leave it.

        Raises:
            Collision: It touches deeper than that.
        """
        if not self._padded.collides(start):
            return False
        shrunk = self._shrunk_world()
        if shrunk.collides(start):
            raise Collision(f"{self._explain(shrunk, start)} at the start")
        return True

    def _check_goal(self, name: str, joints: JointVector) -> None:
        if self._padded.collides(joints):
            raise Collision(f"{self._explain(self._padded, joints)} at the {name}")

    def _check_limits(self, name: str, joints: JointVector, slack: float) -> None:
        lower, upper = self._limits
        outside = (joints < lower - slack) | (joints > upper + slack)
        if outside.any():
            index = int(outside.argmax())
            raise PlanningFailed(
                f"{self._joints[index]} is {joints[index]:.3f} rad at the {name}, its limits are "
                f"[{lower[index]}, {upper[index]}] rad"
            )

    def _keeps_limits(self, path: Path) -> bool:
        lower = np.minimum(self._limits[0], path[0]) - 1e-6
        upper = np.maximum(self._limits[1], path[0]) + 1e-6
        return bool(np.all(path >= lower) and np.all(path <= upper))

    def _explain(self, world: CollisionWorld, joints: JointVector) -> str:
        pairs = world.touching(joints)
        if not pairs:
            return "the arm touches something"
        first, second = pairs[0]
        more = f" (and {len(pairs) - 1} more)" if len(pairs) > 1 else ""
        if world is self._padded and world.is_box(second):
            more = f" or comes within {1e3 * self._config.padding_m:.0f} mm of it" + more
        return f"{first} touches {second}{more}"

    def _vector(self, name: str, joints: ArrayLike) -> JointVector:
        vector = np.array(joints, dtype=np.float64)
        if vector.shape != (len(self._joints),) or not np.all(np.isfinite(vector)):
            raise ConfigError(
                f"{name} must be {len(self._joints)} finite joint angles, is {vector.tolist()}"
            )
        return vector

    # Scene

    def _replace(self, scene: CollisionScene, attached: Box | None) -> None:
        world = CollisionWorld(self._robot, scene, attached, self._config.padding_m)
        world.set_gap(self._gap_m)
        self._scene, self._attached = scene, attached
        self._padded, self._shrunk, self._wide = world, None, None

    def _build(self, padding_m: float) -> CollisionWorld:
        world = CollisionWorld(self._robot, self._scene, self._attached, padding_m)
        world.set_gap(self._gap_m)
        return world

    def _shrunk_world(self) -> CollisionWorld:
        if self._shrunk is None:
            self._shrunk = self._build(-self._config.leave_depth_m)
        return self._shrunk

    def _wide_world(self) -> CollisionWorld:
        if self._wide is None:
            self._wide = self._build(self._config.padding_m + _WIDE_M)
        return self._wide

    def _still(self, joints: JointVector) -> JointTrajectory:
        zeros = np.zeros((2, len(joints)))
        times = np.array([0.0, self._config.sample_period_s])
        return JointTrajectory(
            self._joints, times, np.stack([joints, joints]), zeros, zeros.copy()
        )


def _is_known(joints: JointVector, others: list[JointVector]) -> bool:
    return any(float(np.abs(joints - other).max()) < _DISTINCT_RAD for other in others)
