"""A benchmark from its settings to its records."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grasp_benchmark.closed_loop.contestants import Contestant
from grasp_benchmark.closed_loop.journal import Journal
from grasp_benchmark.closed_loop.plan import Trial, plan_trials
from grasp_benchmark.closed_loop.record import TrialRecord
from grasp_benchmark.closed_loop.settings import BenchmarkSettings, default_folder, identity
from grasp_benchmark.closed_loop.trial_job import TrialJob, carry_out_trial
from grasp_benchmark.workers import Died, started_workers
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
            ConfigError: No such object set.
            MissingDependency: The object set is not installed.
        """
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


def carry_out(
    benchmark: Benchmark,
    journal: Journal,
    workers: int,
    scheduler: str = "",
    check: Callable[[], None] = lambda: None,
    report: Callable[[TrialRecord], None] = lambda record: None,
) -> None:
    """Do all trials that the journal does not hold yet.

    Args:
        benchmark: What to measure.
        journal: Where records are kept; entered.
        workers: Number of processes; results do not depend on it.
        scheduler: Address of a dask scheduler whose workers are used instead.
        check: Called several times a second; raises to stop.
        report: Told of each finished trial.

    Raises:
        ClusterFailed: No worker process can be had.
        ConfigError, WeightsError, MissingDependency: A worker cannot build what it needs.
    """
    # Scene by scene, so that what an interrupted run has measured is paired.
    missing = [
        TrialJob(benchmark.settings, benchmark.contestants, contestant, trial)
        for trial in benchmark.trials
        for contestant in benchmark.contestants
        if (contestant.label, trial.index) not in journal.records
    ]
    if not missing:
        return
    with started_workers(min(workers, len(missing)), scheduler) as processes:
        size = processes.size
        for job, answer in processes.run(carry_out_trial, missing, check=check):
            if isinstance(answer, Died):
                record, picture = job.failed(answer.message), None
            else:
                record, picture = answer.record, answer.picture
            journal.add(dataclasses.replace(record, workers=size), picture)
            report(journal.records[record.key])
