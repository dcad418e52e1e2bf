"""Settings of the embedded planner."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.config import setting
from grasp_executor.planning.motion_config import MotionConfig


@dataclass(frozen=True)
class EmbeddedConfig(MotionConfig):
    """What the embedded planner has beyond the settings of every planner."""

    collision_step_rad: float = setting(
        0.03, "joint-space step of collision checks, rad", minimum=0.001, maximum=0.2
    )
    blend_rad: float = setting(
        0.25, "how far from a corner its rounding begins, rad", minimum=0.0, maximum=1.0
    )
