"""Planners by name: a new one is a file of its own and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grasp_core.errors import ConfigError
from grasp_core.robot import RobotModel
from grasp_executor.interfaces import Planner
from grasp_executor.planning.embedded_config import EmbeddedConfig
from grasp_executor.planning.move_group import MoveGroup
from grasp_executor.planning.moveit_config import MoveItConfig

Connect = Callable[[MoveItConfig], MoveGroup]
"""Reaches a running move_group: over services in a node, in memory in tests."""


@dataclass(frozen=True)
class Entry:
    """What the registry knows of a planner.

    Attributes:
        config_class: Dataclass of its settings; in the executor's parameters they form a group of
            the planner's name.
        build: Makes the planner of a robot from such settings; imports its libraries only then.
            One that plans in another process takes what connects it from the third argument.
    """

    config_class: type[Any]
    build: Callable[[RobotModel, Any, Connect | None], Planner]


def _embedded(robot: RobotModel, config: EmbeddedConfig, connect: Connect | None) -> Planner:
    from grasp_executor.planning.embedded import EmbeddedPlanner

    return EmbeddedPlanner(robot, config)


def _moveit(robot: RobotModel, config: MoveItConfig, connect: Connect | None) -> Planner:
    from grasp_executor.planning.moveit import MoveItPlanner

    if connect is None:
        raise ConfigError(
            "planner moveit asks a running move_group over ROS, which is out of reach here: use "
            "it in the executor node, or planner embedded"
        )
    return MoveItPlanner(robot, connect(config), config)


DEFAULT_PLANNER = "embedded"
_PLANNERS = {
    DEFAULT_PLANNER: Entry(EmbeddedConfig, _embedded),
    "moveit": Entry(MoveItConfig, _moveit),
}


def planner_names() -> list[str]:
    """Names of all planners, sorted."""
    return sorted(_PLANNERS)


def find_planner(name: str) -> Entry:
    """Look a planner up.

    Raises:
        ConfigError: No such planner.
    """
    if name not in _PLANNERS:
        raise ConfigError(f"no planner {name!r}; valid names are {', '.join(planner_names())}")
    return _PLANNERS[name]


def create_planner(
    name: str, robot: RobotModel, config: Any = None, connect: Connect | None = None
) -> Planner:
    """Build a planner by name.

    Args:
        name: One of :func:`planner_names`.
        robot: Whose paths it plans.
        config: Settings, of the planner's ``config_class``; None for the defaults.
        connect: Reaches a move_group; None where there is no ROS.

    Raises:
        ConfigError: No such planner, or it needs ROS.
        MissingDependency: A library that it needs is not installed.
    """
    entry = find_planner(name)
    return entry.build(robot, entry.config_class() if config is None else config, connect)
