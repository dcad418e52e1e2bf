"""Start the simulated stack, pick, and tell what happened.

What is not named is as in config/*.yaml.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from grasp_bringup.arguments import SIM_ARGUMENTS
from grasp_bringup.client import StackClient
from grasp_bringup.environment import log_folder
from grasp_bringup.heartbeat import Heartbeat, asking
from grasp_bringup.pick_record import PickRecord, PickReport, content_of
from grasp_bringup.pick_series import PickSeries, SeriesPlan
from grasp_bringup.processes import NodeProcesses, StackFailed
from grasp_bringup.stack import read_defaults, sim_stack, simulated_cell, weights_in_file
from grasp_cli.interrupt import Interrupt
from grasp_cli.pick_results import summary_of, table_of
from grasp_core.cell import load_cell
from grasp_core.errors import Code, ConfigError
from grasp_core.json_file import require_writable, write_json
from grasp_core.robot import CAMERA_MOUNTS
from grasp_detection.registry import has_weights, resolve, weights_of
from grasp_sim.objects import NAMED_SETS, object_set

EXAMPLES = (
    "grasp sim --picks 3",
    "grasp sim --gui --detector antipodal  # watch it, in real time",
    "grasp sim --picks 10 --clutter 5 --noise d435 --report report --json picks.json",
    "grasp sim --clutter 6 --objects household --pick-class mug --detector det_seg_refine "
    "--weights FILE  # a named object",
)
_BRING_UP_S = 60.0
_LOGS_KEPT = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments; what config decides has no default here."""
    add = parser.add_argument
    add("--picks", type=int, default=5, help="number of picks (5)")
    add("--objects", help=f"{', '.join(NAMED_SETS)}, or a folder, one object per subfolder")
    add("--clutter", type=int, help="objects on the table, 1 to 15")
    add("--seed", type=int, help="seed of objects and scenes")
    add("--detector", help="detector; default is the one that picks best")
    add("--weights", help="shipped weights of a learned detector, or path")
    add("--robot", help="folder under config/robots")
    add("--gripper", help="hand that the robot carries, a file under config/grippers")
    add("--camera", help="file under config/cameras: topics and encodings")
    add("--cell", help="file under config/cells; another robot has its own")
    add("--planner", choices=SIM_ARGUMENTS["planner"].choices, help="who plans the arm's paths")
    add("--attempts", type=int, default=1, help="grasps allowed per pick (1)")
    add(
        "--delicate",
        type=float,
        default=0.0,
        metavar="N",
        help="most that the objects bear, N per finger (as strong as the hand is)",
    )
    add(
        "--pick-class",
        default="",
        help="only objects of this class, by a detector that tells them",
    )
    add("--speed", help="times real time, or max (max; with --gui 1)")
    add("--noise", choices=SIM_ARGUMENTS["noise"].choices, help="depth noise")
    add("--camera-tilt", type=float, help="camera from straight down, degrees, 0 to 40")
    add("--camera-mount", choices=CAMERA_MOUNTS, help="camera above the table, or on the hand")
    add("--calibration", help="calibration file that the stack believes; tf: the true pose (tf)")
    add("--gui", action="store_true", default=None, help="show PyBullet's window")
    add("--report", type=Path, help="folder for a CSV and a picture per pick")
    add("--json", type=Path, help="file for the results")


def check(options: argparse.Namespace) -> dict[str, str]:
    """Check the arguments, and fill those that were not named from the parameter files.

    Returns:
        Arguments of the stack that differ from the parameter files, as texts.

    Raises:
        ConfigError: A value is out of range; says which are valid.
    """
    if options.picks < 1:
        raise ConfigError(f"--picks is {options.picks}, must be at least 1")
    if not 1 <= options.attempts <= 100:
        raise ConfigError(f"--attempts is {options.attempts}, must lie in [1, 100]")
    named = {}
    for name, about in SIM_ARGUMENTS.items():
        value = getattr(options, name, None)
        if value is not None:
            named[name] = str(value).lower() if about.kind is bool else str(value)
            about.read(f"--{name.replace('_', '-')}", named[name])
    require_writable(options.json)
    _fill(options)
    options.detector = resolve(options.detector)
    weights_of(options.detector, options.weights)
    object_set(options.objects)
    load_cell(options.cell)
    # The command sets every scene itself; the simulator's first one need not be as full.
    named.pop("clutter", None)
    # The command's own, whatever config says: nobody watches without a window.
    named["speed"] = options.speed or ("1" if options.gui else "max")
    named["continuous"] = "true" if options.gui else "false"
    return named


