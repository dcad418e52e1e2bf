"""A set of synthetic scenes, from its settings to its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grasp_benchmark.scheduler import Scheduler
from grasp_benchmark.synthesis.files import begin, scene_file
from grasp_benchmark.synthesis.scene_job import SceneJob, attempt_scene
from grasp_benchmark.workers import Died, started_workers
from grasp_core.robot import load_robot
from grasp_sim.config import SimConfig
from grasp_sim.objects import joined_sets
from grasp_sim.renderer import egl_works
from grasp_sim.synthesis.classes import CLASSES

_VERSION = 3  # of how scenes are made: raised when the same seed would give others


@dataclass(frozen=True)
class Synthesis:
    """What is to be made.

    Attributes:
        root: The dataset's folder, absolute.
        objects: Object sets, with commas between them.
        robot: Folder under config/robots.
        gripper: File under config/grippers, the hand that tries the grasps; empty: the robot's.
        seed: Of the whole set.
        scenes: How many; more of them leave the first ones as they are.
        views: Pictures of each.
    """

    root: Path
    objects: str
    robot: str
    gripper: str
    seed: int
    scenes: int
    views: int
    _config: SimConfig = field(init=False)

    def __post_init__(self) -> None:
        """Claim the folder.

        Raises:
            ConfigError: No such object set or robot, or the folder holds other scenes.
            MissingDependency: The object set is not installed.
        """
        joined_sets(self.objects)
        load_robot(self.robot, self.gripper)
        # Renderers differ in a few pixels: one for the whole set.
        renderer = "egl" if egl_works() else "tiny"
        config = SimConfig(robot=self.robot, gripper=self.gripper, renderer=renderer)
        object.__setattr__(self, "_config", config)
        about = {"objects": self.objects, "robot": self.robot, "gripper": self.gripper}
        begin(
            self.root,
            {
                "version": _VERSION,
                "seed": self.seed,
                "views": self.views,
                **about,
                "renderer": renderer,
                "class_names": list(CLASSES),
            },
        )

    def missing(self) -> list[int]:
        """Scenes that are not finished."""
        return [i for i in range(self.scenes) if not scene_file(self.root, i).exists()]

    def make(
        self,
        indices: Sequence[int],
        workers: int,
        scheduler: Scheduler | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> Iterator[str]:
        """Make scenes; which process makes one changes nothing.

        Args:
            indices: Which.
            workers: Processes on this machine.
            scheduler: Of dask, whose workers are used instead.
            check: Called several times a second; raises to stop.

        Yields:
            For each scene what went wrong; empty for nothing.

        Raises:
            MissingDependency: dask.distributed is not installed.
            GraspStackError: No worker can be had.
        """
        jobs = [
            SceneJob(self.root, self._config, self.objects, self.seed, index, self.views)
            for index in indices
        ]
        if not jobs:
            return
        with started_workers(min(workers, len(jobs)), scheduler) as processes:
            for job, answer in processes.run(attempt_scene, jobs, check=check):
                failure = answer.message if isinstance(answer, Died) else answer
                yield f"scene {job.index}: {failure}" if failure else ""
