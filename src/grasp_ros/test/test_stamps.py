"""The rule for stamps, and node time set back on a real clock."""

from __future__ import annotations

import pytest
import rclpy
from rclpy.clock import ClockType
from rclpy.time import Time

from grasp_core.errors import ClockError
from grasp_ros.stamps import Step, on_clock_set_back, refuse_lead, step_of

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("stamp", "newest", "step"),
    [
        (5, None, Step.ADVANCED),
        (5, 4, Step.ADVANCED),
        (5, 5, Step.REPEATED),
        (5, 6, Step.SET_BACK),
        (0, 9 * SECOND, Step.SET_BACK),
    ],
)
def test_a_stamp_advances_repeats_or_is_set_back(stamp, newest, step):
    assert step_of(stamp, newest) is step


def test_a_lead_is_refused_by_name_beyond_the_bound_alone():
    refuse_lead("the images", 12 * SECOND, 10 * SECOND, 2.0)
    refuse_lead("the images", 12 * SECOND, 0, 2.0)  # no /clock yet
    with pytest.raises(ClockError, match=r"of the images lead node time by 2\.50 s, .* are 2\.00"):
        refuse_lead("the images", 12 * SECOND + SECOND // 2, 10 * SECOND, 2.0)


@pytest.mark.ros
def test_node_time_set_back_by_any_amount_is_noticed_and_a_step_forward_is_not():
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("stamps", context=context)
    try:
        clock, calls = node.get_clock(), []

        def set_clock(nanoseconds):
            clock.set_ros_time_override(
                Time(nanoseconds=nanoseconds, clock_type=ClockType.ROS_TIME)
            )

        clock._set_ros_time_is_active(True)
        set_clock(10 * SECOND)
        watch = on_clock_set_back(node, lambda: calls.append(1))
        set_clock(90 * SECOND)
        assert calls == []
        set_clock(90 * SECOND - 1)
        assert calls == [1]
        set_clock(2 * SECOND)
        assert calls == [1, 1]
        watch.unregister()
        set_clock(1 * SECOND)
        assert calls == [1, 1]
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)