def _fill(options: argparse.Namespace) -> None:
    """Take what was not named from the parameter files."""
    defaults = read_defaults()
    options.cell = simulated_cell(options.robot, options.cell)
    for name in ("objects", "clutter", "seed", "robot", "noise", "gui"):
        if getattr(options, name) is None:
            setattr(options, name, getattr(defaults.simulator, name))
    options.detector = options.detector or defaults.detector.detector
    options.weights = options.weights or weights_in_file(options.detector)


def run(options: argparse.Namespace) -> int:
    """Run the command; the exit status says whether the stack worked, not whether grasps did.

    Raises:
        StackFailed: A node died or hangs, or picks ended by faults of the stack.
    """
    nodes = sim_stack(check(options))
    processes = NodeProcesses(nodes, _log_dir())
    console = Console()
    started = time.monotonic()
    try:
        with Interrupt() as interrupt, StackClient(interrupt.check) as client:
            client.refuse_if_present(nodes)
            with processes, console.status("starting") as status:
                client.watch(lambda: _check(interrupt, processes))
                status.update("starting the simulator, the detector and the executor")
                client.bring_up(nodes, _BRING_UP_S)
                # Not before: a node that loads its weights answers nobody, and has its own limit.
                heartbeat = Heartbeat([node.name for node in nodes], asking(client.node))
                client.watch(lambda: _check(interrupt, processes, heartbeat))
                ready_s = time.monotonic() - started
                series = PickSeries(client, _plan(options), status.update)
                try:
                    _pick(series, client, options, console)
                finally:
                    # Whatever ends the series, what was measured is not lost.
                    if series.records:
                        _conclude(series, options, console, time.monotonic() - started)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"interrupted: {processes.ending()}") from error
    console.print(f"ready after {ready_s:.1f} s; logs in {processes.log_dir}", soft_wrap=True)
    _tell_faults(series.records, processes.log_dir)
    return 0


def _check(*about: Interrupt | NodeProcesses | Heartbeat) -> None:
    """Raise what has happened while the client waits: an interruption, a node that is gone."""
    for one in about:
        one.check()


def _tell_faults(records: Sequence[PickRecord], log_dir: Path) -> None:
    """Raise StackFailed where picks did not end by what was grasped, but by the stack."""
    faults = Counter(one.code for one in records if Code[one.code].is_stack_fault)
    if faults:
        codes = ", ".join(f"{count} {code}" for code, count in faults.most_common())
        raise StackFailed(
            f"{faults.total()} of {len(records)} picks ended by faults of the stack, not of the "
            f"grasp: {codes}; logs in {log_dir}"
        )


def _plan(options: argparse.Namespace) -> SeriesPlan:
    return SeriesPlan(
        picks=options.picks,
        objects=str(options.objects),
        clutter=options.clutter,
        seed=options.seed,
        attempts=options.attempts,
        delicate_n=options.delicate,
        pick_class=options.pick_class,
    )


def _pick(
    series: PickSeries, client: StackClient, options: argparse.Namespace, console: Console
) -> None:
    """Do all picks; print and keep each one."""
    report = PickReport(options.report) if options.report else None
    if report:
        client.keep_images()
    if series.wanted > series.available:
        console.print(
            f"{options.objects} holds {series.available} objects: some come more than once"
        )
    for number, (label, record) in enumerate(series.run(), 1):
        if report:
            report.add(number, record, client.take_image())
        mark = "[green]OK[/]" if record.success else f"[yellow]{record.code}[/]"
        console.print(f"{label}: {mark} {record.sentence}", highlight=False)


def _conclude(
    series: PickSeries, options: argparse.Namespace, console: Console, wall_s: float
) -> None:
    """Show and write the results so far."""
    records, renderer = series.records, series.renderer
    console.print(table_of(records))
    if len(records) < options.picks:
        console.print(f"[yellow]ended after {len(records)} of {options.picks} picks[/]")
    console.print(summary_of(records))
    learned = f" ({options.weights})" if has_weights(options.detector) else ""
    console.print(
        f"detector {options.detector}{learned}, objects {options.objects}, clutter "
        f"{options.clutter}, seed {options.seed}, noise {options.noise}, renderer {renderer}; "
        f"{wall_s:.0f} s in all"
    )
    if options.json:
        about = {
            "objects": str(options.objects),
            "clutter": options.clutter,
            "seed": options.seed,
            "detector": options.detector,
            "weights": options.weights if has_weights(options.detector) else "",
            "noise": options.noise,
            "pick_class": options.pick_class,
            "renderer": renderer,
            "wall_s": round(wall_s, 1),
        }
        write_json(options.json, content_of(records, about))


def _log_dir() -> Path:
    """A fresh folder for the nodes' logs, inside the environment; the last ones are kept."""
    base = log_folder() / "grasp_sim"
    base.mkdir(exist_ok=True)
    for old in sorted(base.iterdir())[: -_LOGS_KEPT + 1]:
        shutil.rmtree(old, ignore_errors=True)
    return base / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
