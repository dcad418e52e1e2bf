"""The `grasp` command."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from collections.abc import Sequence

_MODULES = {"import": "import_weights"}  # a name that Python keeps for itself
COMMANDS = ("sim", "bench", "benchmark", "data", "train", "evaluate", "import", "config")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="grasp", description="Run, measure and configure the grasping stack."
    )
    parser.add_argument("command", choices=COMMANDS, help="what to do")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="see grasp COMMAND --help")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    chosen = _parser().parse_args(arguments)
    # The environment must be complete before rclpy is first imported.
    from grasp_bringup import environment

    environment.prepare()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    command = importlib.import_module(
        f"grasp_cli.verbs.{_MODULES.get(chosen.command, chosen.command)}"
    )
    parser = argparse.ArgumentParser(prog=f"grasp {chosen.command}", description=command.__doc__)
    command.add_arguments(parser)
    try:
        return int(command.main(parser.parse_args(chosen.arguments)))
    except KeyboardInterrupt:  # commands that have more to say of it have said it
        print("interrupted", file=sys.stderr)
        return 130
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        print(f"error: {error.strerror or error}{where}", file=sys.stderr)
        return 2


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
