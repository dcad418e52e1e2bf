"""Picks one after another in the running simulated stack, each in a fresh scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from grasp_msgs.action import Pick

from grasp_bringup.client import StackClient
from grasp_bringup.pick_record import PickRecord
from grasp_bringup.played_operator import PlayedOperator
from grasp_core.errors import Code
from grasp_core.json_file import finite_or_none
from grasp_sim.objects import object_set
from grasp_sim.scene_seed import scene_seed


@dataclass(frozen=True)
class SeriesPlan:
    """What is to be picked.

    Attributes:
        picks: How many scenes, one pick each.
        objects: Object set.
        clutter: Objects in a scene.
        seed: Of objects and scenes.
        attempts: Grasps allowed per pick.
        delicate_n: Most that the objects bear, newtons per finger; 0: as the hand can.
        pick_class: Only objects of this class; empty any.
    """

    picks: int
    objects: str
    clutter: int
    seed: int
    attempts: int
    delicate_n: float = 0.0
    pick_class: str = ""


class PickSeries:
    """A series of picks, and what came of it so far.

    Attributes:
        records: Finished picks.
        renderer: What draws the images; ``unknown`` before the first scene.
    """

    def __init__(
        self,
        client: StackClient,
        plan: SeriesPlan,
        progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Prepare.

        Args:
            client: Of a stack that is up.
            plan: What to pick.
            progress: Told what is going on, a short line at a time.

        Raises:
            ConfigError: No such object set.
        """
        self._client = client
        self._operator = PlayedOperator(client)
        self._plan = plan
        self._progress = progress
        self._objects = object_set(plan.objects)
        self._label = ""
        self.records: list[PickRecord] = []
        self.renderer = "unknown"

    @property
    def available(self) -> int:
        """How many objects the set holds; where the plan needs more, some come again."""
        return len(self._objects.paths)

    @property
    def wanted(self) -> int:
        """How many objects the plan needs."""
        return self._plan.picks * self._plan.clutter

    def run(self) -> Iterator[tuple[str, PickRecord]]:
        """Do all picks.

        Yields:
            What the pick was, and its record.

        Raises:
            StackFailed: A scene cannot be built, or a node has died.
            GoalRefused: The executor is busy or not active.
            HardwareLost: The simulator could not tell what is there.
        """
        plan = self._plan
        names = self._objects.draw(self.wanted, plan.seed)
        for index in range(plan.picks):
            chosen = names[index * plan.clutter : (index + 1) * plan.clutter]
            self._label = f"pick {index + 1} of {plan.picks}: {', '.join(chosen)}"
            self._progress(f"{self._label}: placing")
            scene = self._client.new_scene(chosen, scene_seed(plan.seed, index))
            self.renderer = scene.renderer
            record = self._pick(list(scene.names))
            self.records.append(record)
            yield self._label, record

    def _pick(self, names: Sequence[str]) -> PickRecord:
        plan = self._plan
        goal = Pick.Goal(
            max_attempts=plan.attempts,
            delicate_force_n=plan.delicate_n,
            label=plan.pick_class,
        )
        result = self._client.pick(goal, self._tell)
        # A server that dies answers with an empty result, whose code reads as OK.
        code = Code.INTERNAL if result.code == Code.OK and not result.success else result.code
        in_bin = [thing.name for thing in self._client.truth().objects if thing.in_bin]
        released, acknowledged = self._operator.attend_to(result)
        stages: dict[str, float] = {}
        for stage, seconds in zip(result.stages, result.stage_s, strict=True):
            stages[stage] = stages.get(stage, 0.0) + float(seconds)
        return PickRecord(
            object="+".join(in_bin or names),
            code=Code(code).name,
            success=bool(result.success and in_bin),
            force_n=finite_or_none(result.force_n),
            grip_force_n=finite_or_none(result.grip_force_n),
            held_s=float(result.held_s),
            seconds=sum(stages.values()),
            message=result.message,
            stages=stages,
            released=released,
            acknowledged=acknowledged,
        )

    def _tell(self, feedback: Pick.Feedback) -> None:
        force = "" if np.isnan(feedback.force_n) else f", {feedback.force_n:.0f} N"
        self._progress(f"{self._label}: {feedback.stage}{force}")
