"""One description of what runs, read by the launch files and by the `grasp` command alike."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grasp_bringup.arguments import SIM_ARGUMENTS, read_arguments
from grasp_bringup.description import DriverDescription, NodeDescription
from grasp_bringup.rviz_view import RvizView, rviz_view
from grasp_core.camera_profile import camera_names, load_camera
from grasp_core.config import load_node_config
from grasp_core.config_folder import config_dir
from grasp_core.errors import ConfigError
from grasp_core.hand_eye import load_hand_eye
from grasp_core.reach import require_reach
from grasp_core.robot import load_robot
from grasp_detection.config import DetectorConfig
from grasp_detection.learned.weights import DEFAULT
from grasp_detection.registry import find_detector, weights_of
from grasp_executor.config import ExecutorConfig
from grasp_sim.node_config import SimNodeConfig


def camera_driver(camera: str, serial: str = "") -> DriverDescription:
    """The driver that publishes a camera's images, as its profile says.

    Args:
        camera: A name under ``config/cameras``.
        serial: Serial number of the one camera meant; empty where there is one.

    Raises:
        ConfigError: No such camera, its profile is wrong, ROS 2 Jazzy has no driver for it, or
            its driver cannot be told a serial number.
    """
    driver = load_camera(camera).driver
    if driver.ended:
        raise ConfigError(
            f"camera {camera} has no driver for ROS 2 Jazzy: {driver.ended}; publish its topics "
            f"from elsewhere and start without drivers, or take one of {', '.join(_with_driver())}"
        )
    return DriverDescription(
        camera,
        driver.package,
        driver.executable,
        driver.launch_file,
        driver.parameters_for(serial),
    )


def _with_driver() -> list[str]:
    """Cameras that a driver of this distribution publishes."""
    return [name for name in camera_names() if not load_camera(name).driver.ended]


@dataclass(frozen=True)
class Defaults:
    """What the nodes' parameter files say, without any argument."""

    simulator: SimNodeConfig
    detector: DetectorConfig
    executor: ExecutorConfig


def read_defaults() -> Defaults:
    """Read the parameter files under ``config``.

    Raises:
        ConfigError: A file is missing or a value wrong; names both.
    """
    folder = config_dir()
    return Defaults(
        load_node_config(SimNodeConfig, folder / "simulator.yaml", "simulator"),
        load_node_config(DetectorConfig, folder / "detector.yaml", "detector"),
        load_node_config(ExecutorConfig, folder / "executor.yaml", "executor"),
    )


TF = "tf"
"""In place of a calibration's file: the camera's pose comes from TF."""

OF_EXECUTOR = ("planner", "dry_run", "step")
"""Arguments that are parameters of the executor, of the same names."""

_OF_SIMULATED_EXECUTOR = (*OF_EXECUTOR, "camera_mount")

# The simulator's parameters by the arguments that set them.
_OF_SIMULATOR = {
    **{name: name for name in ("robot", "gripper", "camera", "cell", "objects", "clutter")},
    **{name: name for name in ("seed", "speed", "noise", "gui")},
    "camera_tilt": "camera_tilt_deg",
    "camera_mount": "camera_mount",
}


