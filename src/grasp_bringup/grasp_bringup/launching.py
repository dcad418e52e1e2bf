"""The stack description as launch actions; the only module that imports launch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grasp_bringup.arguments import Argument
from grasp_bringup.description import (
    DriverDescription,
    NodeDescription,
    StackEntry,
    as_text,
)
from grasp_bringup.rviz_view import RvizView
from grasp_core.errors import MissingDependency
from grasp_core.optional import lacking

try:
    import lifecycle_msgs.msg
    from launch.actions import (
        DeclareLaunchArgument,
        EmitEvent,
        GroupAction,
        IncludeLaunchDescription,
        RegisterEventHandler,
    )
    from launch.events import matches_action
    from launch.launch_description_sources import AnyLaunchDescriptionSource
    from launch.substitutions import PathJoinSubstitution
    from launch_ros.actions import LifecycleNode, Node, PushRosNamespace, SetRemap
    from launch_ros.event_handlers import OnStateTransition
    from launch_ros.events.lifecycle import ChangeState
    from launch_ros.substitutions import FindPackageShare
except ImportError as error:
    raise MissingDependency(
        f"launch files need {error.name}, which {lacking(error)}: it comes with a ROS 2 "
        "distribution (ros-jazzy-launch-ros); without one, use `grasp sim`, which starts the same "
        "nodes"
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


def actions_of(entries: Sequence[StackEntry]) -> list[Any]:
    """Actions that start a stack's nodes and drivers, and bring lifecycle nodes to active."""
    actions: list[Any] = []
    for entry in entries:
        if isinstance(entry, DriverDescription):
            actions.append(_driver(entry))
            continue
        action = _node(entry)
        actions.append(action)
        if entry.lifecycle:
            actions.extend(_bring_up(action))
    return actions


def _node(node: NodeDescription) -> Any:
    kind = LifecycleNode if node.lifecycle else Node
    # A lifecycle node must be told a namespace, be it none.
    extra = {"namespace": node.namespace} if node.lifecycle or node.namespace else {}
    return kind(
        package=node.package,
        executable=node.executable,
        name=node.name,
        parameters=[str(node.parameter_file), *filter(None, [node.parameters])],
        remappings=list(node.remappings.items()),
        output="screen",
        **extra,
    )


def _driver(driver: DriverDescription) -> Any:
    """A driver's node, or its launch file in a scope of its own."""
    if driver.executable:
        return Node(
            package=driver.package,
            executable=driver.executable,
            name=driver.name,
            namespace=driver.namespace,
            arguments=list(driver.arguments),
            parameters=[
                *([str(driver.parameter_file)] if driver.parameter_file else []),
                *filter(None, [dict(driver.parameters)]),
            ],
            remappings=list(driver.remappings.items()),
            output="screen",
        )
    path = [FindPackageShare(driver.package), "launch", driver.launch_file]
    included = IncludeLaunchDescription(
        AnyLaunchDescriptionSource(PathJoinSubstitution(path)),
        launch_arguments=[(name, as_text(value)) for name, value in driver.parameters.items()],
    )
    scope = [SetRemap(source, target) for source, target in driver.remappings.items()]
    if driver.namespace:
        scope.insert(0, PushRosNamespace(driver.namespace))
    # Its own arguments alone: one of ours that is called the same would be taken for one of its.
    return GroupAction([*scope, included], forwarding=False)


def rviz_of(view: RvizView | None, use_sim_time: bool) -> list[Any]:
    """The one RViz of a stack; none where it is not wanted."""
    if view is None:
        return []
    display = PathJoinSubstitution([FindPackageShare("grasp_bringup"), "rviz", "grasp.rviz"])
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        namespace=view.namespace,
        arguments=["-d", display, "-f", view.fixed_frame],
        parameters=[{"use_sim_time": use_sim_time}],
        remappings=list(view.remappings.items()),
    )
    return [rviz]


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
