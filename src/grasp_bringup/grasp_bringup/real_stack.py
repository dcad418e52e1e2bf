"""The stack over a real robot, and what must be in order before it starts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from grasp_bringup.arguments import REAL_ARGUMENTS, read_arguments
from grasp_bringup.calibration_check import FIXED, checked_calibration
from grasp_bringup.description import DriverDescription, NodeDescription, StackEntry
from grasp_bringup.rviz_view import RvizView, rviz_view
from grasp_bringup.stack import (
    OF_EXECUTOR,
    TF,
    Defaults,
    camera_driver,
    perception_and_action,
    read_defaults,
    require_one,
)
from grasp_core.arm_driver import load_arm_driver
from grasp_core.camera_profile import load_camera
from grasp_core.config import load_node_config
from grasp_core.config_folder import config_dir
from grasp_core.errors import ConfigError
from grasp_core.json_file import require_writable
from grasp_core.reach import require_reach
from grasp_core.robot import RobotModel, load_robot
from grasp_detection.config import DetectorConfig
from grasp_executor.config import ExecutorConfig
from grasp_executor.first_pick import FirstPick
from grasp_executor.hand_memory import state_file
from grasp_executor.planning.moveit_config import MOVE_GROUP, MoveItConfig
from grasp_executor.planning.moveit_parameters import moveit_parameters

_NO_CAMERA = "none"
_MOVEIT = "moveit"
_SPAWNER_PATIENCE_S = "60"  # of a controller manager that is still connecting to its robot


@dataclass(frozen=True)
class RealStack:
    """What runs over a real robot.

    Attributes:
        drivers: Of arm and camera; empty where the lab starts them.
        nodes: Ours.
        view: How RViz shows it; None where it is not wanted.
        notices: What whoever starts it must be told, a sentence each.
    """

    drivers: list[DriverDescription]
    nodes: list[NodeDescription]
    view: RvizView | None
    notices: list[str]

    @property
    def entries(self) -> list[StackEntry]:
        """All of it, drivers first."""
        return [*self.drivers, *self.nodes]


@dataclass(frozen=True)
class _Choice:
    """What was named, and what the files say where it was not."""

    named: Mapping[str, Any]
    robot: str
    model: RobotModel
    hand: str
    camera: str
    cell: str
    namespace: str


def real_stack(
    texts: Mapping[str, str] | None = None, now: dt.datetime | None = None
) -> RealStack:
    """The stack over a real robot.

    Args:
        texts: Argument values by name, as texts; where one is missing or empty, the parameter
            files decide.
        now: To tell how old the calibration is, with a time zone; None for this computer's time.

    Raises:
        KeyError: An unknown argument.
        ConfigError: A value that an argument cannot have, a profile that is wrong, an arm or a
            camera without a driver, no calibration.
        BadCalibration: The calibration is of another camera or mounting.
        WeightsError: The detector has no such weights, or none at all.
    """
    named = read_arguments(REAL_ARGUMENTS, texts or {})
    defaults = read_defaults()
    choice = _chosen(named, defaults)
    starts_drivers = named.get("drivers", True)
    found, notices = _calibration(choice, now or dt.datetime.now(dt.timezone.utc))
    drivers = _drivers(choice, found.camera_serial) if starts_drivers else []
    if named.get("move_group", starts_drivers):
        drivers += _move_group(choice, named.get("planner", defaults.executor.planner), defaults)
    if not _is_told(drivers, found.camera_serial):
        notices.append(_unchecked(found.camera_serial))
    dry_run = named.get("dry_run")
    if dry_run is None:
        dry_run = not _has_picked(choice, defaults)
        if dry_run:
            notices.append(_first_start(choice))
    require_reach(choice.model, choice.cell)
    nodes = perception_and_action(
        choice.robot,
        choice.cell,
        named.get("detector"),
        named.get("weights"),
        gripper=choice.hand,
        camera=choice.camera,
        continuous=None,
        hand_eye=found.path,
        use_sim_time=named.get("use_sim_time", False),
        executor={
            **{name: named[name] for name in OF_EXECUTOR if name in named},
            **_speed(named, defaults.executor),
            "dry_run": dry_run,
            "camera_mount": named.get("camera_mount", FIXED),
        },
    )
    if found.path:
        nodes.append(_calibration_publisher(found.path, choice))
    view = None
    if named.get("rviz", True):
        view = rviz_view(choice.robot, choice.hand, choice.camera, choice.namespace)
    return RealStack(
        drivers,
        [replace(node, namespace=choice.namespace) for node in nodes],
        view,
        notices,
    )


def _chosen(named: Mapping[str, Any], defaults: Defaults) -> _Choice:
    files: dict[str, DetectorConfig | ExecutorConfig] = {
        "detector": defaults.detector,
        "executor": defaults.executor,
    }
    for name in ("robot", "cell"):
        if name not in named:
            require_one(name, {node: getattr(config, name) for node, config in files.items()})
    robot = named.get("robot", defaults.executor.robot)
    hand = named.get("gripper")
    if hand is None:
        told = {node: config.gripper for node, config in files.items()}
        require_one("gripper", told)
        # The hand of the files belongs to the robot of the files.
        hand = defaults.executor.gripper if robot == defaults.executor.robot else ""
    model = load_robot(robot, hand)
    camera = named.get("camera", defaults.detector.camera)
    return _Choice(
        named,
        robot,
        model,
        hand or model.arm.gripper,
        defaults.detector.camera if camera == _NO_CAMERA else camera,
        # Another robot stands in the cell that it fits: not every arm reaches everywhere.
        named.get("cell")
        or (defaults.executor.cell if robot == defaults.executor.robot else model.arm.cell),
        named.get("namespace", "").strip("/"),
    )


def _speed(named: Mapping[str, Any], in_file: ExecutorConfig) -> dict[str, Any]:
    """The speed limit, and time enough for a slower arm to come to where an image has sent it."""
    if "max_tcp_speed_m_s" not in named:
        return {}
    speed_m_s = named["max_tcp_speed_m_s"]
    slower = max(1.0, in_file.max_tcp_speed_m_s / speed_m_s)
    return {
        "max_tcp_speed_m_s": speed_m_s,
        "max_plan_age_s": in_file.max_plan_age_s * slower,
    }


# -- calibration --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Calibration:
    """Its file, empty for TF, and its camera, empty where that need not be checked any more."""

    path: str = ""
    camera_serial: str = ""


def _calibration(choice: _Choice, now: dt.datetime) -> tuple[_Calibration, list[str]]:
    """The calibration, and what is to be said of it."""
    named = choice.named
    told = named.get("calibration", "")
    if not told:
        raise ConfigError(
            "calibration is not given: nobody knows where the camera is; make one with `grasp "
            "calibrate` and name its file, or say calibration:=tf where somebody else publishes "
            "the camera's pose on TF"
        )
    if told == TF:
        return _Calibration(), []
    path = Path(told).expanduser().resolve()  # the nodes may run in another folder
    mount = named.get("camera_mount", FIXED)
    serial = named.get("camera_serial", "")
    base_frame = choice.model.arm.base_frame
    calibration, warnings = checked_calibration(path, base_frame, mount, serial, now)
    return _Calibration(str(path), "" if serial else calibration.camera_serial), warnings


def _is_told(drivers: Sequence[DriverDescription], camera_serial: str) -> bool:
    """Whether the camera's driver is told which camera to open, or none has to be."""
    told = [str(value) for driver in drivers for value in driver.parameters.values()]
    return not camera_serial or any(value.endswith(camera_serial) for value in told)


