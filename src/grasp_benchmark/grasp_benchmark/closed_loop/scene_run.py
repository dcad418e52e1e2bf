"""One detector in one scene: picks carried out and judged by what really happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from grasp_benchmark.closed_loop.object_width import narrowest_lying_m
from grasp_benchmark.closed_loop.played_operator import attend_to
from grasp_benchmark.closed_loop.record import PickResult
from grasp_benchmark.closed_loop.watch import HandWatch, WatchedDetector
from grasp_benchmark.in_process import sequence_in
from grasp_core.json_file import finite_or_none
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_detection.detector import Detector
from grasp_executor.outcome import PickOutcome
from grasp_executor.selection import PickGoal
from grasp_sim.config import STEPS_PER_S
from grasp_sim.contacts import ContactRecorder, Touch
from grasp_sim.simulation import Simulation

_FAILURES_TO_STOP = 2  # in a row
_FALL_STEPS = STEPS_PER_S


class SceneRun:
    """The pick sequence in a scene that has just been built; sequence and planner are new, too.

    Attributes:
        picks: Results, in order.
        cleared: Objects that were found in the bin and taken out, by name in the object set.
        picture: The last failure as JPEG; None without.
        widths_m: How narrow each object is between upright planes, as it lies; None unknown.
        detector: The detector, watched.
    """

    def __init__(
        self,
        simulation: Simulation,
        detector: Detector,
        robot: RobotModel,
        names: Mapping[str, str],
        goal: PickGoal,
        believed: Transform | None = None,
    ) -> None:
        """Prepare.

        Args:
            simulation: With the scene in it.
            detector: Finds the grasps.
            robot: Who picks.
            names: Name in the object set by name on the table.
            goal: Of every pick.
            believed: See SimCamera.
        """
        self.picks: list[PickResult] = []
        self.cleared: list[str] = []
        self.picture: bytes | None = None
        self.detector = WatchedDetector(detector)
        self._simulation = simulation
        self._names = names
        self._goal = goal
        self._sequence = sequence_in(simulation, self.detector, robot, believed=believed)
        self.widths_m = [
            finite_or_none(
                narrowest_lying_m(
                    simulation.objects.checked(names[thing.name]).parts, thing.pose.rotation
                )
            )
            for thing in simulation.truth()
        ]

    def pick(self) -> PickOutcome:
        """Pick once, note the result, and take what is in the bin out of the scene."""
        places = {thing.name: thing.pose.translation for thing in self._simulation.truth()}
        watch = HandWatch(self._simulation)
        # What an earlier, failed pick left in the hand is put away first: that is no success.
        left_over = {thing.name for thing in self._simulation.truth() if thing.between_fingers}
        contacts = ContactRecorder(self._simulation.world)
        with self._simulation.watched_by(contacts.step):
            outcome = self._sequence.run(self._goal, report=watch)
        in_bin = [thing.name for thing in self._simulation.truth() if thing.in_bin]
        picked = [name for name in in_bin if name not in left_over]
        meant = self._meant(outcome, places)
        seen, unseen = self._hardest(contacts.touches(meant))
        result = PickResult(
            object=self._names.get(picked[0] if picked else meant, ""),
            code=outcome.code.name,
            message=outcome.message,
            success=outcome.success and bool(picked),
            not_fallen=watch.not_fallen(),
            attempts=outcome.attempts,
            force_n=finite_or_none(outcome.force_n),
            grip_force_n=finite_or_none(outcome.grip_force_n),
            held_s=outcome.held_s,
            seconds=sum(seconds for _, seconds in outcome.stage_s),
            contact_n=seen[0],
            contact=seen[1],
            unseen_contact_n=unseen[0],
            unseen_contact=unseen[1],
        )
        if not result.success:
            self.picture = self.detector.picture(outcome.grasp)
        self._take_out(in_bin)
        released, acknowledged = attend_to(self._sequence, outcome)
        if released:
            self._let_fall()
        self.picks.append(replace(result, released=released, acknowledged=acknowledged))
        return outcome

    def _take_out(self, names: Sequence[str]) -> None:
        """Take what lies in the bin out of the scene."""
        for name in names:
            self._simulation.remove(name)
            self.cleared.append(self._names[name])

    def _let_fall(self) -> None:
        """Wait for what an operator let go; in the bin, it is no success of a later pick."""
        for _ in range(_FALL_STEPS):
            self._simulation.step()
        self._take_out([thing.name for thing in self._simulation.truth() if thing.in_bin])

    def clear_table(self) -> None:
        """Pick until nothing is left, or two picks in a row have failed."""
        failures = 0
        while self._simulation.truth() and failures < _FAILURES_TO_STOP:
            self.pick()
            failures = 0 if self.picks[-1].success else failures + 1

    def _meant(self, outcome: PickOutcome, places: Mapping[str, NDArray[np.float64]]) -> str:
        """Name on the table of what is nearest to the last planned grasp, or of the only one."""
        if outcome.T_base_grasp is not None:
            grasp = outcome.T_base_grasp.translation
            return min(places, key=lambda name: float(np.linalg.norm(places[name] - grasp)))
        return next(iter(places)) if len(places) == 1 else ""

    def _hardest(self, touches: Sequence[Touch]) -> tuple[tuple[float, str], tuple[float, str]]:
        """Force and words of the hardest contact with what is known or was seen, and the rest."""
        hardest = {True: (0.0, ""), False: (0.0, "")}
        for touch in reversed(touches):
            seen = self._simulation.has_seen(touch.what)
            hardest[seen] = touch.force_n, f"{touch.who} on {touch.what}"
        return hardest[True], hardest[False]
