"""A node of its own for topics that come hundreds of times a second.

An rclpy executor looks at every entity of its nodes for each callback, so fast topics on a node
with many actions and services lag behind. Here they have an executor and a thread to themselves.
"""

from __future__ import annotations

import contextlib
import threading

from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter


class Listener:
    """A bare node beside another one, spun in its own thread until closed."""

    def __init__(self, owner: Node) -> None:
        """Create the node, named after its owner, with the owner's context and kind of time."""
        use_sim_time = owner.get_parameter("use_sim_time").value
        self.node = Node(
            f"{owner.get_name()}_listener",
            context=owner.context,
            namespace=owner.get_namespace(),
            enable_rosout=False,
            start_parameter_services=False,
            use_global_arguments=False,
            parameter_overrides=[Parameter("use_sim_time", value=use_sim_time)],
        )
        self._executor = SingleThreadedExecutor(context=owner.context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, name="listener", daemon=True)

    def start(self) -> None:
        """Begin to spin; to be called once all subscriptions exist."""
        self._thread.start()

    def close(self) -> None:
        """Stop spinning and destroy the node."""
        self._executor.shutdown(timeout_sec=2.0)
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        self.node.destroy_node()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()
