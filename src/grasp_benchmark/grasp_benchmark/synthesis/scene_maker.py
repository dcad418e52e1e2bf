"""Making scenes with a builder and a labeller that a process keeps from scene to scene."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass

import cv2

from grasp_benchmark.synthesis.files import write_scene, write_view
from grasp_benchmark.synthesis.labels import Labeller
from grasp_benchmark.synthesis.scene_job import SceneJob
from grasp_core.errors import ConfigError
from grasp_core.robot import load_robot
from grasp_sim.config import SimConfig
from grasp_sim.synthesis.recipe import SceneRecipe
from grasp_sim.synthesis.scene_builder import SceneBuilder
from grasp_sim.synthesis.trials import GraspTrials

_ATTEMPTS = 3
_REDRAWS = 3


@dataclass(frozen=True)
class SceneTimes:
    """Where the time of a scene went, seconds."""

    build: float
    label: float
    views: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.build + self.label + self.views


class _SceneMaker:
    """What a process needs for any number of scenes with the same configuration."""

    def __init__(self, config: SimConfig, objects: str) -> None:
        model = load_robot(config.robot, config.gripper)
        self.made_with = config, objects
        self._builder = SceneBuilder(config, objects, model)
        self._labeller = Labeller(model.gripper)

    def close(self) -> None:
        """Release PyBullet."""
        self._builder.close()

    def make(self, job: SceneJob) -> SceneTimes:
        """Build, label, photograph and write a scene."""
        marks = [time.perf_counter()]
        recipe, trials = self._built(job)
        marks.append(time.perf_counter())
        above = self._builder.look_from_above(recipe)
        labels = self._labeller.label(above, recipe.surroundings.cell, trials, recipe.seed)
        marks.append(time.perf_counter())
        self._builder.show_robot(recipe)
        shown = []
        for number in range(job.views):
            view = self._builder.photograph(recipe, number)
            seen = self._labeller.shown(labels, view)
            write_view(job.root, recipe.index, number, view, seen)
            shown.append((view, seen))
        write_scene(job.root, recipe, labels, shown)
        marks.append(time.perf_counter())
        return SceneTimes(*(end - start for start, end in itertools.pairwise(marks)))

    def _built(self, job: SceneJob) -> tuple[SceneRecipe, GraspTrials]:
        """Build the scene; where nothing stays, elsewhere, then of other objects."""
        failure = ConfigError(f"scene {job.index} cannot be built")
        for redraw in range(_REDRAWS):
            recipe = self._builder.recipe(job.seed, job.index, redraw, views=job.views)
            for _ in range(_ATTEMPTS):
                try:
                    return recipe, self._builder.build(recipe)
                except ConfigError as error:
                    failure, recipe = error, recipe.elsewhere()
        raise failure


_maker: _SceneMaker | None = None


def make_scene(job: SceneJob) -> SceneTimes:
    """Make a scene; it depends on the job alone, not on the process or on earlier scenes.

    Raises:
        ConfigError: It cannot be built or written.
    """
    cv2.setNumThreads(1)  # the processes share the cores
    return _maker_for(job).make(job)


def _maker_for(job: SceneJob) -> _SceneMaker:
    """This process's maker; PyBullet's drawing context allows one at a time."""
    global _maker
    if _maker is None or _maker.made_with != (job.config, job.objects):
        if _maker is not None:
            _maker.close()
            _maker = None
        _maker = _SceneMaker(job.config, job.objects)
    return _maker
