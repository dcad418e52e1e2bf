"""Make synthetic pictures with grasp labels."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from grasp_benchmark.synthesis.report import write_report
from grasp_benchmark.synthesis.run import Synthesis
from grasp_benchmark.synthesis.statistics import statistics_of
from grasp_cli.long_work import long_work
from grasp_core.errors import ConfigError

MOST_SCENES = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--scenes", type=int, required=True, help="number of scenes in all")
    parser.add_argument("--out", type=Path, required=True, help="folder of the dataset")
    parser.add_argument("--seed", type=int, default=0, help="of the whole set (0)")
    parser.add_argument("--objects", default="dev", help="object set: dev, or a folder (dev)")
    parser.add_argument("--workers", type=int, help="processes on this machine (one per core)")
    parser.add_argument(
        "--scheduler",
        default="",
        help="address of a dask scheduler whose workers see the same folder (none)",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Make the scenes that are missing; exit status 130 after an interruption.

    Raises:
        ConfigError: Arguments that cannot be, or a folder that holds something else.
        GraspStackError: Scenes cannot be made.
    """
    cores = len(os.sched_getaffinity(0))
    workers = cores if options.workers is None else options.workers
    for name, value, most in (
        ("scenes", options.scenes, MOST_SCENES),
        ("workers", workers, 256),
    ):
        if not 1 <= value <= most:
            raise ConfigError(f"--{name} is {value}, must lie in [1, {most}]")
    if options.seed < 0:
        raise ConfigError(f"--seed is {options.seed}, must be at least 0")
    if options.objects == "test":
        raise ConfigError("--objects test: those are for final measurements only; take dev")
    synthesis = Synthesis(options.out.resolve(), options.objects, options.seed, options.scenes)
    missing = synthesis.missing()
    console.print(
        f"{options.scenes} scenes ({options.scenes - len(missing)} of them made before), "
        f"{'workers of ' + options.scheduler if options.scheduler else f'{workers} worker(s)'}, "
        f"in {options.out}",
        soft_wrap=True,
        markup=False,
    )
    start = time.monotonic()
    failures, interrupted = _make(synthesis, missing, workers, options.scheduler)
    seconds = time.monotonic() - start
    done = len(missing) - len(synthesis.missing())
    if done:
        console.print(f"{done} scenes in {seconds:.0f} s: {3600.0 * done / seconds:.0f} an hour")
    for failure in failures:
        console.print(failure, soft_wrap=True, markup=False)
    statistics = statistics_of(synthesis.root, range(options.scenes))
    if statistics.scenes:
        table = Table("what", "count")
        for what, count in statistics.rows():
            table.add_row(what, count)
        console.print(table)
        console.print(f"report: {write_report(synthesis.root, statistics)}", soft_wrap=True)
    if interrupted:
        print("interrupted: the same command goes on where it was", file=sys.stderr)
        return 130
    return 1 if failures else 0


def _make(
    synthesis: Synthesis, missing: list[int], workers: int, scheduler: str
) -> tuple[list[str], bool]:
    """Make scenes, with a bar; what failed, and whether it was interrupted."""
    failures: list[str] = []
    made = synthesis.scenes - len(missing)
    with long_work("making scenes", synthesis.scenes, made) as work:
        try:
            for failure in synthesis.make(missing, workers, scheduler, work.check):
                work.advance("")
                if failure:
                    failures.append(failure)
        except KeyboardInterrupt:
            return failures, True
    return failures, False
