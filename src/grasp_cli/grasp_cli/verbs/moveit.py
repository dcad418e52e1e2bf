"""Write what a move_group needs to plan for a robot of config/robots."""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml

from grasp_core.robot import load_robot
from grasp_executor.planning.moveit_parameters import moveit_parameters

EXAMPLES = (
    "grasp moveit --robot panda --write move_group.yaml",
    "grasp moveit --robot panda --gripper force_hand  # print it",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--robot", default="panda", help="folder under config/robots (%(default)s)"
    )
    parser.add_argument(
        "--gripper", default="", help="file under config/grippers (the robot's own)"
    )
    parser.add_argument(
        "--write", type=Path, help="write this parameter file, instead of printing"
    )


def run(options: argparse.Namespace) -> int:
    """Print or write the parameter file.

    Raises:
        ConfigError: No such robot or hand.
    """
    robot = load_robot(options.robot, options.gripper)
    text = yaml.safe_dump({"/**": {"ros__parameters": moveit_parameters(robot)}}, sort_keys=False)
    if options.write is None:
        print(text, end="")
        return 0
    options.write.write_text(text, encoding="utf-8")
    print(
        f"{options.write} written; start it with\n"
        f"  ros2 run moveit_ros_move_group move_group --ros-args --params-file {options.write}"
    )
    return 0
