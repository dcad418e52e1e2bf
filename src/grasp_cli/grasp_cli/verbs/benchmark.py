"""Compare detectors by real picks in simulation, on the same scenes."""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from grasp_benchmark.closed_loop.benchmark import Benchmark
from grasp_benchmark.closed_loop.contact_figures import contact_lines
from grasp_benchmark.closed_loop.contestants import parse_contestants
from grasp_benchmark.closed_loop.figures import Figures, summarise
from grasp_benchmark.closed_loop.journal import Journal
from grasp_benchmark.closed_loop.page import write_report
from grasp_benchmark.closed_loop.played_operator import operator_lines
from grasp_benchmark.closed_loop.record import TrialRecord
from grasp_benchmark.closed_loop.run import carry_out
from grasp_benchmark.closed_loop.settings import (
    BEST,
    CLEAR,
    DSC,
    POLICIES,
    PROTOCOLS,
    TRIALS,
    BenchmarkSettings,
)
from grasp_benchmark.closed_loop.table import show
from grasp_benchmark.scheduler import Scheduler
from grasp_bringup.stack import simulated_cell, simulated_robot
from grasp_cli.long_work import (
    add_worker_arguments,
    checked_scheduler,
    checked_workers,
    long_work,
    who_works,
)
from grasp_core.config import build
from grasp_core.errors import BadCalibration, ConfigError
from grasp_core.hand_eye import load_hand_eye
from grasp_core.json_file import require_writable, write_json
from grasp_core.robot import CAMERA_FIXED, CAMERA_MOUNTS, CAMERA_ON_HAND, load_robot
from grasp_sim.config import NOISE_PRESETS
from grasp_sim.objects import NAMED_SETS, object_set
from grasp_sim.renderer import egl_works

EXAMPLES = (
    "grasp benchmark --detector default --trials 20",
    "grasp benchmark --detector default,antipodal --noise d435 --report report",
    "grasp benchmark --detector antipodal --protocol clear --clutter 5 --no-oracle",
    "grasp benchmark --detector antipodal --clutter 6 --posts --no-oracle",
    "grasp benchmark --detector default --camera-tilt 0,20,40,55 --no-oracle",
)
INTERRUPTED = "interrupted: the same command goes on where it was"
_TRIALS = {TRIALS: 100, DSC: 20, CLEAR: 40}
_POSTS = 3
_STEEPEST_DEG = 80.0
_CLUTTER = {TRIALS: 1, DSC: 1, CLEAR: 5}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--detector",
        required=True,
        metavar="D[:WEIGHTS][,D2...]",
        help="detectors to compare, learned ones with shipped weights or a .safetensors file",
    )
    parser.add_argument(
        "--objects",
        default="dev",
        help=f"{', '.join(NAMED_SETS)}, or a folder, one object per subfolder (dev)",
    )
    parser.add_argument("--clutter", type=int, help="objects on the table, 1 to 15 (1; clear: 5)")
    parser.add_argument(
        "--trials",
        type=int,
        help="scenes (100; clear: 40); in protocol dsc, placements of each object (20)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of objects and scenes (0)")
    parser.add_argument(
        "--noise", default="none", help=f"depth noise: {', '.join(NOISE_PRESETS)} (none)"
    )
    parser.add_argument(
        "--spread",
        type=float,
        default=0.6,
        help="share of the workspace, around its middle, in which a single object falls (0.6)",
    )
    parser.add_argument(
        "--posts",
        type=int,
        nargs="?",
        const=_POSTS,
        default=0,
        metavar="COUNT",
        help="stand columns beside the ways of the hand, 5 to 30 cm tall, and tell the contact "
        f"forces of every pick (none; without a number {_POSTS})",
    )
    parser.add_argument("--attempts", type=int, default=1, help="grasps allowed per pick (1)")
    parser.add_argument(
        "--policy",
        default=BEST,
        help=f"{', '.join(POLICIES)}: the best candidate first, or by chance one above 0.9 as in "
        "DSGD's paper (best)",
    )
    parser.add_argument(
        "--protocol",
        default=TRIALS,
        help=f"{', '.join(PROTOCOLS)}: one pick per scene, every object placed many times, or "
        "scenes picked until empty or two failures in a row (trials)",
    )
    parser.add_argument(
        "--no-oracle", action="store_true", help="leave out the reference of exact geometry"
    )
    parser.add_argument("--robot", help="folder under config/robots (as config/simulator.yaml)")
    parser.add_argument(
        "--gripper", help="file under config/grippers (the simulator's, or another robot's own)"
    )
    parser.add_argument(
        "--cell", help="file under config/cells (the simulator's, or another robot's own)"
    )
    parser.add_argument(
        "--camera-mount",
        default=CAMERA_FIXED,
        choices=CAMERA_MOUNTS,
        help="camera fixed above the table, or on the hand (fixed)",
    )
    parser.add_argument(
        "--camera-tilt",
        default="0",
        metavar="DEG[,DEG2...]",
        help="angles of a fixed camera from straight down, up to 80; each detector picks the same "
        "scenes at every one of them (0)",
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        help="calibration file that the stack believes instead of the true camera's pose",
    )
    add_worker_arguments(parser, "are used")
    parser.add_argument(
        "--out", type=Path, help="folder to keep and resume trials in (runs/benchmark-HASH)"
    )
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--report", type=Path, help="folder for a page with plots and pictures")


