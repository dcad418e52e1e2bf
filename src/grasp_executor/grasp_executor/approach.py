"""The arm's way to a grasp and up again, and to the bin, among its surroundings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_core.cell import Cell
from grasp_core.errors import PlanFailure, Unreachable
from grasp_core.transform import Transform
from grasp_executor.config import PickConfig
from grasp_executor.grasp_pose import GraspTarget
from grasp_executor.interfaces import JointTrajectory, JointVector, Planner, Wait
from grasp_executor.scene import Box
from grasp_executor.surroundings import Surroundings

_RIM_CLEARANCE_M = 0.05  # between the fingertips and the inner side of the bin when they open
_THERE_M = 0.0005
_DROP_TURNS_RAD = tuple(math.radians(turn) for turn in (0, 45, -45, 90, -90, 135, -135, 180))


@dataclass(frozen=True)
class GraspPlan:
    """Everything that moves up to the lifted object, planned before anything moves.

    Attributes:
        target: The grasp, possibly the twin of the one asked for.
        travel: From the start to the pre-grasp configuration.
        approach: Straight to the grasp.
        test_lift: A little straight up from it.
        lift: On from there.
    """

    target: GraspTarget
    travel: JointTrajectory
    approach: JointTrajectory
    test_lift: JointTrajectory
    lift: JointTrajectory


class PickPlanner:
    """Plans the motions of whole picks with a :class:`Planner`.

    Every method that plans takes the ``wait`` of that planner, and ends by what it raises.

    Attributes:
        carried: What hangs from the hand, pose in the tcp frame; None if nothing.
    """

    def __init__(
        self, planner: Planner, surroundings: Surroundings, cell: Cell, config: PickConfig
    ) -> None:
        self._planner = planner
        self._surroundings = surroundings
        self._cell = cell
        self._config = config
        self.carried: Box | None = None

    def plan(self, target: GraspTarget, start: JointVector, wait: Wait) -> GraspPlan:
        """Plan travel, approach and lift, fingers either way round.

        Args:
            target: The grasp.
            start: Where the arm is.
            wait: See :data:`~grasp_executor.interfaces.Wait`.

        Raises:
            PlanFailure: Neither way round can be executed.
        """
        self._planner.set_gap(target.opening_m)
        failures: list[PlanFailure] = []
        for turned in self._nearer_first(target, start):
            try:
                return self._plan_one(turned, start, wait)
            except PlanFailure as failure:
                failures.append(failure)
        raise failures[0]

    def _nearer_first(self, target: GraspTarget, start: JointVector) -> list[GraspTarget]:
        """The target and its twin, the one that turns the hand less first."""
        T_base_tcp = self._planner.forward(start)
        options = [target, target.twin()]
        return sorted(options, key=lambda o: T_base_tcp.distance_to(o.T_base_grasp)[1])

    def _plan_one(self, target: GraspTarget, start: JointVector, wait: Wait) -> GraspPlan:
        config, T_base_grasp = self._config, target.T_base_grasp
        T_grasp_pregrasp = Transform.from_translation(0.0, 0.0, -config.approach_distance_m)
        T_base_test = raised(T_base_grasp, config.test_lift_m)
        T_base_lift = raised(T_base_grasp, config.lift_m)
        self._planner.set_scene(self._surroundings.opened(T_base_grasp.translation))
        failure: PlanFailure | None = None
        T_base_pregrasp = T_base_grasp @ T_grasp_pregrasp
        for pregrasp in self._planner.solve_ik(T_base_pregrasp, near=start, wait=wait):
            try:
                approach = self._planner.plan_line(
                    pregrasp, T_base_grasp, config.approach_speed_m_s, wait=wait
                )
                test_lift = self._planner.plan_line(
                    approach.goal, T_base_test, config.lift_speed_m_s, wait=wait
                )
                lift = self._planner.plan_line(
                    test_lift.goal, T_base_lift, config.lift_speed_m_s, wait=wait
                )
                self._planner.set_scene(self._surroundings.closed())
                travel = self._planner.plan_joints(start, pregrasp, config.travel_speed, wait=wait)
                return GraspPlan(target, travel, approach, test_lift, lift)
            except PlanFailure as error:
                failure = error
                self._planner.set_scene(self._surroundings.opened(T_base_grasp.translation))
        raise failure or Unreachable("no configuration reaches the pre-grasp pose")

    def plan_up(self, start: JointVector, height_m: float, wait: Wait) -> JointTrajectory:
        """Straight up to a height of the grasp frame, out of whatever is around the fingers.

        Raises:
            PlanFailure: The arm cannot go there.
        """
        T_base_tcp = self._planner.forward(start)
        self._planner.set_scene(self._surroundings.opened(T_base_tcp.translation))
        rise = height_m - float(T_base_tcp.translation[2])
        return self._planner.plan_line(
            start, raised(T_base_tcp, rise), self._config.lift_speed_m_s, wait=wait
        )

    def plan_down(
        self, start: JointVector, target: GraspTarget, wait: Wait
    ) -> JointTrajectory | None:
        """Straight back down to where something was grasped, at half the speed of the lift.

        Returns:
            None where the hand is there already.

        Raises:
            PlanFailure: The arm cannot go there.
        """
        T_base_grasp = target.T_base_grasp
        if self._planner.forward(start).distance_to(T_base_grasp)[0] < _THERE_M:
            return None
        self._planner.set_scene(self._surroundings.opened(T_base_grasp.translation))
        speed_m_s = 0.5 * self._config.lift_speed_m_s
        return self._planner.plan_line(start, T_base_grasp, speed_m_s, wait=wait)

    def plan_to(self, start: JointVector, goal: JointVector, wait: Wait) -> JointTrajectory:
        """Travel between configurations, hand empty, with everything seen as an obstacle.

        Raises:
            PlanFailure: There is no way.
        """
        self._planner.set_scene(self._surroundings.closed())
        return self._planner.plan_joints(start, goal, self._config.travel_speed, wait=wait)

    def plan_drop(self, start: JointVector, target: GraspTarget, wait: Wait) -> JointTrajectory:
        """Carry what the hand holds to above the drop bin.

        The object's middle goes above the bin's, as far as the hand stays above the bin, too: what
        is held by an end would tip out over the rim.

        Raises:
            PlanFailure: No turn of the hand gets it there.
        """
        T_base_tcp = self._planner.forward(start)
        middle_m = self._surroundings.carried_middle_m(target)
        middle_m *= min(1.0, self._reach_in_bin_m / max(float(np.linalg.norm(middle_m)), 1e-9))
        failure: PlanFailure | None = None
        for scene, box in self._surroundings.ways_to_carry(target):
            self._planner.set_scene(scene)
            self._attach(box)
            # Something tall may touch the rim unless the hand itself is in the middle.
            for over_bin_m in (middle_m, np.zeros(3)):
                try:
                    return self._plan_above_bin(start, T_base_tcp.rotation, over_bin_m, wait)
                except PlanFailure as error:
                    failure = failure or error
        raise failure or Unreachable("no configuration reaches the drop zone")

    def _plan_above_bin(
        self,
        start: JointVector,
        rotation: NDArray[np.float64],
        over_bin_m: NDArray[np.float64],
        wait: Wait,
    ) -> JointTrajectory:
        """Carry a point of the tcp frame above the bin's middle, in the nearest turn of the hand.

        Raises:
            PlanFailure: No turn of the hand gets it there.
        """
        center = np.array(
            [*self._cell.bin_center, self._cell.support_z_m + self._cell.drop_height_m]
        )
        goals: list[JointVector] = []
        failure: PlanFailure | None = None
        for turn in _DROP_TURNS_RAD:
            turned = Transform.from_rpy((0.0, 0.0, turn)).rotation @ rotation
            away = turned @ over_bin_m
            T_base_drop = Transform.from_rotation(turned, center - [away[0], away[1], 0.0])
            try:
                goals += self._planner.solve_ik(T_base_drop, near=start, count=1, wait=wait)
            except PlanFailure as error:
                failure = failure or error
        for goal in sorted(goals, key=lambda q: float(np.abs(q - start).max())):
            try:
                return self._planner.plan_joints(start, goal, self._config.carry_speed, wait=wait)
            except PlanFailure as error:
                failure = error
        raise failure or Unreachable("no configuration reaches the drop zone")

    @property
    def _reach_in_bin_m(self) -> float:
        """How far from the bin's middle the hand may let go."""
        return max(0.0, self._cell.bin_size_m / 2.0 - _RIM_CLEARANCE_M)

    def let_go(self) -> None:
        """Nothing hangs from the hand any more."""
        self._attach(None)

    def _attach(self, box: Box | None) -> None:
        self._planner.attach(box)
        self.carried = box


def raised(transform: Transform, height_m: float) -> Transform:
    """The pose moved up along the base frame's z axis, metres."""
    up = Transform.from_translation(0.0, 0.0, height_m)
    return up @ transform
