"""Faults that stay until an operator has acknowledged them, and what keeps the robot stopped."""

from __future__ import annotations

import threading

from grasp_core.errors import GraspStackError, NotAcknowledged, ProtectiveStop, UnexpectedContact

LATCHING: tuple[type[GraspStackError], ...] = (UnexpectedContact, ProtectiveStop)


class FaultLatch:
    """Remembers an unexpected contact or a protective stop; any thread may report and ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fault: GraspStackError | None = None
        self._stopped_by: dict[str, str] = {}

    def report_stop(self, source: str, reason: str | None) -> None:
        """What a source says of the robot, each time that it says so.

        Args:
            source: Who says it, such as a topic.
            reason: Why the robot is stopped, a short phrase; None if it is not.
        """
        with self._lock:
            if reason is None:
                self._stopped_by.pop(source, None)
                return
            self._stopped_by[source] = reason
            if self._fault is None:
                self._fault = ProtectiveStop(f"the robot has stopped itself: {reason} ({source})")

    def keep(self, failure: GraspStackError) -> None:
        """Remember a failure, if it or what caused it is one that an operator must see."""
        cause: BaseException | None = failure
        while cause is not None:
            if isinstance(cause, LATCHING):
                with self._lock:
                    self._fault = self._fault or cause
                return
            cause = cause.__cause__

    @property
    def fault(self) -> GraspStackError | None:
        """What waits for the operator; None if nothing does."""
        with self._lock:
            return self._fault

    def check_stop(self) -> None:
        """Nothing moves while a protective stop is latched, however short it was.

        Raises:
            ProtectiveStop: One is.
        """
        fault = self.fault
        if isinstance(fault, ProtectiveStop):
            raise fault

    def require_clear(self) -> None:
        """Nothing may begin while a fault is latched.

        Raises:
            NotAcknowledged: An earlier fault waits for the operator.
        """
        fault = self.fault
        if fault is not None:
            raise NotAcknowledged(
                f"{fault.code.name} was not acknowledged: {str(fault).splitlines()[0]}; look at "
                "the robot, then call acknowledge"
            )

    def acknowledge(self) -> tuple[bool, str]:
        """The operator has seen what happened.

        Returns:
            Whether goals are accepted again, and a sentence.
        """
        with self._lock:
            if self._stopped_by:
                reasons = ", ".join(f"{why} ({who})" for who, why in self._stopped_by.items())
                return False, f"the robot is still stopped: {reasons}; reset it at the robot first"
            fault, self._fault = self._fault, None
        if fault is None:
            return True, "nothing waits for an acknowledgement"
        return True, f"{fault.code.name} acknowledged: {str(fault).splitlines()[0]}"