def _unchecked(camera_serial: str) -> str:
    return (
        f"the calibration is of the camera {camera_serial}; whether that one runs was not "
        "checked: say its number as camera_serial"
    )


def _calibration_publisher(hand_eye: str, choice: _Choice) -> NodeDescription:
    return NodeDescription(
        package="grasp_ros",
        executable="calibration_node",
        module="grasp_ros.calibration_node",
        name="calibration_publisher",
        parameter_file=config_dir() / "calibration_publisher.yaml",
        parameters={
            "use_sim_time": choice.named.get("use_sim_time", False),
            "hand_eye": hand_eye,
            "root_frame": load_camera(choice.camera).root_frame,
        },
    )


# -- the first start ----------------------------------------------------------------------------


def _has_picked(choice: _Choice, defaults: Defaults) -> bool:
    return FirstPick(defaults.executor.state_dir, choice.robot, choice.hand).was_done


def _first_start(choice: _Choice) -> str:
    return (
        f"{choice.robot} with {choice.hand} has never picked from this computer: this is a dry "
        "run, which plans and shows and moves nothing; when the planned path looks right, start "
        "with dry_run:=false, and until a pick has ended well say so each time"
    )


# -- drivers ------------------------------------------------------------------------------------


def _drivers(choice: _Choice, calibrated_serial: str) -> list[DriverDescription]:
    return [*_arm_drivers(choice), *_camera_drivers(choice, calibrated_serial)]


