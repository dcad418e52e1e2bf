"""The `grasp` command."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="grasp", description="Run, measure and configure the grasping stack."
    )
    parser.add_argument("command", choices=("sim", "bench", "config"), help="what to do")
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
    if chosen.command == "sim":
        from grasp_bringup import sim_command as command
    elif chosen.command == "bench":
        from grasp_bringup import bench_command as command  # type: ignore[no-redef]
    else:
        from grasp_bringup import config_command as command  # type: ignore[no-redef]
    parser = argparse.ArgumentParser(prog=f"grasp {chosen.command}", description=command.__doc__)
    command.add_arguments(parser)
    return command.main(parser.parse_args(chosen.arguments))


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