def sim_stack(texts: Mapping[str, str] | None = None) -> list[NodeDescription]:
    """Nodes of the simulated stack.

    Args:
        texts: Argument values by name, as texts; where one is missing or empty, the parameter
            files decide.

    Raises:
        KeyError: An unknown argument.
        ConfigError: A value that an argument cannot have, no such detector or cell, or a robot,
            hand or camera whose profile is missing or wrong.
        WeightsError: The detector has no such weights, or none at all.
    """
    named = read_arguments(SIM_ARGUMENTS, texts or {})
    defaults = read_defaults()
    _require_agreement(named, defaults)
    named["gripper"] = _gripper(named, defaults)
    if named.get("robot", defaults.simulator.robot) != defaults.simulator.robot:
        named["cell"] = simulated_cell(named["robot"], named.get("cell"))
    # Checked before anything starts.
    robot = load_robot(named.get("robot", defaults.simulator.robot), named["gripper"])
    require_reach(robot, named.get("cell", defaults.simulator.cell))
    load_camera(named.get("camera", defaults.simulator.camera))
    if hand_eye := _file_of(named.get("calibration", TF)):
        load_hand_eye(Path(hand_eye))
    changed = {_OF_SIMULATOR[name]: named[name] for name in _OF_SIMULATOR if name in named}
    nodes = [
        NodeDescription(
            package="grasp_sim",
            executable="sim_node",
            module="grasp_sim.node",
            name="simulator",
            parameter_file=config_dir() / "simulator.yaml",
            parameters=changed,
        ),
        *perception_and_action(
            named.get("robot"),
            named.get("cell"),
            named.get("detector"),
            named.get("weights"),
            gripper=named["gripper"],
            camera=named.get("camera"),
            continuous=named.get("continuous"),
            hand_eye=hand_eye,
            executor={
                **_of_simulation(named, defaults),
                **{name: named[name] for name in _OF_SIMULATED_EXECUTOR if name in named},
            },
        ),
    ]
    return [replace(node, namespace=named.get("namespace", "")) for node in nodes]


def _file_of(calibration: str) -> str | None:
    return None if calibration == TF else calibration


def _of_simulation(named: Mapping[str, Any], defaults: Defaults) -> dict[str, Any]:
    """What the executor must be told of a simulation, and of no real robot.

    It remembers its own hands, apart from the real ones, in a folder of this run. And where
    simulated time runs faster than real time, planning takes as many times longer in it.
    """
    simulator = defaults.simulator
    speed = float(named.get("speed", simulator.speed)) or simulator.max_speed
    age_s = defaults.executor.max_plan_age_s
    return {
        "max_tcp_speed_m_s": 0.0,  # nobody stands beside it
        "state_dir": str(Path(tempfile.gettempdir()) / f"grasp_sim_{os.getpid()}"),
        **({"max_plan_age_s": age_s * speed} if speed > 1.0 else {}),
        **({"planner": named["planner"]} if "planner" in named else {}),
    }


def sim_view(texts: Mapping[str, str]) -> RvizView | None:
    """How RViz shows a simulated stack; None where it is not wanted.

    See :func:`sim_stack` for the argument and errors.
    """
    named, defaults = read_arguments(SIM_ARGUMENTS, texts), read_defaults()
    if not named.get("rviz", True):
        return None
    simulator = defaults.simulator
    return rviz_view(
        named.get("robot", simulator.robot),
        _gripper(named, defaults),
        named.get("camera", simulator.camera),
        named.get("namespace", ""),
    )


def _require_agreement(named: Mapping[str, Any], defaults: Defaults) -> None:
    """Refuse nodes that would work on different robots, cells or cameras."""
    nodes = ("simulator", "detector", "executor")
    of = {"robot": nodes, "cell": nodes, "camera": nodes[:2], "camera_mount": nodes[::2]}
    for name, holders in of.items():
        values = {node: getattr(getattr(defaults, node), name) for node in holders}
        if name not in named:
            require_one(name, values)


def require_one(name: str, values: Mapping[str, str]) -> None:
    """Refuse nodes whose files name different things.

    Args:
        name: Of the parameter.
        values: By node.

    Raises:
        ConfigError: They differ; names them all.
    """
    if len(set(values.values())) > 1:
        told = ", ".join(f"{value!r} in {node}.yaml" for node, value in values.items())
        raise ConfigError(
            f"{name} is {told}: make them equal, or name the {name} for all nodes when starting "
            "the stack"
        )


