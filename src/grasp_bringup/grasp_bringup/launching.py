"""The stack description as launch actions; the only module that imports launch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grasp_bringup.arguments import Argument
from grasp_bringup.stack import NodeDescription
from grasp_core.errors import MissingDependency

try:
    import lifecycle_msgs.msg
    from launch.actions import DeclareLaunchArgument, EmitEvent, RegisterEventHandler
    from launch.events import matches_action
    from launch_ros.actions import LifecycleNode, Node
    from launch_ros.event_handlers import OnStateTransition
    from launch_ros.events.lifecycle import ChangeState
except ImportError as error:
    raise MissingDependency(
        "launch and launch_ros come with a ROS 2 distribution (ros-jazzy-launch-ros); without "
        "one, use `grasp sim`, which starts the same nodes"
    ) from error


def declared_arguments(arguments: Mapping[str, Argument]) -> list[Any]:
    """Arguments of a stack as launch arguments, each with its description; empty by default."""
    return [
        DeclareLaunchArgument(
            name,
            default_value="",
            description=about.help,
            choices=["", *about.choices] if about.choices else None,
        )
        for name, about in arguments.items()
    ]


def nodes_of(nodes: Sequence[NodeDescription]) -> list[Any]:
    """Actions that start the nodes and bring lifecycle nodes to active."""
    actions: list[Any] = []
    for node in nodes:
        kind = LifecycleNode if node.lifecycle else Node
        extra = {"namespace": ""} if node.lifecycle else {}
        action = kind(
            package=node.package,
            executable=node.executable,
            name=node.name,
            parameters=[str(node.parameter_file), *filter(None, [node.parameters])],
            remappings=list(node.remappings.items()),
            output="screen",
            **extra,
        )
        actions.append(action)
        if node.lifecycle:
            actions.extend(_bring_up(action))
    return actions


def _bring_up(node: Any) -> list[Any]:
    """Configure at start; activate once configured."""
    transition = lifecycle_msgs.msg.Transition

    def ask(transition_id: int) -> Any:
        return EmitEvent(
            event=ChangeState(
                lifecycle_node_matcher=matches_action(node), transition_id=transition_id
            )
        )

    activate = OnStateTransition(
        target_lifecycle_node=node,
        start_state="configuring",
        goal_state="inactive",
        entities=[ask(transition.TRANSITION_ACTIVATE)],
    )
    return [RegisterEventHandler(activate), ask(transition.TRANSITION_CONFIGURE)]
