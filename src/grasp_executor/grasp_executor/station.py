"""What stays between picks: the robot, its surroundings, and what the gripper holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grasp_core.cell import Cell
from grasp_core.errors import ConfigError, EmptyGrip, GraspStackError, GripperFailed
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.approach import PickPlanner
from grasp_executor.config import PickConfig
from grasp_executor.grasp_pose import GraspTarget
from grasp_executor.grip import EmptyWidth, HoldMonitor
from grasp_executor.interfaces import Arm, Camera, Clock, Gripper, Planner
from grasp_executor.surroundings import Surroundings

_OPENED_BY_HAND_M = 0.01  # wider than it was: somebody has opened the jaws
_PRESSING_N = 1.0  # less is friction of the fingers themselves


@dataclass(frozen=True)
class RobotPort:
    """The interfaces of a robot with its camera."""

    planner: Planner
    arm: Arm
    gripper: Gripper
    camera: Camera
    clock: Clock


@dataclass(frozen=True)
class Held:
    """What hangs in the hand: the grasp it was taken by, and the watch over it."""

    target: GraspTarget
    monitor: HoldMonitor


class Station:
    """A robot in its cell, with the memory that outlives a pick.

    Attributes:
        empty: Gap of the closed, empty gripper; None until measured.
        held: What a verified grip holds; None if nothing.
        closed: Whether the jaws were last told to close.
        opening_m: Their gap before that, metres.
    """

    def __init__(
        self, robot: RobotPort, model: RobotModel, cell: Cell, config: PickConfig
    ) -> None:
        """Put together.

        Raises:
            ConfigError: More force is asked for than the gripper has.
        """
        self.robot = robot
        self.model = model
        self.cell = cell
        self.config = config
        self.rng = np.random.default_rng(config.seed)
        self.surroundings = Surroundings(model, cell)
        self.pick_planner = PickPlanner(robot.planner, self.surroundings, cell, config)
        self.empty: EmptyWidth | None = None
        self.held: Held | None = None
        self.closed = False
        self.opening_m = model.gripper.max_gap_m
        if config.force_n > model.gripper.max_force_n:
            raise ConfigError(
                f"force_n is {config.force_n} N, but the gripper of {model.name} presses with at "
                f"most {model.gripper.max_force_n} N: lower force_n"
            )

    def empty_width(self) -> EmptyWidth:
        """Gap of the closed, empty gripper.

        Raises:
            GripperFailed: It was not measured yet.
        """
        if self.empty is None:
            raise GripperFailed("the empty width was not measured: observe first")
        return self.empty

    def held_now(self) -> Held:
        """What the hand holds.

        Raises:
            EmptyGrip: Nothing.
        """
        if self.held is None:
            raise EmptyGrip("nothing is held")
        return self.held

    def close_from(self, opening_m: float) -> None:
        """The jaws are about to close, from a gap of so many metres."""
        self.closed, self.opening_m = True, opening_m

    def emptied(self) -> None:
        """The jaws were opened: nothing is held any more."""
        self.closed, self.held = False, None
        self.pick_planner.let_go()

    def holds(self) -> bool:
        """Whether something is between the closed jaws, as far as can be known."""
        if not self.closed:
            return False
        least = (self.empty.gap_m if self.empty else 0.0) + self.config.min_width_m
        most = self.model.gripper.max_gap_m - _OPENED_BY_HAND_M / 2
        if self.held is not None:
            most = min(most, self.held.monitor.gap_m + _OPENED_BY_HAND_M)
        try:
            state = self.robot.gripper.state()
            presses = not self.model.gripper.reports_force or bool(
                np.nanmax(state.effort_n, initial=0.0) >= _PRESSING_N
            )
            return presses and least < state.gap_m < most
        except GraspStackError:
            return True  # closed, and nothing says that it lost what it held

    def over_workspace(self, T_base_tcp: Transform) -> bool:
        """Whether the hand is above the workspace, at any height."""
        x, y, _ = T_base_tcp.translation
        (x0, y0, _), (x1, y1, _) = self.cell.workspace_min, self.cell.workspace_max
        return bool(x0 <= x <= x1 and y0 <= y <= y1)