def simulated_robot(robot: str | None = None, gripper: str | None = None) -> tuple[str, str]:
    """Robot and hand of a simulation, as named or as config/simulator.yaml says.

    The hand of the file belongs to the robot of the file: another robot has its own, which is
    what an empty name means.
    """
    in_file = read_defaults().simulator
    if gripper is None:
        gripper = in_file.gripper if robot in (None, in_file.robot) else ""
    return robot or in_file.robot, gripper


def simulated_cell(robot: str | None = None, cell: str | None = None) -> str:
    """Cell of a simulation, as named or as config/simulator.yaml says for the robot named there.

    Another robot stands in the cell that its profile names: not every arm reaches everywhere.

    Raises:
        ConfigError: No such robot, or its profile is wrong.
    """
    in_file = read_defaults().simulator
    if cell is not None:
        return cell
    return in_file.cell if robot in (None, in_file.robot) else load_robot(robot).arm.cell


def _gripper(named: Mapping[str, Any], defaults: Defaults) -> str:
    """The hand of all nodes; empty for the robot's own.

    The simulator decides which hand it stands for. Without one, detector and executor have the
    robot's own, so their files name none, unless somebody has written one there.

    Raises:
        ConfigError: The files name different hands.
    """
    if "gripper" in named:
        return str(named["gripper"])
    if named.get("robot", defaults.simulator.robot) != defaults.simulator.robot:
        return ""  # the hand of the files belongs to the robot of the files
    nodes = ("simulator", "detector", "executor")
    told = {node: getattr(defaults, node).gripper for node in nodes}
    told = {node: hand for node, hand in told.items() if hand}
    require_one("gripper", told)
    return next(iter(told.values()), "")


def perception_and_action(
    robot: str | None,
    cell: str | None,
    detector: str | None,
    weights: str | None = None,
    *,
    gripper: str | None = None,
    camera: str | None = None,
    continuous: bool | None,
    hand_eye: str | None = None,
    use_sim_time: bool = True,
    executor: Mapping[str, Any] | None = None,
) -> list[NodeDescription]:
    """Detector and executor: the same nodes over simulation and hardware.

    What is None is left to the parameter files; ``executor`` holds more parameters of that node.
    ``hand_eye`` names the file of a calibration, which both then read in place of TF.

    Raises:
        ConfigError: No such detector.
        WeightsError: The detector has no such weights, or none at all.
    """
    in_file = read_defaults().detector
    running = detector or in_file.detector
    # Checked before anything starts; what was not named is left to the file.
    found = weights_of(running, weights_in_file(running) if weights is None else weights)
    settings: dict[str, Any] = {}
    if weights is not None and found:
        settings[f"{find_detector(running).group}.weights"] = found
    if continuous is False and in_file.linger_s == DetectorConfig().linger_s:
        # On request only, the camera is let go at once: rendering is what costs.
        settings["linger_s"] = 0.0
    shared = {
        "use_sim_time": use_sim_time,
        **_named(robot=robot, gripper=gripper, cell=cell, hand_eye=hand_eye),
    }
    return [
        NodeDescription(
            package="grasp_detection",
            executable="detector_node",
            module="grasp_detection.node",
            name="detector",
            parameter_file=config_dir() / "detector.yaml",
            parameters={
                **shared,
                **_named(camera=camera, detector=detector, continuous=continuous),
                **settings,
            },
            lifecycle=True,
        ),
        NodeDescription(
            package="grasp_executor",
            executable="executor_node",
            module="grasp_executor.node",
            name="executor",
            parameter_file=config_dir() / "executor.yaml",
            parameters={**shared, **(executor or {})},
            lifecycle=True,
        ),
    ]


def _named(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def weights_in_file(detector: str) -> str:
    """Weights that the detector node's parameter file names; ``default`` for none.

    Raises:
        ConfigError: No such detector, or a value of the file is wrong.
    """
    entry = find_detector(detector)
    path = config_dir() / "detector.yaml"
    settings = load_node_config(entry.config_class, path, "detector", entry.group)
    return str(getattr(settings, "weights", DEFAULT))
