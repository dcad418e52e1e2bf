"""The `grasp` command."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

from grasp_bringup import environment
from grasp_cli.exit_status import exit_status
from grasp_cli.verb import VerbParser, indented, verbs

FIRST_COMMANDS = (
    "grasp sim --picks 3  # start the simulated stack and pick three objects",
    "grasp benchmark --detector default --trials 20  # how often its grasps succeed",
    "grasp evaluate --detector default --dataset cornell --root DIR --split all",
)


def command_parser() -> argparse.ArgumentParser:
    """The parser of the whole command; a verb is imported when its arguments are parsed."""
    known = verbs()
    width = max(len(verb.name) for verb in known)
    listed = [f"{verb.name:{width}}  {verb.summary}" for verb in known]
    parser = argparse.ArgumentParser(
        prog="grasp",
        usage="grasp VERB ...\n       grasp VERB --help",
        description="Run, measure, teach and configure the grasping stack.",
        epilog=f"{indented('verbs:', listed)}\n\n{indented('to begin with:', FIRST_COMMANDS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(
        prog="grasp", dest="verb", required=True, metavar="VERB", parser_class=VerbParser,
        help=argparse.SUPPRESS,
    )  # fmt: skip
    for verb in known:
        actions.add_parser(verb.name).fill_from(verb)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    # The environment must be complete before rclpy is first imported.
    environment.prepare(restart=True)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    return exit_status(lambda: _run(command_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> int:
    module = options.verb_module
    try:
        return int(module.run(options))
    except KeyboardInterrupt as error:
        if error.args or not hasattr(module, "INTERRUPTED"):
            raise
        raise KeyboardInterrupt(module.INTERRUPTED) from error


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
