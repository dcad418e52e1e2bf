"""The simulated robot cell: one clock, an arm, a gripper, a camera, objects, and the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pybullet
from numpy.typing import ArrayLike, NDArray

from grasp_core.charuco_board import CharucoBoard
from grasp_core.errors import ConfigError
from grasp_core.frame import RgbdFrame
from grasp_core.robot import CAMERA_ON_HAND, RobotModel
from grasp_core.transform import Transform
from grasp_sim.board import SimBoard
from grasp_sim.camera import camera_pose, hand_camera_pose, intrinsics
from grasp_sim.config import NO_BOARD, STEPS_PER_S, SimConfig
from grasp_sim.external_wrench import WrenchEstimator
from grasp_sim.gripper import GripperController, GripperGoal
from grasp_sim.hand_sensor import HandReading, HandSensor
from grasp_sim.noise import PRESETS
from grasp_sim.objects import ObjectSet, object_set
from grasp_sim.picture import draw
from grasp_sim.scenes import build_scene, check_names
from grasp_sim.trajectory import (
    Goal,
    Tolerances,
    TrajectoryFollower,
    check_trajectory,
)
from grasp_sim.truth import ObjectTruth, truth_of
from grasp_sim.world import World

Vector = NDArray[np.float64]

_PERIOD_S = 1.0 / STEPS_PER_S
_POSITION_GAIN = 0.6
_VELOCITY_GAIN = 1.0
_SEEN_PX = 20  # of a thing in an image: fewer are lost in the noise of a depth camera


@dataclass
class _Pull:
    """A force on an object until a time."""

    name: str
    force_n: Vector
    until_s: float


class Simulation:
    """A robot on a table with a camera above; time advances by :meth:`step` alone.

    The same configuration, robot, calls and seeds give the same result, bit for bit.
    """

    def __init__(self, config: SimConfig, robot: RobotModel, *, gui: bool = False) -> None:
        self.robot = robot = robot.for_camera(config.camera_mount)
        self.objects = object_set(config.objects)
        self.world = World(config, robot, gui=gui)
        self.config = config = self.world.config
        self.camera = intrinsics(config)
        on_hand = config.camera_mount == CAMERA_ON_HAND
        self.camera_parent = robot.arm.tcp_frame if on_hand else robot.arm.base_frame
        self.T_parent_camera = hand_camera_pose(config) if on_hand else camera_pose(config)
        self._steps = 0
        self._noise_seed = 0
        self._watches: list[Callable[[], None]] = []
        self._seen: set[int] = set()
        self._scaling = 1.0
        self._arm_joints = [self.world.joints[name] for name in robot.arm.joints]
        self._fingers = [self.world.joints[name] for name in robot.gripper.joints]
        self._reset_robot()
        self.board = self._place_board()

    def close(self) -> None:
        """Release PyBullet."""
        self.world.close()

    def end_goals(self) -> None:
        """End running goals of arm and gripper for good; needs no PyBullet, which may be gone."""
        self._follower.cancel("the simulation has ended")
        self._gripper.cancel(self._gripper.goal.gap_m)

    @property
    def renderer(self) -> str:
        """What draws the images: ``egl`` or ``tiny``."""
        return self.world.renderer

    # -- time -----------------------------------------------------------------------------------

    @property
    def time_ns(self) -> int:
        """Simulation time, nanoseconds."""
        return self._steps * 1_000_000_000 // STEPS_PER_S

    @property
    def time_s(self) -> float:
        """Simulation time, seconds."""
        return self._steps / STEPS_PER_S

    def step(self) -> None:
        """Advance by 1/240 s."""
        self._drive_arm()
        self._drive_gripper()
        self._apply_pulls()
        self.world.step()
        self._steps += 1
        self._look_at_hand()
        for watch in self._watches:
            watch()
        self._gripper.watch(self.time_s, self.gap_m)
        goal = self._gripper.goal
        closing_n = goal.force_n if goal.gap_m < self.gap_m else 0.0
        self.world.set_grip(closing_n, holding=self._gripper.is_squeezing)

    @contextmanager
    def watched_by(self, watch: Callable[[], None]) -> Iterator[None]:
        """Call something after every step, as long as the context lasts."""
        self._watches.append(watch)
        try:
            yield
        finally:
            self._watches.remove(watch)

    def restart_clock(self, noise_seed: int = 0) -> None:
        """Let time begin anew; followed by a new scene, nothing depends on earlier ones any more.

        Args:
            noise_seed: Of the depth noise from now on, beside the time.
        """
        self._steps, self._noise_seed = 0, abs(noise_seed)

    # -- scenes ---------------------------------------------------------------------------------

    def use_noise(self, name: str) -> None:
        """Draw depth with another noise preset from now on.

        Raises:
            ConfigError: No such preset.
        """
        self.config = replace(self.config, noise=name)

    def tilt_camera(self, tilt_deg: float) -> None:
        """Let a fixed camera look at its target at another angle from straight down.

        Raises:
            ConfigError: No such angle.
        """
        if tilt_deg == self.config.camera_tilt_deg:
            return
        self.config = replace(self.config, camera_tilt_deg=tilt_deg)
        self.T_parent_camera = camera_pose(self.config)

    def new_scene(
        self, names: Sequence[str], seed: int, objects: ObjectSet | None = None
    ) -> list[str]:
        """Clear the table, put the arm back, and settle objects.

        Args:
            names: Objects of the set.
            seed: Of places, orientations and colours.
            objects: The set from now on; None keeps the current one.

        Returns:
            Names on the table, unique.

        Raises:
            ConfigError: An unknown object or a wrong number, and nothing has changed; or no
                stable scene, and the table is not as asked.
        """
        check_names(objects or self.objects, names)
        if objects is not None:
            self.objects = objects
            self.config = replace(self.config, objects=objects.name)
        self.clear()
        return build_scene(self.world, self.objects, names, seed, self.step)

    def clear(self) -> None:
        """Clear the table and put the arm back, gripper open; running goals are cancelled."""
        self._follower.cancel("the scene was replaced")
        self._gripper.cancel(self.robot.gripper.max_gap_m)
        self.world.rebuild()
        self._seen.clear()
        self._reset_robot()
        self.board = self._place_board()

    def _reset_robot(self) -> None:
        client, body = self.world.client, self.world.robot_body
        rest = np.array(self.robot.arm.observe)
        for joint, position in zip(self._arm_joints, rest, strict=True):
            client.resetJointState(body, joint, position)
        for joint in self._fingers:
            client.resetJointState(body, joint, self.robot.gripper.max_gap_m / 2)
        self._follower = TrajectoryFollower(self.robot.arm, rest)
        self._follower.wanted_scaling = self._scaling
        self._gripper = GripperController(self.config, self.robot.gripper.max_gap_m)
        self._pulls: list[_Pull] = []
        self._arm_force = [client.getJointInfo(body, joint)[10] for joint in self._arm_joints]
        self._acceleration = np.zeros(len(rest))
        self._set_velocity = np.zeros(len(rest))
        self._wrench = WrenchEstimator(self.world, self._noise_seed)
        self._hand = HandSensor(self.robot.gripper)
        self._look_at_hand()

    # -- arm ------------------------------------------------------------------------------------

    def arm_state(self) -> tuple[Vector, Vector]:
        """Measured joint positions, rad, and velocities, rad/s, shape (J,) each."""
        states = self.world.client.getJointStates(self.world.robot_body, self._arm_joints)
        return np.array([s[0] for s in states]), np.array([s[1] for s in states])

    def joint_state(self, names: Sequence[str]) -> tuple[Vector, Vector, Vector]:
        """Positions, velocities and efforts of joints, shape (J,) each."""
        joints = [self.world.joints[name] for name in names]
        states = self.world.client.getJointStates(self.world.robot_body, joints)
        return (
            np.array([s[0] for s in states]),
            np.array([s[1] for s in states]),
            np.array([s[3] for s in states]),
        )

    def follow(
        self,
        joints: Sequence[str],
        times_s: ArrayLike,
        positions: Sequence[Sequence[float]],
        velocities: Sequence[Sequence[float]] = (),
        accelerations: Sequence[Sequence[float]] = (),
        tolerances: Tolerances | None = None,
    ) -> Goal:
        """Check a trajectory and follow it from now on; a running one is replaced.

        See :func:`grasp_sim.trajectory.check_trajectory` for the arguments.

        Raises:
            InvalidTrajectory: It is refused; says why.
        """
        trajectory = check_trajectory(
            self.robot.arm,
            joints,
            times_s,
            positions,
            velocities,
            accelerations,
            current=self.arm_state()[0],
            start_tolerance_rad=self.config.start_tolerance_rad,
        )
        return self._follower.start(
            trajectory, tolerances or self.default_tolerances(), self.time_s
        )

    def default_tolerances(self) -> Tolerances:
        """Tolerances of a goal that names none."""
        config = self.config
        return Tolerances(config.path_tolerance_rad, config.goal_tolerance_rad, config.goal_time_s)

    def scale_speed(self, scaling: float) -> None:
        """Follow trajectories at a share of their speed from now on, as a pendant's slider does.

        Raises:
            ConfigError: It is not in [0, 1].
        """
        if not 0.0 <= scaling <= 1.0:
            raise ConfigError(f"the speed scaling is {scaling}, must lie in [0, 1]")
        self._scaling = self._follower.wanted_scaling = float(scaling)

    def stop_arm(self, goal: Goal | None = None) -> None:
        """Cancel the running trajectory, or only this one, and come to rest smoothly."""
        if goal is None or self._follower.goal is goal:
            self._follower.cancel()

    def _drive_arm(self) -> None:
        positions, velocities = self._follower.step(self.arm_state()[0], _PERIOD_S)
        self._acceleration = (velocities - self._set_velocity) / _PERIOD_S
        self._set_velocity = velocities
        count = len(self._arm_joints)
        self.world.client.setJointMotorControlArray(
            self.world.robot_body,
            self._arm_joints,
            pybullet.POSITION_CONTROL,
            targetPositions=positions.tolist(),
            targetVelocities=velocities.tolist(),
            forces=self._arm_force,
            positionGains=[_POSITION_GAIN] * count,
            velocityGains=[_VELOCITY_GAIN] * count,
        )

    def external_wrench(self) -> Vector | None:
        """What the arm estimates its hand to exert on its surroundings; see WrenchEstimator.

        Returns:
            Shape (6,), N and N m, base frame; None for an arm that measures none.
        """
        if not self.robot.arm.external_wrench_topic:
            return None
        return self._wrench.estimate(self._acceleration, self._steps)

    # -- gripper --------------------------------------------------------------------------------

    def _look_at_hand(self) -> None:
        self._hand.step(self._steps, self.world, *self.finger_state())

    def hand_reading(self) -> HandReading:
        """What the hand's driver measured last, with the time of now."""
        return HandReading(*self._hand.measured(), self.time_s)

    def hand_readings_since(self, stamp_s: float) -> list[HandReading]:
        """What the hand's driver has published after a time, of the last second, oldest first."""
        return self._hand.since(stamp_s)

    def newest_hand_reading(self) -> HandReading:
        """What the hand's driver has published last."""
        return self._hand.newest

    def finger_state(self) -> tuple[Vector, Vector, Vector]:
        """True finger positions, m, velocities, m/s, and drive forces, N, shape (2,) each."""
        states = self.world.client.getJointStates(self.world.robot_body, self._fingers)
        return (
            np.array([s[0] for s in states]),
            np.array([s[1] for s in states]),
            np.array([s[3] for s in states]),
        )

    @property
    def gap_m(self) -> float:
        """Distance between the fingers, metres."""
        return float(self.finger_state()[0].sum())

    def grip(self, gap_m: float, force_n: float = 0.0) -> GripperGoal:
        """Move the fingers to a gap with at most this force each; 0 means the default force."""
        return self._gripper.command(gap_m, force_n, self.time_s)

    def stop_gripper(self, goal: GripperGoal | None = None) -> None:
        """Stop the fingers where they are; with a goal, only if that one is running."""
        if goal is None or self._gripper.goal is goal:
            self._gripper.cancel(self.gap_m)

    def _drive_gripper(self) -> None:
        goal = self._gripper.goal
        for joint in self._fingers:
            self.world.client.setJointMotorControl2(
                self.world.robot_body,
                joint,
                pybullet.POSITION_CONTROL,
                targetPosition=goal.gap_m / 2,
                force=goal.force_n,
                maxVelocity=self.config.finger_speed_m_s,
            )

    # -- camera ---------------------------------------------------------------------------------

    @property
    def T_base_camera(self) -> Transform:
        """True pose of the camera's optical frame now."""
        return self.T_base_parent @ self.T_parent_camera

    @property
    def T_base_parent(self) -> Transform:
        """Where what carries the camera is now."""
        return self.world.link_pose(self.camera_parent)

    def _place_board(self) -> SimBoard | None:
        if self.config.board == NO_BOARD:
            return None
        return SimBoard(self.world, self.config, CharucoBoard())

    def render(self) -> RgbdFrame:
        """Draw the camera's view now; the noise depends on the time and its seed alone."""
        if self.board is not None:
            self.board.place()
        pose = self.T_base_camera
        color, depth, bodies = draw(self.world, self.camera, pose)
        pixels = np.bincount(bodies.ravel() + 1)[1:]
        self._seen.update(np.flatnonzero(pixels >= _SEEN_PX).tolist())
        rng = np.random.default_rng([self._noise_seed, self._steps])
        if self.config.noise != "none":
            depth = PRESETS[self.config.noise].apply(depth, self.config.camera_fx, rng)
        if self.config.color_noise > 0.0:
            noisy = color + self.config.color_noise * rng.standard_normal(color.shape)
            color = np.clip(np.round(noisy), 0, 255).astype(np.uint8)
        frame_id = self.config.camera_frame
        return RgbdFrame(color, depth, self.camera, self.time_ns, frame_id, pose)

    # -- truth and disturbance ------------------------------------------------------------------

    def has_seen(self, name: str) -> bool:
        """Whether an image of this scene showed a thing; table and bin are known without.

        Raises:
            ObjectNotFound: No such thing.
        """
        world = self.world
        if name in {solid.name for solid in world.cell.solids()}:
            return True
        body = world.fixed[name] if name in world.fixed else world.object(name).body
        return body in self._seen

    def truth(self) -> list[ObjectTruth]:
        """What is really there, one entry per object."""
        return [truth_of(self.world, thing) for thing in self.world.objects.values()]

    def link_poses(self) -> dict[str, Transform]:
        """``T_base_link`` of every robot link."""
        return {name: self.world.link_pose(name) for name in self.world.links}

    def remove(self, name: str = "") -> str:
        """Take an object out of the world; an empty name means the first. Returns its name.

        Raises:
            ObjectNotFound: No such object.
        """
        return self.world.remove(name)

    def move(self, name: str, offset_m: ArrayLike) -> str:
        """Displace an object by a vector, metres, base frame. Returns its name.

        Raises:
            ObjectNotFound: No such object.
            ConfigError: The vector is not finite.
        """
        offset = np.asarray(offset_m, dtype=np.float64)
        if not np.all(np.isfinite(offset)):
            raise ConfigError(f"a move needs a finite vector in metres, got {offset.tolist()}")
        thing = self.world.object(name)
        shift = Transform.from_translation(*offset)
        self.world.place(thing, shift @ self.world.pose(thing))
        return thing.name

    def pull(self, name: str, force_n: ArrayLike, duration_s: float) -> str:
        """Pull at an object's centre of mass with a force, newtons, base frame. Returns its name.

        Raises:
            ObjectNotFound: No such object.
            ConfigError: The duration or the force is impossible.
        """
        force = np.asarray(force_n, dtype=np.float64)
        if not 0.0 < duration_s <= 60.0 or not np.all(np.isfinite(force)):
            raise ConfigError(
                f"a pull needs a finite force and a duration in (0, 60] s, got {force.tolist()} N "
                f"for {duration_s} s"
            )
        thing = self.world.object(name)
        self._pulls.append(_Pull(thing.name, force, self.time_s + duration_s))
        return thing.name

    def _apply_pulls(self) -> None:
        now = self.time_s
        self._pulls = [p for p in self._pulls if p.until_s > now and p.name in self.world.objects]
        for pull in self._pulls:
            thing = self.world.objects[pull.name]
            self.world.client.applyExternalForce(
                thing.body,
                -1,
                pull.force_n.tolist(),
                self.world.pose(thing).translation.tolist(),
                pybullet.WORLD_FRAME,
            )
