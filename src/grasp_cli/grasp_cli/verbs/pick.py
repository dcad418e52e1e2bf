"""Send one pick to the running stack, and be its operator.

Where the stack was started with step, each motion is asked for: Enter lets it begin, anything else
cancels the pick. Ctrl-C cancels it, too.
"""

from __future__ import annotations

import argparse
import sys

from grasp_msgs.action import Pick
from rich.console import Console

from grasp_bringup.attended_pick import AttendedPick
from grasp_bringup.client import StackClient
from grasp_core.errors import Code, ConfigError
from grasp_executor.selection import Policy

EXAMPLES = (
    "grasp pick",
    "grasp pick --namespace left --attempts 3",
    "grasp pick --label mug --yes  # confirms every motion by itself",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("--attempts", type=int, default=1, help="grasps allowed (1)")
    add(
        "--policy",
        default=Policy.BEST.name.lower(),
        choices=[policy.name.lower() for policy in Policy],
        help="the best candidate first, or by chance one above the executor's random_threshold "
        "(best)",
    )
    add(
        "--delicate",
        type=float,
        default=0.0,
        metavar="N",
        help="most that it bears, N per finger (as strong as the hand is)",
    )
    add("--label", default="", help="only objects of this class")
    add("--namespace", default="", help="namespace of the stack")
    add("--yes", action="store_true", help="confirm every motion without asking")


def run(options: argparse.Namespace) -> int:
    """Run the command; 0 when the object was taken away, or when a dry run has planned that."""
    if not 1 <= options.attempts <= 100:
        raise ConfigError(f"--attempts is {options.attempts}, must lie in [1, 100]")
    console = Console()
    goal = Pick.Goal(
        max_attempts=options.attempts,
        label=options.label,
        policy=int(Policy[options.policy.upper()]),
        delicate_force_n=options.delicate,
    )
    with StackClient(namespace=options.namespace) as client:
        confirms = (lambda what: True) if options.yes else _ask
        result = AttendedPick(client, confirms, console.print).run(goal)
    # A server that dies answers with an empty result, whose code reads as OK.
    died = result.code == Code.OK and not result.success
    code = Code.INTERNAL if died else Code(result.code)
    message = "the executor has ended; its log says why" if died else result.message
    console.print(f"{code.name}: {message}", highlight=False, soft_wrap=True)
    if result.holding:
        console.print("the hand may hold something: see executor/release", soft_wrap=True)
    return 0 if code in (Code.OK, Code.DRY_RUN) else 1


def _ask(what: str) -> bool:
    print(f"{what}? Enter lets it begin, anything else cancels: ", end="", flush=True)
    answer = sys.stdin.readline()
    return answer == "\n"  # at its end, as without a terminal, nobody has answered
