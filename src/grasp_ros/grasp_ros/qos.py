"""Quality of service profiles, one name for each use."""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

SENSOR = QoSProfile(
    reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE,
    history=HistoryPolicy.KEEP_LAST,
    depth=5,
)
"""Camera streams: best effort, keep last 5; matches any publisher."""

_STATES_KEPT_S = 0.2  # the longest gap that a hold forgives


def states_at(rate_hz: float) -> QoSProfile:
    """Joint states for whoever watches a grip: a late callback must not cost samples.

    Older samples are better dropped than waited for: a queue is read a message at a time, so the
    newest of a slow driver comes after all that wait before it.

    Args:
        rate_hz: How often they are published.
    """
    return QoSProfile(
        reliability=ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.VOLATILE,
        history=HistoryPolicy.KEEP_LAST,
        depth=max(1, round(_STATES_KEPT_S * rate_hz)),
    )


STATES = states_at(100.0)
"""States at the usual rate of an arm."""

RESULTS = QoSProfile(
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.VOLATILE,
    history=HistoryPolicy.KEEP_LAST,
    depth=5,
)
"""What nodes publish for people and other nodes."""

LATCHED = QoSProfile(
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
)
"""Static data that late subscribers still need, such as robot_description."""

STATIC_TF = QoSProfile(
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
    history=HistoryPolicy.KEEP_LAST,
    depth=100,
)
"""/tf_static: every broadcaster keeps its last message for late subscribers."""

DYNAMIC_TF = QoSProfile(
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.VOLATILE,
    history=HistoryPolicy.KEEP_LAST,
    depth=100,
)
"""/tf."""
