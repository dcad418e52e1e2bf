"""Settings of the pick sequence and of the executor node."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.config import Checked, setting
from grasp_core.errors import ConfigError
from grasp_core.robot import CAMERA_MOUNTS
from grasp_executor.planning.registry import DEFAULT_PLANNER, planner_names

APPROACHES = ("gravity", "camera_axis")


@dataclass(frozen=True)
class PickConfig(Checked):
    """How a pick is done; all lengths in metres, forces per finger."""

    approach: str = setting("gravity", "approach direction", choices=APPROACHES)
    finger_depth_m: float = setting(
        0.03, "fingertips below the object's top, m", minimum=0.0, maximum=0.1
    )
    min_finger_depth_m: float = setting(
        0.01,
        "fingertips at least so far below the top where the palm would touch something higher, m",
        minimum=0.0,
        maximum=0.1,
    )
    support_clearance_m: float = setting(
        0.004, "fingertips above the support, m", minimum=0.0, maximum=0.05
    )
    opening_margin_m: float = setting(
        0.02, "added to the object's width before closing, both sides together, m", minimum=0.0
    )
    min_opening_margin_m: float = setting(
        0.004, "least such margin; wider objects are TOO_WIDE, m", minimum=0.0
    )
    approach_distance_m: float = setting(
        0.1, "pre-grasp distance along the approach, m", minimum=0.02, maximum=0.3
    )
    lift_m: float = setting(0.15, "straight lift after closing, m", minimum=0.02, maximum=0.5)
    test_lift_m: float = setting(
        0.02,
        "part of the lift after which the grip must prove itself; where it gives way, the object "
        "is set down and gripped harder, m",
        minimum=0.005,
        maximum=0.1,
    )
    approach_speed_m_s: float = setting(0.12, "straight approach, m/s", minimum=0.005, maximum=0.5)
    lift_speed_m_s: float = setting(0.1, "straight lift, m/s", minimum=0.005, maximum=0.15)
    travel_speed: float = setting(
        1.0, "scale of the planner's joint speed when the hand is empty", minimum=0.01, maximum=1.0
    )
    carry_speed: float = setting(
        0.6, "scale of the planner's joint speed with an object", minimum=0.01, maximum=1.0
    )
    min_force_ratio: float = setting(
        0.8, "share of the grip force that both fingers must show", minimum=0.1, maximum=1.0
    )
    min_width_m: float = setting(
        0.002, "opening above the empty width that proves an object, m", minimum=0.0005
    )
    verify_s: float = setting(0.15, "window of samples that must agree, s", minimum=0.02)
    hold_s: float = setting(3.0, "verified hold in the air, s", minimum=0.0, maximum=60.0)
    max_state_gap_s: float = setting(
        0.2, "gap in the gripper's data that restarts the hold, s", minimum=0.02
    )
    max_drift_m: float = setting(0.003, "change of opening that means SLIPPED, m", minimum=0.0005)
    max_settle_m: float = setting(
        0.05,
        "change of opening by the test lift at which a grip gives way, m; what is round or "
        "slanted turns until it lies well between the pads, and then holds",
        minimum=0.0002,
    )
    max_creep_m: float = setting(
        0.0015, "change of opening after the test lift at which it does, m", minimum=0.0001
    )
    test_s: float = setting(
        0.3, "rest after the test lift in which a grip must not give way, s", minimum=0.0
    )
    relied_friction: float = setting(
        0.3,
        "friction between pads and objects that is relied on: what weighs more than a grip holds "
        "by it is gripped harder",
        minimum=0.05,
        maximum=2.0,
    )
    loss_s: float = setting(
        0.2,
        "time that a loss, a slip or states that are not finite must last to be believed, over "
        "distinct samples (three times as long where the values repeat); what is shorter counts "
        "as an outlier, s",
        minimum=0.0,
        maximum=2.0,
    )
    min_payload_n: float = setting(
        1.0,
        "weight, felt by the arm after the lift, that proves an object in a hand that feels no "
        "force; above the error that the arm's estimate keeps between two places, N",
        minimum=0.05,
    )
    payload_s: float = setting(
        0.15, "time over which the arm's external force is averaged, s", minimum=0.05, maximum=2.0
    )
    gripper_timeout_s: float = setting(
        5.0, "time in which the jaws come to rest after a command, s", minimum=0.5
    )
    jaw_rest_s: float = setting(
        0.1, "time without motion after which the jaws rest, s", minimum=0.02, maximum=2.0
    )
    max_plan_age_s: float = setting(
        12.0,
        "age of the image at which the arm does not start towards the grasp any more, but looks "
        "again, s of node time",
        minimum=1.0,
    )
    random_threshold: float = setting(
        0.9, "quality above which policy random_above chooses", minimum=0.0, maximum=1.0
    )
    max_candidates: int = setting(
        20,
        "candidates in the workspace considered before giving up on an image",
        minimum=1,
        maximum=1000,
    )
    plan_timeout_s: float = setting(
        20.0, "wall time after which no further candidate is considered, s", minimum=0.1
    )
    clearance_points: int = setting(
        6, "depth points inside the hand's way that mean COLLISION", minimum=1
    )
    standstill_s: float = setting(
        60.0,
        "time that the arm may stand still on its way, its speed scaled to 0 %, s",
        minimum=1.0,
        maximum=3600.0,
    )
    check_placed: bool = setting(
        True, "look after letting go: without, what the hand and the hold tell is believed"
    )
    settle_s: float = setting(0.1, "rest before looking or holding, s", minimum=0.0)
    dry_run: bool = setting(False, "plan whole picks and show them, and move neither arm nor hand")
    confirm_timeout_s: float = setting(
        600.0, "time that a motion waits for ~/confirm, s of node time", minimum=1.0
    )
    max_tcp_speed_m_s: float = setting(
        0.0,
        "speed that no point of any link, nor of what is held, exceeds on its way, m/s; slower "
        "trajectories stay as they are; 0: as fast as the planner allows",
        minimum=0.0,
        maximum=5.0,
    )
    tick_s: float = setting(0.01, "period of watching, s", minimum=0.001, maximum=0.1)
    seed: int = setting(0, "of policy random_above", minimum=0)

    def __post_init__(self) -> None:
        """Check the fields, then their relations.

        Raises:
            ConfigError: A value is out of its bounds or contradicts another.
        """
        super().__post_init__()
        if self.test_lift_m >= self.lift_m:
            raise ConfigError(
                f"test_lift_m is {self.test_lift_m} m, must be less than lift_m ({self.lift_m} m)"
            )


@dataclass(frozen=True)
class ExecutorConfig(PickConfig):
    """Parameters of the executor node: the pick, and where it finds the robot."""

    max_tcp_speed_m_s: float = setting(
        0.25,
        "speed that no point of any link, nor of what is held, exceeds on its way, m/s; slower "
        "trajectories stay as they are; 0: as fast as the planner allows",
        minimum=0.0,
        maximum=5.0,
    )
    step: bool = setting(False, "wait for a call of ~/confirm before each motion of arm and hand")
    robot: str = setting("panda", "folder under config/robots")
    gripper: str = setting(
        "", "hand that the robot carries, a file under config/grippers; empty: its own"
    )
    cell: str = setting("tabletop", "file under config/cells")
    planner: str = setting(
        DEFAULT_PLANNER,
        "who plans the arm's paths; the group of this name holds its settings",
        choices=tuple(planner_names()),
    )
    hand_eye: str = setting(
        "",
        "YAML file with the camera's pose in the base frame; empty uses TF at the image's stamp",
    )
    camera_mount: str = setting(
        "fixed",
        "where the camera is: fixed, so that picks begin and end outside its view, or hand, where "
        "the robot's look configuration takes that part",
        choices=CAMERA_MOUNTS,
    )
    arm_action: str = setting(
        "", "FollowJointTrajectory action; empty: as the robot's profile says"
    )
    gripper_action: str = setting(
        "", "action of a hand that has but one; empty: as the hand's profile says"
    )
    contact_s: float = setting(
        0.1,
        "time that the arm may be off its set point by more than the profile's path tolerance, by "
        "its controller's feedback, s",
        minimum=0.0,
        maximum=2.0,
    )
    detect_service: str = setting("detector/detect", "DetectGrasps service")
    detect_timeout_s: float = setting(
        5.0, "wall time to wait for an image, and again for the detector, s", minimum=0.1
    )
    state_timeout_s: float = setting(
        0.5, "age at which joint states are stale, s of node time", minimum=0.02
    )
    max_stamp_lead_s: float = setting(
        0.5,
        "by which stamps of joint states and transforms may lead node time, s",
        minimum=0.0,
        maximum=60.0,
    )
    state_dir: str = setting(
        "",
        "folder that remembers the hand's empty width, by robot and hand; empty: grasp_stack in "
        "the user's folder for state (XDG_STATE_HOME, else ~/.local/state)",
    )
    protective_stop_topic: str = setting(
        "protective_stop",
        "std_msgs/Bool, true while the robot has stopped itself; empty: none",
    )
    hardware_timeout_s: float = setting(
        5.0, "wall time without any sign of life that means HARDWARE_LOST, s", minimum=0.5
    )
