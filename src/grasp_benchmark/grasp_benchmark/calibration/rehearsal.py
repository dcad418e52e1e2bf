"""The whole automatic routine over the simulation in this process, and how well it did.

What is noisy: every level of the image, and every joint angle that is read. Nothing that the
routine is told comes from the truth: it sees images and joint angles alone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from grasp_benchmark.in_process import SimArm, SimClock
from grasp_calibration.automatic import AutomaticRound, Mount, RoundSettings
from grasp_calibration.check import point_errors_m, workspace_points
from grasp_calibration.detection import BoardDetector
from grasp_calibration.solve import Calibration, calibrate
from grasp_calibration.station import Picture, Say, ViewTaker
from grasp_core.camera import PinholeCamera
from grasp_core.charuco_board import CharucoBoard
from grasp_core.errors import PlanFailure, Unreachable
from grasp_core.robot import CAMERA_ON_HAND, RobotModel, load_robot
from grasp_core.transform import Transform
from grasp_executor.interfaces import JointTrajectory, JointVector, Planner
from grasp_executor.motion import Mover
from grasp_executor.planning.registry import DEFAULT_PLANNER, create_planner
from grasp_executor.scene import Box
from grasp_executor.surroundings import Surroundings
from grasp_sim.board import SimBoard
from grasp_sim.config import BOARD_ON_HAND, BOARD_ON_TABLE, SimConfig
from grasp_sim.simulation import Simulation

COLOR_NOISE = 4.0
"""Noise of the image, standard deviation of its 255 levels."""
ENCODER_NOISE_RAD = 2e-4
"""Noise of a joint angle that is read, standard deviation: 0.2 mm at a reach of 0.9 m."""
_BOARD_TURN_DEG, _BOARD_SHIFT_M = 6.0, 0.01
_ABOVE_TABLE_M = 0.03  # a tilted board must not sink into the table
_START_DISTANCES_M = (0.45, 0.4, 0.5, 0.35)
_TICK_S = 0.02


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """What came of it.

    Attributes:
        calibration: What the routine found.
        camera: Intrinsics of its images.
        parent_frame: Frame in which the camera's pose is given.
        camera_frame: The optical frame.
        base_frame: The robot's base frame.
        offset_mm: Distance of the camera found from the true one.
        turn_deg: Angle between the two.
        point_mm: Error of points of the workspace, 95th percentile.
    """

    calibration: Calibration
    camera: PinholeCamera
    parent_frame: str
    camera_frame: str
    base_frame: str
    offset_mm: float
    turn_deg: float
    point_mm: float

    @property
    def sentence(self) -> str:
        """The comparison with the truth in words."""
        return (
            f"truth: the camera is off by {self.offset_mm:.2f} mm and {self.turn_deg:.3f} deg; "
            f"points of the workspace by {self.point_mm:.2f} mm (95th percentile)"
        )


def rehearse(
    camera_mount: str,
    seed: int,
    simulated: SimConfig,
    settings: RoundSettings,
    say: Say = lambda line: None,
    check: Callable[[], None] = lambda: None,
) -> Rehearsal:
    """Calibrate the simulated camera.

    Args:
        camera_mount: ``fixed`` or ``hand``.
        seed: Of noise, of how the board is held or lies, and of the choice of views.
        simulated: Robot, cell and camera.
        settings: Of the round; its seed is replaced.
        say: Told what happens.
        check: Called all the time; what it raises ends the work.

    Raises:
        ConfigError: The robot has no look configuration, or another value is wrong.
        BadCalibration: The views do not determine the camera.
        PlanFailure: The arm cannot bring the board before the camera.
    """
    rng = np.random.default_rng(seed)
    on_hand = camera_mount == CAMERA_ON_HAND
    x, y, z = rng.uniform(-_BOARD_SHIFT_M, _BOARD_SHIFT_M, 3)
    config = dataclasses.replace(
        simulated,
        camera_mount=camera_mount,
        board=BOARD_ON_TABLE if on_hand else BOARD_ON_HAND,
        board_rpy_deg=tuple(rng.uniform(-_BOARD_TURN_DEG, _BOARD_TURN_DEG, 3)),
        board_xyz_m=(x, y, z + (_ABOVE_TABLE_M if on_hand else 0.0)),
        color_noise=COLOR_NOISE,
    )
    robot = load_robot(config.robot, config.gripper)
    simulation = Simulation(config, robot)
    try:
        simulation.restart_clock(noise_seed=seed)
        return _carry_out(simulation, dataclasses.replace(settings, seed=seed), rng, say, check)
    finally:
        simulation.close()


class _NoisyHand:
    """The camera, and the hand's pose from joint angles that are read with noise."""

    def __init__(self, simulation: Simulation, planner: Planner, rng: np.random.Generator) -> None:
        self._simulation = simulation
        self._planner = planner
        self._rng = rng

    def take(self, wait: Callable[[], None]) -> Picture:
        """See HandCamera."""
        wait()
        joints = self._simulation.arm_state()[0]
        noisy = joints + ENCODER_NOISE_RAD * self._rng.standard_normal(len(joints))
        frame = self._simulation.render()
        return Picture(frame.color, frame.camera, self._planner.forward(noisy), frame.frame_id)


