"""One rule for time: what a stamp must be for joint states, images and transforms to be believed.

Stamps of one source advance. One that does not, repeated or set back by whatever amount, is no
new measurement, and what was kept of the time before a step back is forgotten: a stamp after it
may mean two moments. No stamp leads node time by more than a parameter allows: it would look young
for ever. When node time itself is set back, everything kept is forgotten.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from grasp_core.errors import ClockError

if TYPE_CHECKING:
    from rclpy.node import Node

NANOSECONDS = 1_000_000_000
DEFAULT_MAX_LEAD_S = 0.5
"""Late /clock messages of a simulation, and clocks of two machines that NTP keeps together, stay
well below; a driver in another time zone or of another boot does not."""


class Step(enum.Enum):
    """What the stamp of a message is beside the newest of its source."""

    ADVANCED = enum.auto()
    REPEATED = enum.auto()
    SET_BACK = enum.auto()


def step_of(stamp: float, newest: float | None) -> Step:
    """Compare a stamp with the newest of the same source; None where it is the first."""
    if newest is None or stamp > newest:
        return Step.ADVANCED
    return Step.REPEATED if stamp == newest else Step.SET_BACK


def leads(stamp_ns: int, now_ns: int, max_lead_s: float) -> bool:
    """Whether a stamp leads node time by too much; never before node time has begun."""
    return now_ns > 0 and stamp_ns - now_ns > max_lead_s * NANOSECONDS


def refuse_lead(what: str, stamp_ns: int, now_ns: int, max_lead_s: float) -> None:
    """Check that a stamp does not lead node time by too much.

    Args:
        what: Whose stamps they are, for the message; a plural.
        stamp_ns: The stamp, nanoseconds.
        now_ns: Node time, nanoseconds; 0 before the first /clock.
        max_lead_s: Allowed lead, seconds.

    Raises:
        ClockError: It does; names the lead.
    """
    if leads(stamp_ns, now_ns, max_lead_s):
        raise ClockError(
            f"the stamps of {what} lead node time by {(stamp_ns - now_ns) / NANOSECONDS:.2f} s, "
            f"allowed are {max_lead_s:.2f} s: let NTP or PTP set the driver's clock, or give all "
            "nodes the same use_sim_time"
        )


def on_clock_set_back(node: Node, forget: Callable[[], None]) -> Any:
    """Call a function whenever node time is set back, by whatever amount.

    Returns:
        The registration; its ``unregister`` ends the calls, as the end of the node does.
    """
    # Here, so that the rule itself needs no ROS.
    from rclpy.clock import JumpThreshold
    from rclpy.duration import Duration

    threshold = JumpThreshold(
        min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=True
    )
    return node.get_clock().create_jump_callback(threshold, post_callback=lambda jump: forget())
