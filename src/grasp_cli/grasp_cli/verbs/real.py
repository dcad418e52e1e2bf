"""Start the stack over a real robot, and keep it up until Ctrl-C.

Starts what real.launch.py starts, RViz apart: the same drivers, detector and executor. What of the
drivers cannot be started from here is told, to be started by hand. What is not named is as in
config/*.yaml. In a second shell, `grasp pick` sends picks.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from pathlib import Path

from rich.console import Console

from grasp_bringup.arguments import REAL_ARGUMENTS
from grasp_bringup.client import StackClient
from grasp_bringup.description import DriverDescription, StackEntry
from grasp_bringup.environment import log_folder
from grasp_bringup.processes import NodeProcesses, by_hand, command_of
from grasp_bringup.real_stack import RealStack, real_stack
from grasp_cli.interrupt import Interrupt
from grasp_core.errors import ConfigError, MissingDependency

EXAMPLES = (
    "grasp real --robot panda --drivers false --calibration tf",
    "grasp real --robot panda --drivers false --calibration tf --dry-run false --step true",
)
_BRING_UP_S = 120.0
_POLL_S = 0.2
_LOGS_KEPT = 10
_LAUNCH_ALONE = ("rviz",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: those of real.launch.py."""
    for name, about in REAL_ARGUMENTS.items():
        if name not in _LAUNCH_ALONE:
            shown = "|".join(about.choices) or name.rpartition("_")[2].upper()
            option = f"--{name.replace('_', '-')}"
            parser.add_argument(option, help=about.help.replace("%", "%%"), metavar=shown)


def texts_of(options: argparse.Namespace) -> dict[str, str]:
    """Arguments of the stack that were named."""
    named = {name: getattr(options, name, None) for name in REAL_ARGUMENTS}
    return {name: text for name, text in named.items() if text is not None}


def run(options: argparse.Namespace) -> int:
    """Run the command until it is interrupted.

    Raises:
        StackFailed: A node died, or did not come up.
    """
    console = Console()
    stack = real_stack(texts_of(options))
    for notice in stack.notices:
        console.print(f"[yellow]{notice}[/]", soft_wrap=True)
    entries = _startable(stack, console)
    processes = NodeProcesses(entries, _log_dir())
    namespace = stack.nodes[0].namespace
    try:
        with Interrupt() as interrupt, StackClient(interrupt.check, namespace) as client:
            client.refuse_if_present(stack.nodes)
            with processes:
                client.watch(lambda: _check(interrupt, processes))
                client.bring_up(stack.nodes, _BRING_UP_S)
                told = f" --namespace {namespace}" if namespace else ""
                console.print(f"ready: `grasp pick{told}`; logs in {processes.log_dir}")
                while True:
                    client.check()
                    time.sleep(_POLL_S)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"interrupted: {processes.ending()}") from error


def _check(interrupt: Interrupt, processes: NodeProcesses) -> None:
    interrupt.check()
    processes.check()


def _startable(stack: RealStack, console: Console) -> list[StackEntry]:
    """What can be started from here; the rest is told."""
    entries: list[StackEntry] = []
    for entry in stack.entries:
        try:
            command_of(entry)
        except (ConfigError, MissingDependency) as error:
            if not isinstance(entry, DriverDescription):
                raise
            console.print(f"[yellow]{error}[/]; by hand:", soft_wrap=True)
            console.print(f"  {by_hand(entry)}", soft_wrap=True, highlight=False)
        else:
            entries.append(entry)
    return entries


def _log_dir() -> Path:
    """A fresh folder for the nodes' logs; the last ones are kept."""
    base = log_folder() / "grasp_real"
    base.mkdir(exist_ok=True)
    for old in sorted(base.iterdir())[: -_LOGS_KEPT + 1]:
        shutil.rmtree(old, ignore_errors=True)
    return base / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
