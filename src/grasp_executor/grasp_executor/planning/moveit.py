"""The planner that asks a running move_group: inverse kinematics, paths and straight lines."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasp_core.errors import Collision, ConfigError, PlanFailure, PlanningFailed, Unreachable
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.interfaces import JointTrajectory, JointVector, Wait
from grasp_executor.planning.kinematics import Kinematics
from grasp_executor.planning.line import travel, worst_deviation
from grasp_executor.planning.move_group import Answer, MoveGroup, Scaling
from grasp_executor.planning.moveit_codes import SUCCESS, failure_of, meaning_of
from grasp_executor.planning.moveit_config import MoveItConfig
from grasp_executor.planning.moveit_path import (
    arranged,
    joined,
    joint_travel,
    no_faster,
    require_goal,
    require_limits,
    require_no_jump,
    thinned,
)
from grasp_executor.planning.moveit_world import MoveItWorld
from grasp_executor.planning.timing import time_path
from grasp_executor.scene import Box, CollisionScene

Path = NDArray[np.float64]

_DISTINCT_RAD = 0.1  # two configurations closer than this in every joint are one
_STILL_RAD = 1e-5  # no motion at all
_LIMIT_SLACK_RAD = 0.02  # a measured start may be this far past a limit
_POSE_TOLERANCE_M, _POSE_TOLERANCE_RAD = 1e-4, 1e-3  # of inverse kinematics
_LINE_TOLERANCE_M, _LINE_TOLERANCE_RAD = 5e-4, 5e-3  # move_group follows lines within 1 mm
_SEEDS_AT_ONCE = 6
_SEED_SPREAD_RAD = 0.5
_LINE_REFINEMENTS = 3
_PATH_STEP_RAD = 0.03  # between the points that a path is timed through
# move_group puts points 0.1 s apart: paths are asked for slowly to get them close together.
_PATH_SLOWNESS, _LINE_SLOWNESS = 0.2, 0.05


def _without_pause() -> None:
    """The wait of a caller that neither cancels nor watches."""


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
        self._group = self._config.group or robot.arm.planning_group
        self._kinematics = Kinematics(robot, self._config.joint_margin_rad)
        self._limits = robot.limits()
        self._velocity = np.array(robot.arm.velocity) * self._config.velocity_scale
        self._acceleration = np.array(robot.arm.acceleration) * self._config.acceleration_scale
        self._world = MoveItWorld(robot, self._config, move_group, self._kinematics)

    def forward(self, joints: ArrayLike) -> Transform:
        """``T_base_tcp`` of a configuration, shape (J,), rad; needs no move_group."""
        with self._lock:
            return self._kinematics.forward(self._vector("joints", joints))

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
        wait: Wait = _without_pause,
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
            near = self._vector("near", near)
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
                return sorted(free, key=lambda joints: _distance(joints, near))[:count]
            x, y, z = T_base_tcp.translation
            if not blocked:
                raise Unreachable(
                    f"no configuration within the joint limits reaches ({x:.3f}, {y:.3f}, "
                    f"{z:.3f}) m in {self._robot.arm.base_frame} with this orientation"
                )
            _, pairs = min(blocked, key=lambda one: _distance(one[0], near))
            raise Collision(
                f"at ({x:.3f}, {y:.3f}, {z:.3f}) m {self._world.explain(pairs)} in each of "
                f"{len(blocked)} configurations"
            )

    def plan_joints(
        self,
        start: ArrayLike,
        goal: ArrayLike,
        speed: float = 1.0,
        *,
        wait: Wait = _without_pause,
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
            if not 0.0 < speed <= 1.0:
                raise ConfigError(f"speed is {speed}, must lie in (0, 1]")
            wait()
            start, goal = self._vector("start", start), self._vector("goal", goal)
            self._check_limits("start", start, _LIMIT_SLACK_RAD)
            self._check_limits("goal", goal, 1e-6)
            leaving = self._must_leave(start, wait)
            self._world.enter(wait)
            (pairs,) = self._world.touching([goal], wait)
            if pairs:
                raise Collision(f"{self._world.explain(pairs)} at the goal")
            if float(np.abs(goal - start).max()) < _STILL_RAD:
                return self._still(goal)
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
        wait: Wait = _without_pause,
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
            if not 0.0 < speed_m_s <= 10.0:
                raise ConfigError(f"speed_m_s is {speed_m_s}, must lie in (0, 10]")
            wait()
            start = self._vector("start", start)
            leaving = self._must_leave(start, wait)
            if travel(self._kinematics.forward(start), T_base_tcp) < _STILL_RAD:
                return self._still(start)
            failure: PlanFailure | None = None
            for refinement in range(_LINE_REFINEMENTS):
                wait()
                points, progress = self._trace(start, T_base_tcp, leaving, refinement, wait)
                trajectory = self._timed_line(points, progress, speed_m_s)
                failure = self._off_line(trajectory, start, T_base_tcp)
                if failure is None:
                    self._world.enter(wait)
                    self._require_free(trajectory.positions, leaving, wait)
                    failure = self._changed(wait)
                if failure is None:
                    return trajectory
            raise failure or PlanningFailed("no straight line was asked for")

    # Inverse kinematics

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
            self._group,
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
            joints = np.array([positions.get(name, np.nan) for name in self._joints])
            if self._reaches(joints, T_base_tcp) and not _is_known(joints, known + found):
                found.append(joints)
        return found

    def _reaches(self, joints: JointVector, T_base_tcp: Transform) -> bool:
        if not np.isfinite(joints).all():
            return False
        if (joints < self._kinematics.lower).any() or (joints > self._kinematics.upper).any():
            return False
        offset, angle = self._kinematics.forward(joints).distance_to(T_base_tcp)
        return offset <= _POSE_TOLERANCE_M and angle <= _POSE_TOLERANCE_RAD

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
                self._group,
                self._scaling(speed, _PATH_SLOWNESS),
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
        trajectory = no_faster(trajectory, _PATH_SLOWNESS * lasted_s)
        require_limits(self._joints, trajectory.positions, *self._limits)
        self._require_free(trajectory.positions, False, wait)
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

    def _scaling(self, speed: float, slowness: float) -> Scaling:
        """Shares of move_group's limits for a motion that is to be followed faster than asked."""
        return Scaling(
            velocity=self._config.velocity_scale * speed * slowness,
            acceleration=self._config.acceleration_scale * speed * slowness**2,
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
                    ways.append(self._trace(start, T_end, True, 0, wait)[0])
                except PlanFailure:
                    continue
            self._world.enter(wait)
            ends = self._world.touching([way[-1] for way in ways], wait)
            for way, pairs in zip(ways, ends, strict=True):
                if not pairs:
                    trajectory = self._timed_path(way, speed)
                    self._require_free(trajectory.positions, True, wait)
                    return trajectory
        (pairs,) = self._world.touching([start], wait)
        raise PlanningFailed(
            f"{self._world.explain(pairs)} at the start, and no motion of up to "
            f"{self._config.leave_distance_m} m comes clear of it; allow the contact in the scene"
        )

    # Straight lines

    def _trace(
        self,
        start: JointVector,
        T_base_tcp: Transform,
        leaving: bool,
        refinement: int,
        wait: Wait,
    ) -> tuple[Path, Path]:
        """Points of a whole straight line, shape (N, J), and the distance travelled, shape (N,).

        Args:
            start: Where it begins, shape (J,), rad.
            T_base_tcp: Where it ends.
            leaving: Whether its start lies in the padding: boxes are shrunk then.
            refinement: How often the step was halved.
            wait: Of the planner.

        Raises:
            Unreachable, Collision: It does not get to its end, or not without a jump.
        """
        self._world.enter(wait, shrunk=leaving)
        answer = self._ask_line(start, T_base_tcp, refinement, True, wait)
        if answer.fraction < 1.0 - 1e-6:
            raise self._why_not(start, T_base_tcp, answer.fraction, wait)
        positions = arranged(answer.path, self._joints, start)
        step_m = self._config.line_step_m / 2**refinement
        points, progress = thinned(positions, self._tcp_travel(positions), step_m)
        require_no_jump(points, progress, self._config.max_joint_jump_rad)
        lower, upper = self._kinematics.lower, self._kinematics.upper
        require_limits(self._joints, points, lower, upper)
        return points, progress

    def _ask_line(
        self,
        start: JointVector,
        T_base_tcp: Transform,
        refinement: int,
        avoid_collisions: bool,
        wait: Wait,
    ) -> Answer:
        answer = self._move_group.line(
            self._world.state(start),
            self._group,
            self._robot.arm.tcp_frame,
            self._world.in_model(T_base_tcp, wait),
            self._config.line_step_m / 2**refinement,
            self._scaling(1.0, _LINE_SLOWNESS / 2**refinement),
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
        through = self._ask_line(start, T_base_tcp, 0, False, wait)
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

    def _off_line(
        self, trajectory: JointTrajectory, start: JointVector, T_base_tcp: Transform
    ) -> PlanFailure | None:
        """What is wrong with a trajectory that must follow a straight line to its end."""
        T_start = self._kinematics.forward(start)
        offset, angle = worst_deviation(
            self._kinematics, trajectory.positions, T_start, T_base_tcp
        )
        missed = self._kinematics.forward(trajectory.goal).distance_to(T_base_tcp)
        offset, angle = max(offset, missed[0]), max(angle, missed[1])
        if offset <= _LINE_TOLERANCE_M and angle <= _LINE_TOLERANCE_RAD:
            return None
        return Unreachable(
            f"the joints follow the straight line only within {1e3 * offset:.2f} mm and "
            f"{angle:.4f} rad: it passes close to a singularity"
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

    def _require_free(self, positions: Path, leaving: bool, wait: Wait) -> None:
        """Check a path state by state, shape (N, J), in the padded scene.

        A path that leaves the padding may be in it until it comes out, within the distance, and
        not come back. Deeper contact was excluded when it was planned.

        Raises:
            Collision: It touches something; names the pair.
        """
        step = self._config.check_step_rad * (0.2 if leaving else 1.0)
        states, _ = thinned(positions, joint_travel(positions), step)
        first = self._kinematics.forward(states[0])
        left = not leaving
        for joints, pairs in zip(states, self._world.touching(list(states), wait), strict=True):
            if not pairs:
                left = True
                continue
            distance, _ = first.distance_to(self._kinematics.forward(joints))
            if left or distance > self._config.leave_distance_m:
                raise Collision(f"{self._world.explain(pairs)} {1e3 * distance:.0f} mm away")
        if not left:
            raise Collision(f"{self._world.explain(pairs)} at the end of the motion")

    def _changed(self, wait: Wait) -> PlanFailure | None:
        difference = self._world.difference(wait)
        if not difference:
            return None
        return PlanningFailed(
            f"move_group's scene was changed while it planned: {difference}; no other client may "
            "touch our objects"
        )

    def _check_limits(self, name: str, joints: JointVector, slack: float) -> None:
        lower, upper = self._limits
        outside = (joints < lower - slack) | (joints > upper + slack)
        if outside.any():
            index = int(outside.argmax())
            raise PlanningFailed(
                f"{self._joints[index]} is {joints[index]:.3f} rad at the {name}, its limits are "
                f"[{lower[index]}, {upper[index]}] rad"
            )

    def _vector(self, name: str, joints: ArrayLike) -> JointVector:
        vector = np.array(joints, dtype=np.float64)
        if vector.shape != (len(self._joints),) or not np.all(np.isfinite(vector)):
            raise ConfigError(
                f"{name} must be {len(self._joints)} finite joint angles, is {vector.tolist()}"
            )
        return vector

    def _still(self, joints: JointVector) -> JointTrajectory:
        zeros = np.zeros((2, len(joints)))
        times = np.array([0.0, self._config.sample_period_s])
        return JointTrajectory(
            self._joints, times, np.stack([joints, joints]), zeros, zeros.copy()
        )


def _is_known(joints: JointVector, others: list[JointVector]) -> bool:
    return any(float(np.abs(joints - other).max()) < _DISTINCT_RAD for other in others)


def _distance(a: JointVector, b: JointVector) -> float:
    # Joints near the base move more of the arm.
    weights = np.linspace(1.0, 0.4, len(a))
    return float(np.linalg.norm(weights * (a - b)))
