"""Parameters of the simulator node: the simulation, and how it stands for hardware."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.config import setting
from grasp_sim.config import SimConfig

DEPTH_ENCODINGS = ("16UC1", "32FC1")


@dataclass(frozen=True)
class SimNodeConfig(SimConfig):
    """Everything of :class:`SimConfig`, and the topics, rates and faults of the node."""

    robot: str = setting("panda", "folder under config/robots")
    clutter: int = setting(1, "objects of the first scene", minimum=1, maximum=15)
    seed: int = setting(0, "of the first scene", minimum=0)
    gui: bool = setting(False, "show PyBullet's window")
    speed: float = setting(
        1.0, "simulated seconds per second; 0 is as fast as possible", minimum=0.0, maximum=1000.0
    )
    max_speed: float = setting(
        5.0,
        "simulated seconds per second at speed 0: faster, and other nodes cannot keep up",
        minimum=0.1,
        maximum=1000.0,
    )
    camera_hz: float = setting(
        5.0, "images per simulated second, while somebody subscribes", minimum=0.1, maximum=60.0
    )
    joint_states_hz: float = setting(
        100.0, "joint states per simulated second", minimum=1.0, maximum=240.0
    )
    tf_hz: float = setting(
        20.0, "link poses on /tf per simulated second", minimum=0.0, maximum=240.0
    )
    depth_encoding: str = setting("16UC1", "encoding of the depth image", choices=DEPTH_ENCODINGS)
    arm_action: str = setting(
        "panda_arm_controller/follow_joint_trajectory", "FollowJointTrajectory action"
    )
    gripper_action: str = setting("panda_hand_controller/gripper_cmd", "GripperCommand action")
    arm_enabled: bool = setting(True, "whether the arm's controller takes goals; changeable")
    camera_enabled: bool = setting(True, "whether the camera publishes; changeable")
