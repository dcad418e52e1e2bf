"""What stays between picks: the robot, its surroundings, its hand, and faults not yet seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from grasp_core.cell import Cell
from grasp_core.errors import ConfigError
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.approach import PickPlanner
from grasp_executor.config import PickConfig
from grasp_executor.fault_latch import FaultLatch
from grasp_executor.finite_states import FiniteArm, FiniteGripper
from grasp_executor.hand import Hand
from grasp_executor.hand_memory import EmptyWidthMemory
from grasp_executor.interfaces import (
    Arm,
    Camera,
    Clock,
    Gripper,
    JointTrajectory,
    Operator,
    Planner,
)
from grasp_executor.link_motion import LinkSpeedLimit
from grasp_executor.motion_gate import MotionGate
from grasp_executor.still_robot import StillArm, StillGripper
from grasp_executor.surroundings import Surroundings


@dataclass(frozen=True)
class RobotPort:
    """The interfaces of a robot with its camera."""

    planner: Planner
    arm: Arm
    gripper: Gripper
    camera: Camera
    clock: Clock


class Station:
    """A robot in its cell, with the memory that outlives a pick.

    Attributes:
        robot: Its interfaces; states that are not finite do not come through them.
        hand: What is known of the hand.
        latch: Faults that an operator has not acknowledged yet.
        operator: Who confirms every motion; None where nobody is asked.
        show_motion: Draws what is about to move.
    """

    operator: Operator | None = None

    def __init__(
        self,
        robot: RobotPort,
        model: RobotModel,
        cell: Cell,
        config: PickConfig,
        memory: EmptyWidthMemory | None = None,
        latch: FaultLatch | None = None,
    ) -> None:
        """Put together.

        Args:
            robot: Its interfaces.
            model: Its profile.
            cell: Where it stands.
            config: Settings.
            memory: Of the empty width; None: one that ends with this object.
            latch: Faults that outlive this object, and protective stops; None: a new one.

        Raises:
            ConfigError: Nothing could ever tell whether the gripper holds something, or the
                description of a robot whose speed is limited cannot be read for it.
        """
        if config.dry_run:
            robot = replace(robot, arm=StillArm(robot.arm), gripper=StillGripper(robot.gripper))
        self._arm = FiniteArm(robot.arm, config.loss_s)
        self._gripper = FiniteGripper(robot.gripper, config.loss_s, model.gripper)
        self.robot = replace(robot, arm=self._arm, gripper=self._gripper)
        self.model = model
        self.cell = cell
        self.config = config
        self.rng = np.random.default_rng(config.seed)
        self.surroundings = Surroundings(model, cell)
        self.pick_planner = PickPlanner(robot.planner, self.surroundings, cell, config)
        self.hand = Hand(
            self._gripper, robot.clock, model.gripper, config, memory or EmptyWidthMemory()
        )
        self.latch = latch or FaultLatch()
        self.show_motion: Callable[[JointTrajectory], None] = lambda trajectory: None
        speed_m_s = config.max_tcp_speed_m_s
        self._limit = LinkSpeedLimit(model, speed_m_s) if speed_m_s > 0.0 else None
        if not (model.gripper.driver.shows_parts or model.arm.external_wrench_topic):
            raise ConfigError(
                f"nothing can tell whether the hand of {model.name} holds something: it has "
                "neither a part_present_input nor a closed_input, and the arm's profile names no "
                "external_wrench_topic to weigh with; add one of them"
            )

    def motion_gate(self, tell: Callable[[str], None]) -> MotionGate:
        """What every motion of a pick passes before it starts.

        Args:
            tell: Told what waits for the operator, and the empty text when nothing does any more.
        """
        return MotionGate(
            self.paced,
            lambda trajectory: self.show_motion(trajectory),
            self.operator,
            tell,
            self.config.confirm_timeout_s,
        )

    def paced(self, trajectory: JointTrajectory) -> JointTrajectory:
        """The trajectory no faster than allowed, whoever has planned it."""
        if self._limit is None:
            return trajectory
        return self._limit.slowed(trajectory, self.pick_planner.carried)

    def outliers(self) -> dict[str, int]:
        """How many single samples were passed over so far, by what was wrong with them."""
        return {
            "arm_states_not_finite": self._arm.outliers,
            "hand_states_not_finite": self._gripper.outliers,
            "grip_outliers": self.hand.outliers,
        }

    def emptied(self, gap_m: float) -> None:
        """The jaws were opened to a gap, metres: nothing is held any more."""
        self.hand.opened(gap_m)
        self.pick_planner.let_go()

    def over_workspace(self, T_base_tcp: Transform) -> bool:
        """Whether the hand is above the workspace, at any height."""
        x, y, _ = T_base_tcp.translation
        (x0, y0, _), (x1, y1, _) = self.cell.workspace_min, self.cell.workspace_max
        return bool(x0 <= x <= x1 and y0 <= y <= y1)