def _arm_drivers(choice: _Choice) -> list[DriverDescription]:
    """The launch file of the arm's driver, and the controllers that it does not start.

    Raises:
        ConfigError: The arm has no driver, or its address is not given.
    """
    robot, robot_ip = choice.robot, choice.named.get("robot_ip", "")
    driver = load_arm_driver(robot)
    if driver.ended:
        raise ConfigError(
            f"robot {robot} has no driver for ROS 2 Jazzy: {driver.ended}; bring it up yourself "
            "and start with drivers:=false"
        )
    if driver.needs_ip and not robot_ip:
        raise ConfigError(
            f"robot_ip is not given, which the driver of {robot} needs: name the arm's address, "
            "or start with drivers:=false where the lab starts its driver"
        )
    namespace = choice.namespace
    return [
        DriverDescription(
            robot,
            driver.package,
            launch_file=driver.launch_file,
            parameters=driver.parameters_for(robot, choice.hand, robot_ip, namespace),
            namespace="" if driver.takes_namespace else namespace,
        ),
        *(
            DriverDescription(
                f"spawner_{controller}",
                "controller_manager",
                executable="spawner",
                arguments=(controller, "--controller-manager-timeout", _SPAWNER_PATIENCE_S),
                namespace=namespace,
                ends=True,
            )
            for controller in driver.controllers
        ),
    ]


def _move_group(choice: _Choice, planner: str, defaults: Defaults) -> list[DriverDescription]:
    """A move_group that plans for the executor, where its planner asks one.

    Its parameters are written beside what the executor remembers: they hold the whole robot.

    Raises:
        ConfigError: They cannot be written.
    """
    if planner != _MOVEIT:
        return []
    settings = load_node_config(MoveItConfig, config_dir() / "executor.yaml", "executor", _MOVEIT)
    if settings.server != MOVE_GROUP:
        return []
    memory = state_file(defaults.executor.state_dir, choice.robot, choice.hand)
    path = memory.with_name(f"{memory.stem}-move-group.yaml")
    require_writable(path)
    content = {"/**": {"ros__parameters": moveit_parameters(choice.model)}}
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return [
        DriverDescription(
            "move_group",
            "moveit_ros_move_group",
            executable="move_group",
            namespace="/".join(filter(None, [choice.namespace, settings.namespace])),
            parameter_file=path,
        )
    ]


def _camera_drivers(choice: _Choice, calibrated_serial: str) -> list[DriverDescription]:
    """The camera's driver, told which camera to open: as named, or that of the calibration."""
    if choice.named.get("camera") == _NO_CAMERA:
        return []
    serial = choice.named.get("camera_serial", "")
    if not serial and load_camera(choice.camera).driver.serial_parameter:
        serial = calibrated_serial
    driver = camera_driver(choice.camera, serial)
    return [replace(driver, namespace=choice.namespace)]
