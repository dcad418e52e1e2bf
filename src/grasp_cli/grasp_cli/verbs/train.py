"""Train a detector's network; the same command again resumes.

In several processes: torchrun --nproc-per-node N -m grasp_cli.main train ...
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from grasp_cli.training import EpochBar, add_run_arguments, request_of, say, say_what_came

if TYPE_CHECKING:
    from grasp_detection.learned.training.run import Start

EXAMPLES = (
    "grasp train --detector fast --dataset cornell --root cornell --split split.json",
    "grasp train --detector dsc_graspnet --dataset cornell --root cornell --split split.json "
    "--init default --epochs 5  # goes on from shipped weights",
    "grasp train --detector my_family.py:Mine --dataset cornell --root cornell --split split.json",
)
INTERRUPTED = "interrupted: the same command goes on from the last whole epoch"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_run_arguments(parser)
    parser.add_argument("--fold", type=int, default=0, help="which of the file's folds (0)")
    parser.add_argument(
        "--out", type=Path, help="folder of the run (runs/DETECTOR-MODALITY-SPLIT)"
    )


def run(options: argparse.Namespace) -> int:
    """Train."""
    console = Console()
    request = request_of(options, options.out, options.fold)
    from grasp_detection.learned.training.run import train

    def started(start: Start) -> None:
        say(
            console,
            f"{start.detector}, {request.config.modality}, {start.training} training and "
            f"{start.validation} validation pictures of {request.dataset}; on {start.device}, "
            f"{start.processes} process(es); log, curves and checkpoint in {start.out}",
        )
        if start.finished_epochs:
            say(console, f"resumes after epoch {start.finished_epochs}")

    with EpochBar(console) as report:
        finished = train(request, started, report)
    if finished is not None:
        say_what_came(finished, request.config, console)
    return 0
