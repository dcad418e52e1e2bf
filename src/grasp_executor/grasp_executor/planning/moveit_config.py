"""Settings of the planner that asks a running move_group."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.config import require_relative_names, setting
from grasp_executor.planning.motion_config import MotionConfig
from grasp_executor.planning.move_group import Scaling

MOVE_GROUP, MOVEIT_PY = "move_group", "moveit_py"


@dataclass(frozen=True)
class MoveItConfig(MotionConfig):
    """Which MoveIt is asked, and how its answers are checked."""

    server: str = setting(
        MOVE_GROUP,
        "who plans: a running move_group, or moveit_py in a process that the executor starts",
        choices=(MOVE_GROUP, MOVEIT_PY),
    )
    namespace: str = setting(
        "", "namespace of move_group's services, relative to the executor's; empty: the same"
    )
    group: str = setting(
        "", "planning group of its semantic description; empty: as the robot's profile says"
    )
    pipeline: str = setting("", "planning pipeline, such as ompl; empty: move_group's default")
    planner_id: str = setting(
        "", "planner of that pipeline, such as RRTConnectkConfigDefault; empty: its default"
    )
    attempts: int = setting(
        5,
        "requests for one motion before giving up: paths near obstacles are often refused once "
        "they are timed, and found at the next attempt",
        minimum=1,
        maximum=20,
    )
    check_step_rad: float = setting(
        0.1,
        "joint-space step at which planned motions are checked once more, state by state, rad",
        minimum=0.01,
        maximum=0.5,
    )
    service_timeout_s: float = setting(
        5.0,
        "wall time without an answer, beyond the time given to planning, that means HARDWARE_LOST",
        minimum=0.2,
        maximum=60.0,
    )

    def __post_init__(self) -> None:
        """Check the fields, then the namespace.

        Raises:
            ConfigError: A value is out of its bounds, or the namespace is no relative name.
        """
        super().__post_init__()
        if self.namespace:
            require_relative_names(self, "namespace")

    def scaling(self, speed: float, slowness: float) -> Scaling:
        """Shares of move_group's limits for a motion that is followed faster than it is asked.

        move_group puts points 0.1 s apart: a path is asked for slowly to get them close together.

        Args:
            speed: Of the motion, (0, 1].
            slowness: Factor on time, (0, 1], by which it is followed faster.
        """
        return Scaling(
            velocity=self.velocity_scale * speed * slowness,
            acceleration=self.acceleration_scale * speed * slowness**2,
        )
