"""What a process needs to make scenes: a studio and a labeller, kept from scene to scene."""

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
from grasp_sim.synthesis.studio import Studio
from grasp_sim.synthesis.trials import GraspTrials

ROBOT = "panda"
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


class _Workshop:
    """What a process needs for any number of scenes with the same configuration."""

    def __init__(self, config: SimConfig) -> None:
        robot = load_robot(ROBOT)
        self.config = config
        self.studio = Studio(config, robot)
        self.labeller = Labeller(robot.gripper, load_cell(config.cell))


_workshop: _Workshop | None = None


def make_scene(job: SceneJob) -> SceneTimes:
    """Make a scene; it depends on the job alone, not on the process or on earlier scenes.

    Raises:
        ConfigError: It cannot be built or written.
    """
    cv2.setNumThreads(1)  # the processes share the cores
    shop = _opened(job.config)
    marks = [time.perf_counter()]
    recipe, trials = _built(shop.studio, job)
    marks.append(time.perf_counter())
    view = shop.studio.photograph(recipe)
    marks.append(time.perf_counter())
    labels = shop.labeller.label(view, trials, recipe.seed)
    marks.append(time.perf_counter())
    write_scene(job.root, recipe, view, labels)
    marks.append(time.perf_counter())
    return SceneTimes(*(end - start for start, end in itertools.pairwise(marks)))


def _built(studio: Studio, job: SceneJob) -> tuple[SceneRecipe, GraspTrials]:
    """Build the scene: where something rolls away, it falls elsewhere, then others take turns."""
    failure = ConfigError(f"scene {job.index} cannot be built")
    for redraw in range(_REDRAWS):
        recipe = studio.recipe(job.seed, job.index, redraw)
        for _ in range(_ATTEMPTS):
            try:
                return recipe, studio.build(recipe)
            except ConfigError as error:
                failure, recipe = error, recipe.elsewhere()
    raise failure


def _opened(config: SimConfig) -> _Workshop:
    """This process's workshop; PyBullet's drawing context allows one at a time."""
    global _workshop
    if _workshop is None or _workshop.config != config:
        if _workshop is not None:
            _workshop.studio.close()
        _workshop = _Workshop(config)
    return _workshop
