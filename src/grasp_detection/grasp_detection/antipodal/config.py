"""Settings of the antipodal detector."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.config import Checked, setting


@dataclass(frozen=True)
class AntipodalConfig(Checked):
    """Settings of the antipodal detector; gripper dimensions come from the robot's profile."""

    cell_m: float = setting(
        0.002,
        "cell of the height map, m; coarser where the scene is very large",
        minimum=0.0005,
        maximum=0.01,
    )
    angles: int = setting(18, "closing directions tried over half a turn", minimum=2, maximum=180)
    finger_depth_m: float = setting(
        0.03,
        "how far the fingertips go below the local top, m; the executor's finger_depth_m",
        minimum=0.005,
        maximum=0.1,
    )
    support_clearance_m: float = setting(
        0.004,
        "lowest fingertip above the support, m; the executor's support_clearance_m",
        minimum=0.0,
        maximum=0.05,
    )
    level_step_m: float = setting(
        0.004, "step between the fingertip heights tried, m", minimum=0.001, maximum=0.02
    )
    friction: float = setting(
        0.5, "friction coefficient of object on finger pad", minimum=0.05, maximum=2.0
    )
    gap_clearance_m: float = setting(
        0.006,
        "spare opening: widest object is the largest gap less this, m",
        minimum=0.0,
        maximum=0.05,
    )
    side_clearance_m: float = setting(
        0.01, "free space the opened finger needs beside the object, m", minimum=0.0, maximum=0.05
    )
    finger_margin_m: float = setting(
        0.002, "free space round each finger, m", minimum=0.0, maximum=0.02
    )
    palm_margin_m: float = setting(
        0.005, "free space below the palm, m", minimum=0.0, maximum=0.05
    )
    min_object_height_m: float = setting(
        0.006, "lower things belong to the support, m", minimum=0.001, maximum=0.1
    )
    max_object_height_m: float = setting(
        0.3, "higher things are obstacles, not objects, m", minimum=0.01, maximum=2.0
    )
    min_object_area_m2: float = setting(
        0.0001, "smaller patches are noise, m^2", minimum=0.0, maximum=0.01
    )
    min_grip_depth_m: float = setting(
        0.002, "least overlap of finger and object in height, m", minimum=0.001, maximum=0.05
    )
    max_tilt: float = setting(
        1.22,
        "largest angle between optical axis and support normal, rad",
        minimum=0.0,
        maximum=1.4,
    )
    min_quality: float = setting(
        0.1, "candidates rated lower are dropped", minimum=0.0, maximum=1.0
    )
    top_k: int = setting(50, "most candidates returned", minimum=1, maximum=1000)
    nms_jaccard: float = setting(
        0.3,
        "overlap above which the worse of two similar grasps is dropped",
        minimum=0.0,
        maximum=1.0,
    )
    nms_angle: float = setting(
        0.5236,
        "axes further apart than this are different grasps, rad",
        minimum=0.0,
        maximum=1.5708,
    )
    report_too_wide: bool = setting(
        True, "return the narrowest grasp, with quality 0, of objects wider than the gap"
    )
