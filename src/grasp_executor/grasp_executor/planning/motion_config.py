"""Settings that every planner of arm motions has."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.config import Checked, setting


@dataclass(frozen=True)
class MotionConfig(Checked):
    """Clearances, steps, speeds and budgets of planned motions.

    ``velocity_scale`` and ``acceleration_scale`` apply to the limits of the arm's profile, which
    are the data sheet's; the ``speed`` of a single motion multiplies both.
    """

    padding_m: float = setting(
        0.005, "clearance kept from padded boxes, m", minimum=0.0, maximum=0.05
    )
    leave_depth_m: float = setting(
        0.002, "how deep a start may touch a box and still leave it, m", minimum=0.0, maximum=0.02
    )
    leave_distance_m: float = setting(
        0.08, "tcp travel within which a start leaves the padding, m", minimum=0.0, maximum=0.3
    )
    max_planning_time_s: float = setting(
        3.0, "time for one joint-space path, s", minimum=0.05, maximum=60.0
    )
    ik_seeds: int = setting(
        24, "starting points of one inverse kinematics call", minimum=1, maximum=500
    )
    joint_margin_rad: float = setting(
        0.02, "distance goals and lines keep from joint limits, rad", minimum=0.0, maximum=0.3
    )
    velocity_scale: float = setting(
        0.35, "share of the arm's velocity limits", minimum=0.01, maximum=1.0
    )
    acceleration_scale: float = setting(
        0.25, "share of the arm's acceleration limits", minimum=0.01, maximum=1.0
    )
    line_acceleration_m_s2: float = setting(
        1.0, "tcp acceleration along straight lines, m/s^2", minimum=0.01, maximum=10.0
    )
    smoothing_s: float = setting(
        0.05, "time over which accelerations ramp, s", minimum=0.0, maximum=0.5
    )
    line_step_m: float = setting(0.005, "step of straight lines, m", minimum=0.0005, maximum=0.02)
    max_joint_jump_rad: float = setting(
        0.2, "largest joint motion within one step of a line, rad", minimum=0.005, maximum=0.5
    )
    sample_period_s: float = setting(
        0.01, "time between trajectory points, s", minimum=0.001, maximum=0.1
    )
    seed: int = setting(0, "seed of all random choices", minimum=0)