def _carry_out(
    simulation: Simulation,
    settings: RoundSettings,
    rng: np.random.Generator,
    say: Say,
    check: Callable[[], None],
) -> Rehearsal:
    robot, cell = simulation.robot, simulation.world.cell
    planner, arm, board = (
        create_planner(DEFAULT_PLANNER, robot),
        SimArm(simulation),
        CharucoBoard(),
    )

    def cancelled() -> bool:
        check()
        return False

    mover = Mover(arm, SimClock(simulation), _TICK_S, cancelled)
    mount = Mount(robot, cell, simulation.config.camera_mount)
    if mount.camera_mount != CAMERA_ON_HAND:
        _show_board(simulation, planner, mover, board)
    taker = ViewTaker(_NoisyHand(simulation, planner, rng), BoardDetector(board), say)
    AutomaticRound(mount, planner, arm, mover, taker, settings, _unhurt, say).run()
    found = calibrate(taker.views, simulation.camera, board, mount.camera_mount)
    return _judged(simulation, planner, robot, found)


def _show_board(
    simulation: Simulation, planner: Planner, mover: Mover, board: CharucoBoard
) -> None:
    """Bring the board before the camera, as an operator does who sees both.

    Raises:
        PlanFailure: The arm cannot.
    """
    held = simulation.board
    if held is None:
        return
    planner.set_scene(Surroundings(simulation.robot, simulation.world.cell).closed())
    here = simulation.arm_state()[0]
    failure: PlanFailure = Unreachable("no way to hold the board before the camera")
    for T_base_tcp in _facing(simulation, held, board):
        try:
            goal: JointVector = planner.solve_ik(T_base_tcp, near=here, count=1, wait=_at_once)[0]
            way = planner.plan_joints(here, goal, wait=_at_once)
        except PlanFailure as error:
            failure = error
            continue
        mover.follow(way)
        return
    raise failure


def _facing(simulation: Simulation, held: SimBoard, board: CharucoBoard) -> Iterator[Transform]:
    """Poses of the tcp with the board square before the camera, in all turns."""
    for distance in _START_DISTANCES_M:
        for turn in np.arange(8) * math.pi / 4.0:
            rotation = Transform.from_rpy((0.0, 0.0, turn)).rotation
            middle = np.array([0.0, 0.0, distance])
            T_camera_board = Transform.from_rotation(rotation, middle - rotation @ board.center)
            yield simulation.T_base_camera @ T_camera_board @ held.T_parent_board.inverse()


def _judged(
    simulation: Simulation, planner: Planner, robot: RobotModel, found: Calibration
) -> Rehearsal:
    """Compare with the truth; a camera on the hand looks from where picks look."""
    true, config = simulation.T_parent_camera, simulation.config
    on_hand = config.camera_mount == CAMERA_ON_HAND
    T_base_parent = (
        planner.forward(np.array(robot.arm.observe)) if on_hand else Transform.identity()
    )
    points = workspace_points(simulation.world.cell)
    errors = point_errors_m(true, found.poses.camera, T_base_parent, points)
    offset_m, turn = true.distance_to(found.poses.camera)
    return Rehearsal(
        found,
        simulation.camera,
        simulation.camera_parent,
        config.camera_frame,
        robot.arm.base_frame,
        1e3 * offset_m,
        math.degrees(turn),
        1e3 * float(np.percentile(errors, 95)),
    )


def _at_once() -> None:
    """Nobody cancels while it plans."""


def _unhurt(way: JointTrajectory, carried: Box | None) -> JointTrajectory:
    """As fast as planned: nobody stands beside a simulation."""
    return way
