"""What the error codes of MoveIt mean here: each is one of our typed failures."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.errors import (
    Collision,
    ConfigError,
    GraspStackError,
    HardwareLost,
    NoTransform,
    PlanningFailed,
    StaleDetection,
    StaleJointStates,
    TrajectoryAborted,
    Unreachable,
)

SUCCESS = 1


@dataclass(frozen=True)
class Meaning:
    """A value of ``moveit_msgs/MoveItErrorCodes``.

    Attributes:
        name: Its constant.
        failure: What it is raised as.
        sentence: What happened, and what to do where that is known.
        again: Whether the same request may succeed at the next attempt.
    """

    name: str
    failure: type[GraspStackError]
    sentence: str
    again: bool = False


MEANINGS: dict[int, Meaning] = {
    0: Meaning("UNDEFINED", PlanningFailed, "move_group told no result", again=True),
    99999: Meaning("FAILURE", PlanningFailed, "move_group found no path", again=True),
    -1: Meaning("PLANNING_FAILED", PlanningFailed, "move_group found no path", again=True),
    -2: Meaning(
        "INVALID_MOTION_PLAN",
        PlanningFailed,
        "the path touched something once it was timed",
        again=True,
    ),
    -3: Meaning(
        "MOTION_PLAN_INVALIDATED_BY_ENVIRONMENT_CHANGE",
        PlanningFailed,
        "the scene changed while the path was planned",
        again=True,
    ),
    -4: Meaning("CONTROL_FAILED", TrajectoryAborted, "move_group's controller failed"),
    -5: Meaning("UNABLE_TO_AQUIRE_SENSOR_DATA", HardwareLost, "move_group's sensors give no data"),
    -6: Meaning("TIMED_OUT", PlanningFailed, "no path was found in time", again=True),
    -7: Meaning("PREEMPTED", PlanningFailed, "another client stopped the planning", again=True),
    -10: Meaning("START_STATE_IN_COLLISION", Collision, "the start collides"),
    -11: Meaning(
        "START_STATE_VIOLATES_PATH_CONSTRAINTS",
        PlanningFailed,
        "the start breaks a path constraint",
    ),
    -12: Meaning("GOAL_IN_COLLISION", Collision, "the goal collides"),
    -13: Meaning(
        "GOAL_VIOLATES_PATH_CONSTRAINTS", PlanningFailed, "the goal breaks a path constraint"
    ),
    -14: Meaning(
        "GOAL_CONSTRAINTS_VIOLATED", PlanningFailed, "the path misses its goal", again=True
    ),
    -15: Meaning(
        "INVALID_GROUP_NAME",
        ConfigError,
        "move_group has no such planning group: correct moveit.group",
    ),
    -16: Meaning(
        "INVALID_GOAL_CONSTRAINTS",
        ConfigError,
        "move_group does not understand the goal: does its robot have the profile's joints?",
    ),
    -17: Meaning(
        "INVALID_ROBOT_STATE",
        ConfigError,
        "move_group does not understand the start: does its robot have the profile's joints?",
    ),
    -18: Meaning(
        "INVALID_LINK_NAME",
        ConfigError,
        "move_group's robot lacks a link: is it described with the profile's base and tcp frame?",
    ),
    -19: Meaning(
        "INVALID_OBJECT_NAME", PlanningFailed, "an object of the scene is unknown", again=True
    ),
    -21: Meaning("FRAME_TRANSFORM_FAILURE", NoTransform, "move_group lacks a transform"),
    -22: Meaning(
        "COLLISION_CHECKING_UNAVAILABLE", ConfigError, "move_group has no collision checker"
    ),
    -23: Meaning("ROBOT_STATE_STALE", StaleJointStates, "move_group's joint states are old"),
    -24: Meaning("SENSOR_INFO_STALE", StaleDetection, "move_group's sensor data are old"),
    -25: Meaning("COMMUNICATION_FAILURE", HardwareLost, "move_group lost a connection"),
    -26: Meaning("START_STATE_INVALID", PlanningFailed, "the start is outside its limits"),
    -27: Meaning("GOAL_STATE_INVALID", Unreachable, "the goal is outside its limits"),
    -28: Meaning("UNRECOGNIZED_GOAL_TYPE", ConfigError, "the planner knows no goals of this kind"),
    -29: Meaning("CRASH", HardwareLost, "move_group crashed: restart it"),
    -30: Meaning("ABORT", PlanningFailed, "the planning was aborted", again=True),
    -31: Meaning("NO_IK_SOLUTION", Unreachable, "no configuration reaches the pose"),
}
_UNKNOWN = Meaning("unknown", PlanningFailed, "move_group answered with a code of its own")


def meaning_of(code: int) -> Meaning:
    """What a code means; codes that MoveIt does not define are failures to plan."""
    return MEANINGS.get(code, _UNKNOWN)


def failure_of(code: int, details: str = "") -> GraspStackError:
    """The typed failure of a code other than SUCCESS.

    Args:
        code: Value of ``MoveItErrorCodes``.
        details: What else is known: move_group's own words, what stands in the way.
    """
    meaning = meaning_of(code)
    more = f": {details}" if details else ""
    return meaning.failure(f"{meaning.sentence} (MoveIt {meaning.name}, {code}){more}")
