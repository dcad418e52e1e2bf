"""Base of the stack's lifecycle nodes: nothing that goes wrong in a transition stays silent."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from grasp_core.errors import GraspStackError
from grasp_ros.parameters import ParameterJudge
from grasp_ros.qos import RESULTS

ConfigT = TypeVar("ConfigT")


class GraspLifecycleNode(LifecycleNode):
    """Lifecycle node whose transitions log and publish their failures.

    rclpy turns an exception in a transition into ERROR without a word; here it is logged with its
    traceback (a sentence alone for the stack's own errors) and published on /diagnostics.
    Subclasses override ``configure``, ``activate``, ``deactivate`` and ``cleanup`` and raise.

    Between configuration and clean-up, parameters change only where the node can take it: a
    subclass declares them by ``declare_config`` and takes live ones in ``reconfigure``.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        # A plain publisher: diagnostics are of most use while the node is not active.
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", RESULTS)
        self._judge = ParameterJudge(self, self.reconfigure)

    def configure(self) -> None:
        """Read parameters, load what is heavy, create entities."""

    def declare_config(self, config_class: type[ConfigT], prefix: str = "") -> ConfigT:
        """Declare a configuration's parameters and read them.

        Raises:
            ConfigError: A value is of the wrong type or out of its bounds.
        """
        return self._judge.declare(config_class, prefix)

    def reconfigure(self, config: object) -> None:
        """Take a configuration in which live settings have changed; what it raises refuses it."""

    def activate(self) -> None:
        """Start to work."""

    def deactivate(self) -> None:
        """Stop to work; keep what was configured."""

    def cleanup(self) -> None:
        """Release what ``configure`` created."""

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run ``configure``; a failed one leaves the node unconfigured and released."""
        outcome = self._guarded("configure", self.configure)
        if outcome is not TransitionCallbackReturn.SUCCESS:
            self._judge.released()
            self._guarded("cleanup", self.cleanup)
        return outcome

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Activate managed publishers, then run ``activate``."""
        super().on_activate(state)
        outcome = self._guarded("activate", self.activate)
        if outcome is not TransitionCallbackReturn.SUCCESS:
            super().on_deactivate(state)
        return outcome

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run ``deactivate``, then deactivate managed publishers."""
        outcome = self._guarded("deactivate", self.deactivate)
        if outcome is TransitionCallbackReturn.SUCCESS:
            super().on_deactivate(state)
        return outcome

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run ``cleanup``."""
        self._judge.released()
        return self._guarded("cleanup", self.cleanup)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and release, from whatever state."""
        self._guarded("deactivate", self.deactivate)
        return self._guarded("cleanup", self.cleanup)

    def _LifecycleNodeMixin__change_state(self, transition: int) -> TransitionCallbackReturn:
        """Refuse a transition that the state does not have; in rclpy it ends the process."""
        if transition not in (one[0] for one in self._state_machine.available_transitions):
            state = self._state_machine.current_state[1]
            self.get_logger().warning(f"transition {transition} refused: the node is {state}")
            return TransitionCallbackReturn.FAILURE
        return super()._LifecycleNodeMixin__change_state(transition)

    def _guarded(self, name: str, transition: Callable[[], None]) -> TransitionCallbackReturn:
        try:
            transition()
        except GraspStackError as error:
            self._report_failure(name, str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception as error:
            # The transition is a boundary: whatever happened must be seen, then reported.
            self.get_logger().error(traceback.format_exc())
            self._report_failure(name, f"{type(error).__name__}: {error}")
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    def _report_failure(self, transition: str, message: str) -> None:
        self.get_logger().error(f"{transition} failed: {message}")
        self.publish_status(DiagnosticStatus.ERROR, f"{transition} failed: {message}")

    def publish_status(
        self, level: bytes, message: str, values: dict[str, object] | None = None
    ) -> None:
        """Publish one status on /diagnostics.

        Args:
            level: A level of DiagnosticStatus.
            message: One sentence.
            values: Figures by name, units in the names.
        """
        status = DiagnosticStatus(
            level=level,
            name=self.get_fully_qualified_name(),
            hardware_id=self.get_name(),
            message=message,
            values=[KeyValue(key=key, value=str(value)) for key, value in (values or {}).items()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)
