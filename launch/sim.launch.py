"""The whole stack in simulation: `ros2 launch grasp_bringup sim.launch.py`."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from grasp_bringup.arguments import SIM_ARGUMENTS
from grasp_bringup.launching import actions_of, declared_arguments
from grasp_bringup.stack import sim_stack, sim_view


def start(context):
    values = {name: LaunchConfiguration(name).perform(context) for name in SIM_ARGUMENTS}
    view = sim_view(values)
    display = PathJoinSubstitution([FindPackageShare("grasp_bringup"), "rviz", "grasp.rviz"])
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        arguments=["-d", display, "-f", view.fixed_frame],
        parameters=[{"use_sim_time": True}],
        remappings=list(view.remappings.items()),
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    return [*actions_of(sim_stack(values)), rviz]


def generate_launch_description():
    return LaunchDescription(
        [
            *declared_arguments(SIM_ARGUMENTS),
            DeclareLaunchArgument(
                "rviz",
                default_value="true",
                description="show camera, candidates and robot in RViz",
                choices=["true", "false"],
            ),
            OpaqueFunction(function=start),
        ]
    )
