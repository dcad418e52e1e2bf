"""The whole stack in simulation: `ros2 launch grasp_bringup sim.launch.py --show-args`."""

from launch import LaunchDescription
from launch.actions import OpaqueFunction
from launch.substitutions import LaunchConfiguration

from grasp_bringup.arguments import SIM_ARGUMENTS
from grasp_bringup.launching import actions_of, declared_arguments, rviz_of
from grasp_bringup.stack import sim_stack, sim_view


def start(context):
    values = {name: LaunchConfiguration(name).perform(context) for name in SIM_ARGUMENTS}
    return [*actions_of(sim_stack(values)), *rviz_of(sim_view(values), use_sim_time=True)]


def generate_launch_description():
    return LaunchDescription([*declared_arguments(SIM_ARGUMENTS), OpaqueFunction(function=start)])
