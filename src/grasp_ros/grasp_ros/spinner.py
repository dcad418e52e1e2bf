"""A node with an executor and a thread of its own.

For what must be quick: an rclpy executor looks at every entity of its nodes for each callback, so
topics that come hundreds of times a second lag on a node with many actions and services. And for
clients of actions: rclpy drops the answer to a goal when it arrives in one thread before the
other one, which sent it, has noted that it waits; sending in the spinning thread excludes that.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from typing import TypeVar

from rclpy.executors import (
    ExternalShutdownException,
    ShutdownException,
    SingleThreadedExecutor,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from grasp_core.errors import HardwareLost

ResultT = TypeVar("ResultT")

_POLL_S = 0.0005
_WAKE_S = 0.2
_TIMEOUT_S = 10.0


class Spinner:
    """Spins one node in its own thread until closed."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._executor = SingleThreadedExecutor(context=node.context)
        self._executor.add_node(node)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._spin, name=node.get_name(), daemon=True)

    def start(self) -> None:
        """Begin to spin."""
        self._thread.start()

    def close(self) -> None:
        """Stop spinning and destroy the node."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        self._executor.shutdown(timeout_sec=2.0)
        self.node.destroy_node()

    def run(self, function: Callable[[], ResultT]) -> ResultT:
        """Run a function between two callbacks in the spinning thread, and return its result.

        Once this has raised, a function that had not begun never will: what was given up must not
        happen later.

        Raises:
            HardwareLost: The thread does not spin any more, or the function does not return.
        """
        claim = threading.Lock()  # whoever takes it decides: to run the function, or to give it up

        def run_if_wanted() -> ResultT | None:
            return function() if claim.acquire(blocking=False) else None

        task = self._executor.create_task(run_if_wanted)
        deadline = time.monotonic() + _TIMEOUT_S
        while not task.done():
            if time.monotonic() > deadline:
                name = self.node.get_name()
                if claim.acquire(blocking=False):
                    task.cancel()
                    raise HardwareLost(f"node {name} does not spin any more: nothing was done")
                raise HardwareLost(f"node {name} has not finished within {_TIMEOUT_S:.0f} s")
            time.sleep(_POLL_S)
        return task.result()

    def _spin(self) -> None:
        while self.node.context.ok() and not self._closing.is_set():
            try:
                self._executor.spin_once(timeout_sec=_WAKE_S)
            except (ExternalShutdownException, ShutdownException):
                return
            except Exception:
                # One bad message must not end what watches a moving arm.
                self.node.get_logger().error(traceback.format_exc())


def companion(owner: Node, purpose: str = "hardware") -> Spinner:
    """A spinner for a bare node beside another one: same context, same kind of time.

    Args:
        owner: The node that it belongs to.
        purpose: Ends the companion's name.
    """
    use_sim_time = owner.get_parameter("use_sim_time").value
    return Spinner(
        Node(
            f"{owner.get_name()}_{purpose}",
            context=owner.context,
            namespace=owner.get_namespace(),
            enable_rosout=False,
            start_parameter_services=False,
            use_global_arguments=False,
            parameter_overrides=[Parameter("use_sim_time", value=use_sim_time)],
        )
    )
