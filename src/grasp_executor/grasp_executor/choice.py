"""Choosing the candidate to execute: the first, in the policy's order, that can be planned."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from grasp_core.cell import Cell
from grasp_core.errors import CandidateFailure, Collision, OutsideWorkspace
from grasp_core.grasp import Grasp
from grasp_core.transform import Transform
from grasp_executor.approach import GraspPlan
from grasp_executor.grasp_pose import GraspTarget, check_hand_clearance, clear_of_palm, target_from
from grasp_executor.interfaces import JointVector, Observation, Wait
from grasp_executor.selection import PickGoal, candidates_in_order
from grasp_executor.station import Station

_PIXEL_STRIDE = 2
_LIKE_M, _LIKE_RAD = 0.02, 0.5  # so near each other, two grasps are one


class Chooser:
    """Goes through the candidates of one observation."""

    def __init__(
        self,
        station: Station,
        goal: PickGoal,
        trying: Callable[[Grasp], None],
        wait: Wait,
        failed: Sequence[Transform] = (),
    ) -> None:
        """Prepare.

        Args:
            station: Robot and surroundings; the observation has been seen already.
            goal: Label, minimum quality and policy.
            trying: Told of each candidate before it is planned for.
            wait: Handed to the planner, see :data:`~grasp_executor.interfaces.Wait`.
            failed: Grasps that this pick has tried, base frame: what is like them comes last.
        """
        self._station = station
        self._goal = goal
        self._trying = trying
        self._wait = wait
        self._failed = failed

    def first_executable(self, observation: Observation, start: JointVector) -> GraspPlan:
        """Plan for the first candidate that can be executed from a configuration.

        Raises:
            NoGrasp, ObjectNotFound: There is no candidate at all.
            CandidateFailure: That of the candidate that got furthest.
        """
        config = self._station.config
        points = visible_points(observation, self._station.cell, config.support_clearance_m)
        order = candidates_in_order(
            observation.grasps, self._goal, config.random_threshold, self._station.rng
        )
        order.sort(key=lambda grasp: self._has_failed(grasp, observation))
        failures: list[CandidateFailure] = []
        touching: list[Grasp] = []
        considered, began = 0, time.monotonic()
        for grasp in order:
            self._trying(grasp)
            try:
                return self._plan(self._target(grasp, observation), points, start)
            except CandidateFailure as failure:
                failures.append(failure)
                if isinstance(failure, Collision):
                    touching.append(grasp)
                # What lies elsewhere, such as the rim of the drop bin, costs nothing to pass over.
                considered += not isinstance(failure, OutsideWorkspace)
            # What the image shows may have changed since: planning must not go on for ever.
            if considered >= config.max_candidates or self._late(began):
                break
        # A shallow grasp holds less: only where nothing else can be done.
        gripper = self._station.model.gripper
        for grasp in touching:
            with contextlib.suppress(CandidateFailure):
                target = self._target(grasp, observation)
                shallower = clear_of_palm(target, points, gripper, config)
                if shallower is not target and not self._late(began):
                    self._trying(grasp)
                    return self._plan(shallower, points, start)
        raise furthest(failures)

    def _has_failed(self, grasp: Grasp, observation: Observation) -> bool:
        """Whether a grasp like it was tried; fingers either way round are the same."""
        if not self._failed:
            return False
        try:
            target = self._target(grasp, observation)
        except CandidateFailure:
            return False
        for way in (target.T_base_grasp, target.twin().T_base_grasp):
            away = [way.distance_to(one) for one in self._failed]
            if any(m < _LIKE_M and rad < _LIKE_RAD for m, rad in away):
                return True
        return False

    def _target(self, grasp: Grasp, observation: Observation) -> GraspTarget:
        station = self._station
        return target_from(grasp, observation, station.model.gripper, station.cell, station.config)

    def _plan(
        self, target: GraspTarget, points: NDArray[np.float64], start: JointVector
    ) -> GraspPlan:
        station = self._station
        check_hand_clearance(target, points, station.model.gripper, station.config)
        return station.pick_planner.plan(target, start, self._wait)

    def _late(self, began: float) -> bool:
        return time.monotonic() - began > self._station.config.plan_timeout_s


def furthest(failures: Sequence[CandidateFailure]) -> CandidateFailure:
    """The failure that got furthest in the checks, with the count of all in its message."""
    worst = max(failures, key=lambda failure: failure.merit)
    counts = Counter(failure.code.name for failure in failures)
    summary = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    return type(worst)(f"none of {len(failures)} candidates can be executed ({summary}): {worst}")


def visible_points(
    observation: Observation, cell: Cell, clearance_m: float
) -> NDArray[np.float64]:
    """Seen surface above the support, shape (N, 3), metres, base frame."""
    points = observation.camera.point_map(observation.depth_m)[::_PIXEL_STRIDE, ::_PIXEL_STRIDE]
    points = points.reshape(-1, 3)
    points_base = observation.T_base_camera.apply(points[np.isfinite(points[:, 2])])
    return points_base[points_base[:, 2] > cell.support_z_m + clearance_m]
