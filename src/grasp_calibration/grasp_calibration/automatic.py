"""An automatic round of safe views: planned, checked for collisions, slow, stopped by a cancel."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from grasp_calibration.equations import Poses
from grasp_calibration.errors import BoardNotSeen, CalibrationFailed
from grasp_calibration.solve import rough
from grasp_calibration.station import Say, ViewTaker
from grasp_calibration.view_plan import boards_over_image, first_steps
from grasp_core.camera import PinholeCamera
from grasp_core.cell import Cell
from grasp_core.config import Checked, setting
from grasp_core.errors import PlanFailure
from grasp_core.robot import CAMERA_ON_HAND, RobotModel
from grasp_core.transform import Transform
from grasp_executor.interfaces import Arm, JointTrajectory, JointVector, Planner
from grasp_executor.motion import Mover
from grasp_executor.scene import Box
from grasp_executor.surroundings import Surroundings

Pace = Callable[[JointTrajectory, Box | None], JointTrajectory]
"""A trajectory no faster than allowed, with what the hand carries, in the tcp frame."""

_CAMERA_SIZE_M = (0.12, 0.05, 0.05)  # what a camera on the hand takes up, cable included
_PLATE_M = 0.015  # thickness of a board on the hand, and as much beyond its edges
_TRIES = 6  # poses asked for per view that is wanted


@dataclass(frozen=True)
class RoundSettings(Checked):
    """How the round is done."""

    views: int = setting(20, "views to take", minimum=8, maximum=200)
    speed: float = setting(0.2, "scale of the planner's joint speed", minimum=0.01, maximum=1.0)
    settle_s: float = setting(0.5, "rest before a picture, s", minimum=0.0, maximum=10.0)
    reach_m: float = setting(
        0.35, "how far the hand may go from where it starts, m", minimum=0.05, maximum=1.5
    )
    seed: int = setting(0, "of the choice of views", minimum=0)


@dataclass(frozen=True, eq=False)
class Mount:
    """A robot with its camera and its board, as the round needs them.

    Attributes:
        robot: Its model.
        cell: Its surroundings; nothing else may stand within its reach.
        camera_mount: ``fixed`` or ``hand``.
    """

    robot: RobotModel
    cell: Cell
    camera_mount: str


class AutomaticRound:
    """Moves an arm through views of the board, from where it is and back."""

    def __init__(
        self,
        mount: Mount,
        planner: Planner,
        arm: Arm,
        mover: Mover,
        taker: ViewTaker,
        settings: RoundSettings,
        pace: Pace,
        say: Say,
    ) -> None:
        """Prepare.

        Args:
            mount: What is calibrated.
            planner: Plans the arm's ways.
            arm: Tells its state.
            mover: Moves it; it stops the arm when the user cancels.
            taker: Takes the views.
            settings: How.
            pace: Slows a trajectory down to what is allowed.
            say: Tells the user.
        """
        self._mount = mount
        self._planner = planner
        self._arm = arm
        self._mover = mover
        self._taker = taker
        self._settings = settings
        self._pace = pace
        self._carried: Box | None = None
        self._say = say
        self._scene = Surroundings(mount.robot, mount.cell).closed()

    def run(self) -> None:
        """Take the views; the arm ends where it began.

        Raises:
            BoardNotSeen: The board is not in view where the arm is.
            CalibrationFailed: Too few views can be taken from here.
            Cancelled, or what ends a motion; the arm is at rest.
        """
        self._planner.set_scene(self._scene)
        start = self._arm.state().positions
        try:
            first = self._taker.take(self._mover.tick)
        except BoardNotSeen as error:
            raise BoardNotSeen(
                f"{error}. The round begins where the arm is: move it so that the board is in "
                "the middle of the image"
            ) from error
        T_base_tcp = self._planner.forward(start)
        T_hand_tcp = first.T_base_hand.inverse() @ T_base_tcp
        for step in first_steps():
            self._view_from(first.T_base_hand @ step @ T_hand_tcp, start)
        camera = self._taker.camera
        if camera is None:
            raise CalibrationFailed("no picture was taken")
        poses = rough(self._taker.views, camera, self._mount.camera_mount)
        self._carry(poses, T_hand_tcp)
        self._spread(poses, camera, T_hand_tcp, start)
        self._go(start)
        self._planner.attach(None)

    def _spread(
        self, poses: Poses, camera: PinholeCamera, T_hand_tcp: Transform, start: JointVector
    ) -> None:
        """Views with the board all over the image."""
        settings, on_hand = self._settings, self._mount.camera_mount == CAMERA_ON_HAND
        seen = self._taker.views[0].image.T_camera_board
        rng = np.random.default_rng(settings.seed)
        board = self._taker.detector.board
        origin = self._planner.forward(start).translation
        wanted = _TRIES * max(settings.views - len(self._taker.views), 0)
        for T_camera_board in itertools.islice(
            boards_over_image(seen, camera, board, rng), wanted
        ):
            if len(self._taker.views) >= settings.views:
                return
            carrier = poses.board @ (poses.camera @ T_camera_board).inverse()
            T_base_tcp = (carrier if on_hand else carrier.inverse()) @ T_hand_tcp
            away_m = float(np.linalg.norm(T_base_tcp.translation - origin))
            if away_m <= settings.reach_m:
                self._view_from(T_base_tcp, start)
        if len(self._taker.views) < settings.views:
            self._say(
                f"only {len(self._taker.views)} of {settings.views} views can be taken from here"
            )

    def _view_from(self, T_base_tcp: Transform, start: JointVector) -> None:
        """One view, unless the arm cannot go there or the board is not seen from there."""
        try:
            here = self._arm.state().positions
            # Near the start, so that the arm keeps its elbow where the user has put it.
            goal = self._planner.solve_ik(T_base_tcp, near=start, count=1, wait=_at_once)[0]
            way = self._planner.plan_joints(here, goal, self._settings.speed, wait=_at_once)
        except PlanFailure as failure:
            self._say(f"skipped: {failure}")
            return
        self._mover.follow(self._pace(way, self._carried))
        self._mover.settle(self._settings.settle_s)
        try:
            self._taker.take(self._mover.tick)
        except BoardNotSeen as failure:
            self._say(f"skipped: {failure}")

    def _go(self, goal: JointVector) -> None:
        here = self._arm.state().positions
        way = self._planner.plan_joints(here, goal, self._settings.speed, wait=_at_once)
        self._mover.follow(self._pace(way, self._carried))

    def _carry(self, poses: Poses, T_hand_tcp: Transform) -> None:
        """Let the planner know of what is on the hand, now that it is known where."""
        T_tcp_hand = T_hand_tcp.inverse()
        if self._mount.camera_mount == CAMERA_ON_HAND:
            behind = Transform.from_translation(0.0, 0.0, -_CAMERA_SIZE_M[2] / 2.0)
            box = Box("camera", _CAMERA_SIZE_M, T_tcp_hand @ poses.camera @ behind, padded=False)
        else:
            board = self._taker.detector.board
            width, height = (side + 2.0 * _PLATE_M for side in board.size_m)
            middle = Transform.from_translation(*board.center)
            pose = T_tcp_hand @ poses.board @ middle
            box = Box("board", (width, height, _PLATE_M), pose, padded=False)
        self._carried = box
        self._planner.attach(box)


def _at_once() -> None:
    """Planning is short here, and the mover looks for a cancel before each motion."""
