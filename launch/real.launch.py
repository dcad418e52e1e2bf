"""The whole stack over a real robot: `ros2 launch grasp_bringup real.launch.py --show-args`."""

from launch import LaunchDescription
from launch.actions import LogInfo, OpaqueFunction
from launch.substitutions import LaunchConfiguration

from grasp_bringup.arguments import REAL_ARGUMENTS
from grasp_bringup.launching import actions_of, declared_arguments, rviz_of
from grasp_bringup.real_stack import real_stack


def start(context):
    values = {name: LaunchConfiguration(name).perform(context) for name in REAL_ARGUMENTS}
    stack = real_stack(values)
    notices = [LogInfo(msg=notice) for notice in stack.notices]
    use_sim_time = values["use_sim_time"] == "true"
    return [*notices, *actions_of(stack.entries), *rviz_of(stack.view, use_sim_time)]


def generate_launch_description():
    return LaunchDescription([*declared_arguments(REAL_ARGUMENTS), OpaqueFunction(function=start)])
