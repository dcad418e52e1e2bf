"""A benchmark from its plan to its records."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from grasp_benchmark.closed_loop.benchmark import Benchmark
from grasp_benchmark.closed_loop.journal import Journal
from grasp_benchmark.closed_loop.record import TrialRecord
from grasp_benchmark.closed_loop.trial_job import TrialJob, carry_out_trial
from grasp_benchmark.scheduler import Scheduler
from grasp_benchmark.workers import Died, started_workers


def carry_out(
    benchmark: Benchmark,
    journal: Journal,
    workers: int,
    scheduler: Scheduler | None = None,
    check: Callable[[], None] = lambda: None,
    report: Callable[[TrialRecord], None] = lambda record: None,
) -> None:
    """Do all trials that the journal does not hold yet.

    Args:
        benchmark: What to measure.
        journal: Where records are kept; entered.
        workers: Number of processes; results do not depend on it.
        scheduler: Of dask, whose workers are used instead.
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