def run(options: argparse.Namespace) -> int:
    """Measure what is missing, show and write; after an interruption, too."""
    workers, scheduler = checked_workers(options.workers), checked_scheduler(options)
    require_writable(options.json)
    contestants = parse_contestants(
        options.detector, oracle=not options.no_oracle, tilts_deg=_tilts(options)
    )
    benchmark = Benchmark.of(_settings(options), contestants)
    console = Console()
    used = {name for trial in benchmark.trials for name in trial.objects}
    for sentence in object_set(benchmark.settings.objects).findings(used):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    with benchmark.journal(options.out) as journal:
        console.print(
            f"{benchmark.size} trials ({len(benchmark.done(journal))} of them done before), "
            f"{who_works(workers, scheduler)}, kept in {journal.folder}",
            highlight=False,
            soft_wrap=True,
        )
        interrupted = _measure(benchmark, journal, workers, scheduler)
        records = benchmark.done(journal)
        if records:
            figures = summarise(benchmark, records)
            show(figures, console)
            for line in (*operator_lines(figures), *contact_lines(figures)):
                console.print(line, markup=False, highlight=False, soft_wrap=True)
            _write(options, figures, records, journal.folder)
    if interrupted:
        raise KeyboardInterrupt
    return 0


def _tilts(options: argparse.Namespace) -> list[float]:
    """The camera's angles, degrees.

    Raises:
        ConfigError: They are none, or the camera's pose is given otherwise.
    """
    try:
        tilts = [float(part) for part in options.camera_tilt.split(",")]
    except ValueError:
        tilts = [math.nan]
    if not all(0.0 <= tilt <= _STEEPEST_DEG for tilt in tilts):
        raise ConfigError(
            f"--camera-tilt {options.camera_tilt!r} must be angles from 0 to {_STEEPEST_DEG:g} "
            "degrees"
        )
    if any(tilts) and (options.camera_mount != CAMERA_FIXED or options.calibration):
        raise ConfigError(
            "--camera-tilt turns a fixed camera whose pose is known: leave out --camera-mount and "
            "--calibration"
        )
    return tilts


def _settings(options: argparse.Namespace) -> BenchmarkSettings:
    protocol = options.protocol
    clutter, trials = options.clutter, options.trials
    robot, gripper = simulated_robot(options.robot, options.gripper)
    values = {
        "protocol": protocol,
        "objects": options.objects,
        "clutter": _CLUTTER.get(protocol, 1) if clutter is None else clutter,
        "trials": _TRIALS.get(protocol, 1) if trials is None else trials,
        "seed": options.seed,
        "noise": options.noise,
        "posts": options.posts,
        "attempts": options.attempts,
        "policy": options.policy.replace("-", "_"),
        "spread": options.spread,
        "robot": robot,
        "gripper": gripper,
        "cell": simulated_cell(options.robot, options.cell),
        "camera_mount": options.camera_mount,
        "believed_camera": _believed(options, robot, gripper),
    }
    checked = build(BenchmarkSettings, values, "grasp benchmark")
    return dataclasses.replace(checked, renderer="egl" if egl_works() else "tiny")


def _believed(options: argparse.Namespace, robot: str, gripper: str) -> tuple[float, ...]:
    """The pose in the calibration file that was named; empty without.

    Raises:
        BadCalibration: It is not of a camera on what carries this one.
    """
    if options.calibration is None:
        return ()
    found, arm = load_hand_eye(options.calibration), load_robot(robot, gripper).arm
    parent = arm.tcp_frame if options.camera_mount == CAMERA_ON_HAND else arm.base_frame
    if found.parent_frame != parent:
        raise BadCalibration(
            f"{options.calibration} is relative to {found.parent_frame!r}, but with "
            f"--camera-mount {options.camera_mount} the camera is on {parent!r}"
        )
    pose = found.T_parent_camera
    return (*pose.translation.tolist(), *pose.quaternion.tolist())


def _measure(
    benchmark: Benchmark, journal: Journal, workers: int, scheduler: Scheduler | None
) -> bool:
    """Do what is missing, with a bar; whether it was interrupted."""
    done = success = 0
    with long_work("picking", benchmark.size, len(benchmark.done(journal))) as work:

        def report(record: TrialRecord) -> None:
            nonlocal done, success
            done += len(record.picks)
            success += sum(pick.success for pick in record.picks)
            work.advance(f"{success} of {done} picks succeeded")

        try:
            carry_out(benchmark, journal, workers, scheduler, work.check, report)
        except KeyboardInterrupt:
            return True
    return False


def _write(
    options: argparse.Namespace,
    figures: Figures,
    records: Mapping[tuple[str, int], TrialRecord],
    folder: Path,
) -> None:
    """Write the files that were asked for."""
    if options.json:
        write_json(options.json, figures)
    if options.report:
        path = write_report(options.report, figures, records, folder)
        print(f"report: {path}")
