"""What move_group is started with for a robot of ours, when the lab has no configuration of it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

from grasp_core.robot import RobotModel

_MESH_PATH = re.compile(r"""(<mesh\b[^>]*\bfilename\s*=\s*["'])/""")
_REQUEST_ADAPTERS = (
    "ResolveConstraintFrames",
    "ValidateWorkspaceBounds",
    "CheckStartStateBounds",
    "CheckStartStateCollision",
)
_RESPONSE_ADAPTERS = ("AddTimeOptimalParameterization", "ValidateSolution", "DisplayMotionPath")
DEFAULT_PIPELINE = "ompl"
_PLANNER = "RRTConnectkConfigDefault"


def moveit_parameters(robot: RobotModel) -> dict[str, Any]:
    """Parameters of a move_group that only plans, nested as in a ROS parameter file.

    Everything comes from the robot's URDF and profile: planning group, end effector and contacts
    of the semantic description, limits with the accelerations that timing needs, KDL kinematics,
    and OMPL's RRT-Connect.
    """
    return {
        **_robot_and_pipeline(robot),
        "planning_pipelines": [DEFAULT_PIPELINE],
        "default_planning_pipeline": DEFAULT_PIPELINE,
        # The executor moves the arm; this move_group never does.
        "allow_trajectory_execution": False,
        "disable_capabilities": (
            "move_group/MoveGroupExecuteTrajectoryAction move_group/MoveGroupMoveAction"
        ),
        "publish_planning_scene": True,
        "publish_geometry_updates": True,
        "publish_state_updates": True,
        "publish_transforms_updates": True,
    }


def moveit_py_parameters(robot: RobotModel) -> dict[str, Any]:
    """The same for MoveIt's Python interface, which names its pipelines otherwise."""
    return {
        **_robot_and_pipeline(robot),
        "planning_pipelines": {"pipeline_names": [DEFAULT_PIPELINE]},
    }


def _robot_and_pipeline(robot: RobotModel) -> dict[str, Any]:
    group = robot.arm.planning_group
    return {
        "robot_description": _MESH_PATH.sub(r"\1file:///", robot.urdf),
        "robot_description_semantic": semantic_description(robot),
        "robot_description_kinematics": {
            group: {
                "kinematics_solver": "kdl_kinematics_plugin/KDLKinematicsPlugin",
                "kinematics_solver_search_resolution": 0.005,
                "kinematics_solver_timeout": 0.02,
            }
        },
        "robot_description_planning": {"joint_limits": _joint_limits(robot)},
        DEFAULT_PIPELINE: {
            "planning_plugins": ["ompl_interface/OMPLPlanner"],
            "request_adapters": [
                f"default_planning_request_adapters/{name}" for name in _REQUEST_ADAPTERS
            ],
            "response_adapters": [
                f"default_planning_response_adapters/{name}" for name in _RESPONSE_ADAPTERS
            ],
            "planner_configs": {_PLANNER: {"type": "geometric::RRTConnect", "range": 0.0}},
            group: {
                "planner_configs": [_PLANNER],
                "longest_valid_segment_fraction": 0.005,
            },
        },
    }


def semantic_description(robot: RobotModel) -> str:
    """The SRDF of a robot: its group from base to tcp frame, its hand, and who may touch whom.

    It has no virtual joint: the model frame is the root of the URDF, and no transform from a
    world is needed.
    """
    arm, hand = robot.arm, robot.gripper
    root = ET.Element("robot", name=_robot_name(robot))
    group = ET.SubElement(root, "group", name=arm.planning_group)
    ET.SubElement(group, "chain", base_link=arm.base_frame, tip_link=arm.tcp_frame)
    fingers = ET.SubElement(root, "group", name="hand")
    for link in hand.hand_links:
        ET.SubElement(fingers, "link", name=link)
    for joint in hand.joints:
        ET.SubElement(fingers, "joint", name=joint)
    ET.SubElement(
        root,
        "end_effector",
        name="hand",
        parent_link=arm.tcp_frame,
        group="hand",
        parent_group=arm.planning_group,
    )
    observe = ET.SubElement(root, "group_state", name="observe", group=arm.planning_group)
    for joint, value in zip(arm.joints, arm.observe, strict=True):
        ET.SubElement(observe, "joint", name=joint, value=repr(float(value)))
    for pair in arm.allowed_contacts:
        first, second = pair.split()
        ET.SubElement(root, "disable_collisions", link1=first, link2=second, reason="Profile")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


def _robot_name(robot: RobotModel) -> str:
    """MoveIt wants the name of the URDF in the SRDF."""
    return ET.fromstring(robot.urdf).get("name", robot.name)


def _joint_limits(robot: RobotModel) -> dict[str, dict[str, Any]]:
    arm = robot.arm
    return {
        joint: {
            "has_velocity_limits": True,
            "max_velocity": float(velocity),
            "has_acceleration_limits": True,
            "max_acceleration": float(acceleration),
        }
        for joint, velocity, acceleration in zip(
            arm.joints, arm.velocity, arm.acceleration, strict=True
        )
    }
