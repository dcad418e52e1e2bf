"""What a benchmark measures: contestants, each in every scene."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grasp_benchmark.closed_loop.contestants import Contestant
from grasp_benchmark.closed_loop.journal import Journal
from grasp_benchmark.closed_loop.plan import Trial, plan_trials
from grasp_benchmark.closed_loop.record import TrialRecord
from grasp_benchmark.closed_loop.settings import BenchmarkSettings, default_folder, identity
from grasp_core.reach import require_reach
from grasp_core.robot import load_robot
from grasp_sim.objects import object_set


@dataclass(frozen=True)
class Benchmark:
    """What is to be measured.

    Attributes:
        settings: Scenes and rules.
        contestants: Who takes part.
        trials: The scenes, the same for everybody.
    """

    settings: BenchmarkSettings
    contestants: tuple[Contestant, ...]
    trials: tuple[Trial, ...]

    @classmethod
    def of(cls, settings: BenchmarkSettings, contestants: tuple[Contestant, ...]) -> Benchmark:
        """Plan a benchmark.

        Raises:
            ConfigError: No such object set, robot or cell, or the robot does not reach all of it.
            MissingDependency: The object set is not installed.
        """
        require_reach(load_robot(settings.robot, settings.gripper), settings.cell)
        trials = plan_trials(settings, object_set(settings.objects))
        return cls(settings, contestants, tuple(trials))

    @property
    def size(self) -> int:
        """Number of trials, all contestants together."""
        return len(self.trials) * len(self.contestants)

    def done(self, journal: Journal) -> dict[tuple[str, int], TrialRecord]:
        """Finished trials, by detector and index; a journal may hold those of a longer one."""
        keys = ((one.label, trial.index) for trial in self.trials for one in self.contestants)
        return {key: journal.records[key] for key in keys if key in journal.records}

    def journal(self, folder: Path | None = None) -> Journal:
        """The journal of this benchmark, to be entered; by default in a folder of its own."""
        about = identity(self.settings, self.contestants)
        return Journal(folder or default_folder(about), about)
