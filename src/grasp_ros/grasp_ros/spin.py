"""Running a node as a program: one executor, a clean end on Ctrl-C and on SIGTERM."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Sequence

import rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from grasp_core.errors import GraspStackError

_SIGNAL_PERIOD_S = 0.2


def run(make_node: Callable[[], Node], threads: int, args: Sequence[str] | None = None) -> int:
    """Create a node, spin it until it is told to stop, and destroy it.

    Args:
        make_node: Builds the node after rclpy is initialised.
        threads: Executor threads; one more than the callbacks that may wait at once.
        args: Command line; None for the process's own.

    Returns:
        Exit status: 0, or 1 when the node could not be built.
    """
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    _on_signals(_interrupt)
    node = None
    stop = threading.Event()
    try:
        node = make_node()
        # From here on a signal only sets a flag: an exception between two lines of the executor
        # can leave a worker thread that nobody ends, and the process then never exits.
        _on_signals(lambda number, frame: stop.set())
        executor = MultiThreadedExecutor(num_threads=threads)
        executor.add_node(node)
        while rclpy.ok() and not stop.is_set():
            # With a timeout, so that Python sees a signal also when nothing happens.
            executor.spin_once(timeout_sec=_SIGNAL_PERIOD_S)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except GraspStackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
        _on_signals(signal.SIG_IGN)  # a second one would only spoil the interpreter's own end
    return 0


def _on_signals(handler: Callable[[int, object], None] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
