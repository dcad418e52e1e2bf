"""Making scenes with a builder and a labeller that a process keeps from scene to scene."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass

import cv2

from grasp_benchmark.synthesis.files import write_scene
from grasp_benchmark.synthesis.labels import Labeller
from grasp_benchmark.synthesis.scene_job import SceneJob
from grasp_core.cell import load_cell
from grasp_core.errors import ConfigError
from grasp_core.robot import load_robot
from grasp_sim.config import SimConfig
from grasp_sim.synthesis.recipe import SceneRecipe
from grasp_sim.synthesis.scene_builder import SceneBuilder
from grasp_sim.synthesis.trials import GraspTrials

_ATTEMPTS = 5
_REDRAWS = 3


@dataclass(frozen=True)
class SceneTimes:
    """Where the time of a scene went, seconds."""

    build: float
    draw: float
    label: float
    write: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.build + self.draw + self.label + self.write


class _SceneMaker:
    """What a process needs for any number of scenes with the same configuration."""

    def __init__(self, config: SimConfig) -> None:
        model = load_robot(config.robot, config.gripper)
        self.made_with = config
        self._builder = SceneBuilder(config, model)
        self._labeller = Labeller(model.gripper, load_cell(config.cell))

    def close(self) -> None:
        """Release PyBullet."""
        self._builder.close()

    def make(self, job: SceneJob) -> SceneTimes:
        """Build, photograph, label and write a scene."""
        marks = [time.perf_counter()]
        recipe, trials = self._built(job)
        marks.append(time.perf_counter())
        view = self._builder.photograph(recipe)
        marks.append(time.perf_counter())
        labels = self._labeller.label(view, trials, recipe.seed)
        marks.append(time.perf_counter())
        write_scene(job.root, recipe, view, labels)
        marks.append(time.perf_counter())
        return SceneTimes(*(end - start for start, end in itertools.pairwise(marks)))

    def _built(self, job: SceneJob) -> tuple[SceneRecipe, GraspTrials]:
        """Build the scene: what rolls away falls elsewhere, then other objects take turns."""
        failure = ConfigError(f"scene {job.index} cannot be built")
        for redraw in range(_REDRAWS):
            recipe = self._builder.recipe(job.seed, job.index, redraw)
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
    if _maker is None or _maker.made_with != job.config:
        if _maker is not None:
            _maker.close()
            _maker = None
        _maker = _SceneMaker(job.config)
    return _maker
