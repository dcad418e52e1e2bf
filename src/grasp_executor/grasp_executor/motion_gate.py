"""What every motion passes before it starts: it is slowed down, shown, and confirmed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from grasp_core.errors import Cancelled
from grasp_executor.interfaces import JointTrajectory, Operator


def _as_it_is(trajectory: JointTrajectory) -> JointTrajectory:
    return trajectory


def _show_nobody(trajectory: JointTrajectory) -> None:
    """Nobody looks."""


def _tell_nobody(what: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class MotionGate:
    """The one place that trajectories of every planner pass on their way to the arm.

    Attributes:
        paced: The trajectory as fast as it may be.
        show: Draws what is about to move.
        operator: Who confirms every motion of arm and hand; None where nobody is asked.
        tell: Told what waits for a confirmation, and the empty text when nothing does any more.
        timeout_s: For how long a confirmation is waited for, seconds of node time.
    """

    paced: Callable[[JointTrajectory], JointTrajectory] = _as_it_is
    show: Callable[[JointTrajectory], None] = _show_nobody
    operator: Operator | None = None
    tell: Callable[[str], None] = _tell_nobody
    timeout_s: float = 600.0

    def wait_for_operator(
        self, what: str, now_s: Callable[[], float], tick: Callable[[], None]
    ) -> None:
        """Wait until the operator lets a motion begin.

        Args:
            what: Would move, a short phrase.
            now_s: Node time, seconds.
            tick: Lets node time pass; what it raises ends the wait.

        Raises:
            Cancelled: Nobody has confirmed in time.
        """
        operator = self.operator
        if operator is None:
            return
        deadline = now_s() + self.timeout_s
        operator.ask(what)
        self.tell(what)
        try:
            while not operator.has_confirmed():
                if now_s() > deadline:
                    raise Cancelled(
                        f"nobody has confirmed within {self.timeout_s:.0f} s that {what}: call "
                        "~/confirm, or start without step"
                    )
                tick()
        finally:
            operator.withdraw()
        self.tell("")
