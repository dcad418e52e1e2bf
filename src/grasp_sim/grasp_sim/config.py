"""Configuration of the simulated cell; every field is a ROS parameter of the node as well."""

from __future__ import annotations

from dataclasses import dataclass, replace

from grasp_core.cell import load_cell
from grasp_core.config import Checked, setting
from grasp_core.errors import ConfigError
from grasp_core.robot import CAMERA_MOUNTS

STEPS_PER_S = 240
MAX_OBJECTS = 15  # in a scene
RENDERERS = ("auto", "egl", "tiny")
NOISE_PRESETS = ("none", "d435")
NO_BOARD, BOARD_ON_HAND, BOARD_ON_TABLE = BOARDS = ("none", "hand", "table")
_INSIDE_M = (0.02, 0.03)  # of the cell's workspace, x and y: objects come to rest so far inside


@dataclass(frozen=True)
class SimConfig(Checked):
    """World, robot, camera, controllers. Lengths in metres, base frame."""

    robot: str = setting("panda", "folder under config/robots")
    gripper: str = setting(
        "force_hand",
        "hand that the robot carries here, a file under config/grippers; empty: its own",
    )
    objects: str = setting(
        "dev",
        "object set: dev, test, household, household-validation, household-test, or a folder with "
        "one URDF per subfolder",
    )
    cell: str = setting("tabletop", "file under config/cells: table, workspace and bin")
    workspace_x: tuple[float, ...] = setting(
        (),
        "range of x in which objects come to rest, m; they fall 0.08 m or more inside it, fewer "
        "than six nearer to its middle; empty: the cell's workspace, less 0.02 m on each side",
        minimum=-2.0,
        maximum=2.0,
    )
    workspace_y: tuple[float, ...] = setting(
        (),
        "range of y in which objects come to rest, m; they fall as for x; empty: the cell's "
        "workspace, less 0.03 m on each side",
        minimum=-2.0,
        maximum=2.0,
    )
    spread: float = setting(
        0.6,
        "share of that range around its middle in which a single object falls; with six it is all",
        minimum=0.0,
        maximum=1.0,
    )
    object_friction: float = setting(
        0.5, "lateral friction of objects; the fingers' multiplies it", minimum=0.05, maximum=2.0
    )
    finger_friction: float = setting(
        1.0, "lateral friction of the finger pads", minimum=0.05, maximum=3.0
    )
    spinning_friction: float = setting(
        0.005, "torsional friction of objects, m", minimum=0.0, maximum=0.1
    )

    path_tolerance_rad: float = setting(
        0.1, "joint error that stops a trajectory; 0 for no limit, rad", minimum=0.0
    )
    goal_tolerance_rad: float = setting(
        0.01, "joint error allowed at the end of a trajectory, rad", minimum=1e-5
    )
    goal_time_s: float = setting(
        0.5, "time beyond the last point to meet the goal tolerance, s", minimum=0.0
    )
    start_tolerance_rad: float = setting(
        0.1, "largest distance of a trajectory's first point from the arm, rad", minimum=1e-4
    )
    finger_speed_m_s: float = setting(0.1, "speed of each finger, m/s", minimum=0.001, maximum=0.5)
    default_force_n: float = setting(
        20.0, "force per finger where a command asks for 0, N", minimum=0.1, maximum=200.0
    )
    gripper_tolerance_m: float = setting(
        0.001, "gap error at which a gripper command is reached, m", minimum=1e-5, maximum=0.02
    )
    stall_s: float = setting(
        0.15, "time without motion after which the gripper has stalled, s", minimum=0.01
    )

    image_width: int = setting(640, "image width, px", minimum=16, maximum=4096)
    image_height: int = setting(480, "image height, px", minimum=16, maximum=4096)
    camera_fx: float = setting(615.0, "focal length along u, px", minimum=1.0)
    camera_fy: float = setting(615.0, "focal length along v, px", minimum=1.0)
    camera_cx: float = setting(319.5, "principal point u, px")
    camera_cy: float = setting(239.5, "principal point v, px")
    camera_mount: str = setting(
        "fixed",
        "where the camera is: fixed beside the robot, or on its hand",
        choices=CAMERA_MOUNTS,
    )
    hand_camera_xyz_m: tuple[float, ...] = setting(
        (0.07, 0.0, -0.10), "a camera on the hand, in the tcp frame, m", length=3
    )
    hand_camera_rpy_deg: tuple[float, ...] = setting(
        (0.0, 0.0, 90.0),
        "roll, pitch, yaw of its optical frame in the tcp frame, deg",
        length=3,
    )
    camera_target: tuple[float, ...] = setting(
        (),
        "point on the optical axis, m, base frame; empty: the middle of the cell's workspace, on "
        "its table",
    )
    camera_distance_m: float = setting(
        0.75, "distance of the camera from its target, m", minimum=0.1, maximum=5.0
    )
    camera_tilt_deg: float = setting(
        0.0, "angle of the optical axis from straight down, deg", minimum=0.0, maximum=80.0
    )
    camera_azimuth_deg: float = setting(
        0.0,
        "side of the target on which a tilted camera stands and where the image's bottom points, "
        "deg from +x: 0 faces the robot, 180 looks from it",
        minimum=-360.0,
        maximum=360.0,
    )
    camera_frame: str = setting("camera_color_optical_frame", "optical frame of the images")
    renderer: str = setting("auto", "what draws the images; auto prefers egl", choices=RENDERERS)
    noise: str = setting("none", "depth noise preset", choices=NOISE_PRESETS)
    color_noise: float = setting(
        0.0,
        "noise of the colour image, standard deviation of its 255 levels",
        minimum=0.0,
        maximum=50.0,
    )
    board: str = setting(
        "none",
        "where a calibration board is: in the hand, on the table below camera_target, or none",
        choices=BOARDS,
    )
    board_xyz_m: tuple[float, ...] = setting(
        (0.0, 0.0, 0.0), "shift of the board from its place, m, frame of tcp or base", length=3
    )
    board_rpy_deg: tuple[float, ...] = setting(
        (0.0, 0.0, 0.0), "its turn from there: roll, pitch, yaw, deg", length=3
    )

    def __post_init__(self) -> None:
        """Check the fields, then their relations.

        Raises:
            ConfigError: A value is out of its bounds or contradicts another.
        """
        super().__post_init__()
        for name, count in (("workspace_x", 2), ("workspace_y", 2), ("camera_target", 3)):
            if len(values := getattr(self, name)) not in (0, count):
                raise ConfigError(f"{name} has {len(values)} values, needs {count}, or none")
        for name in ("workspace_x", "workspace_y"):
            values = getattr(self, name)
            if values and values[1] - values[0] < 0.1:
                raise ConfigError(f"{name} is {list(values)}, must span at least 0.1 m")

    def in_cell(self) -> SimConfig:
        """With what was left open as the cell has it: where objects lie and the camera looks.

        Raises:
            ConfigError: No such cell, or its profile is wrong.
        """
        if self.workspace_x and self.workspace_y and self.camera_target:
            return self
        cell = load_cell(self.cell)
        sides = list(zip(cell.workspace_min, cell.workspace_max, strict=True))[:2]
        x, y = (
            (round(low + inside, 6), round(high - inside, 6))
            for (low, high), inside in zip(sides, _INSIDE_M, strict=True)
        )
        middle = (round((low + high) / 2.0, 6) for low, high in sides)
        return replace(
            self,
            workspace_x=self.workspace_x or x,
            workspace_y=self.workspace_y or y,
            camera_target=self.camera_target or (*middle, cell.support_z_m),
        )
