"""One description of what runs, read by the launch files and by the `grasp` command alike."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grasp_bringup.workspace_view import Square, workspace_view
from grasp_core.cell import load_cell
from grasp_core.config import config_dir, load_node_config
from grasp_detection.registry import has_weights, resolve
from grasp_detection.weights import (
    DEFAULT,
    WeightsError,
    find_weights,
    shipped_names,
)
from grasp_sim.camera import camera_pose, intrinsics
from grasp_sim.config import SimConfig
from grasp_sim.node_config import SimNodeConfig


@dataclass(frozen=True)
class NodeDescription:
    """One node of a stack.

    Attributes:
        package: ROS package.
        executable: Its executable.
        module: Python module with ``main``, for running it without an installed executable.
        name: Node name.
        parameter_file: YAML file under ``config``.
        parameters: Values that override the file's.
        remappings: Topic names, from -> to.
        lifecycle: Whether it is brought up by lifecycle transitions.
    """

    package: str
    executable: str
    module: str
    name: str
    parameter_file: Path
    parameters: dict[str, Any] = field(default_factory=dict)
    remappings: dict[str, str] = field(default_factory=dict)
    lifecycle: bool = False


@dataclass(frozen=True)
class Argument:
    """An argument of a stack: default and description, for launch and command line alike."""

    default: str
    description: str
    choices: tuple[str, ...] = ()


SIM_ARGUMENTS: dict[str, Argument] = {
    "detector": Argument(DEFAULT, "detector that ranks the grasps; default picks best"),
    "weights": Argument(
        "default", "weights of a learned detector: shipped name or path of a .safetensors file"
    ),
    "robot": Argument("panda", "folder under config/robots"),
    "cell": Argument("tabletop", "file under config/cells"),
    "objects": Argument("dev", "object set: dev, test, or a folder with one object per subfolder"),
    "clutter": Argument("1", "objects on the table, 1 to 15"),
    "seed": Argument("0", "seed of the scenes"),
    "speed": Argument("1.0", "simulation speed relative to real time; 0 is as fast as possible"),
    "camera_tilt": Argument("0.0", "camera's angle from straight down, degrees, 0 to 40"),
    "noise": Argument("none", "depth noise", ("none", "d435")),
    "continuous": Argument(
        "true", "detect while somebody subscribes; false only when asked", ("true", "false")
    ),
    "gui": Argument("false", "show PyBullet's window", ("true", "false")),
}


def sim_stack(values: dict[str, str] | None = None) -> list[NodeDescription]:
    """Nodes of the simulated stack.

    Args:
        values: Argument values by name, as strings; missing ones keep their default.

    Raises:
        KeyError: An unknown argument.
        ValueError: A value that is no number where one is needed, or no detector or weights.
    """
    values = values or {}
    unknown = set(values) - set(SIM_ARGUMENTS)
    if unknown:
        raise KeyError(f"unknown arguments {sorted(unknown)}; valid are {sorted(SIM_ARGUMENTS)}")
    chosen = {name: values.get(name, about.default) for name, about in SIM_ARGUMENTS.items()}
    return [
        NodeDescription(
            package="grasp_sim",
            executable="sim_node",
            module="grasp_sim.node",
            name="simulator",
            parameter_file=config_dir() / "simulator.yaml",
            parameters={
                "robot": chosen["robot"],
                "cell": chosen["cell"],
                "objects": chosen["objects"],
                "clutter": int(chosen["clutter"]),
                "seed": int(chosen["seed"]),
                "speed": float(chosen["speed"]),
                "camera_tilt_deg": float(chosen["camera_tilt"]),
                "noise": chosen["noise"],
                "gui": chosen["gui"] == "true",
            },
        ),
        *perception_and_action(
            chosen["robot"],
            chosen["cell"],
            chosen["detector"],
            chosen["weights"],
            continuous=chosen["continuous"] == "true",
            view=_view_of(chosen["cell"], float(chosen["camera_tilt"]))
            if has_weights(chosen["detector"])
            else None,
        ),
    ]


def _view_of(cell: str, camera_tilt_deg: float) -> Square:
    """The workspace in the picture of the simulator node's camera."""
    path = config_dir() / "simulator.yaml"
    config = load_node_config(SimNodeConfig, path, "simulator")
    config = dataclasses.replace(config, cell=cell, camera_tilt_deg=camera_tilt_deg)
    return simulated_view(config)


def simulated_view(config: SimConfig) -> Square:
    """The workspace in a simulated camera's picture; see :func:`workspace_view`."""
    return workspace_view(load_cell(config.cell), intrinsics(config), camera_pose(config))


def perception_and_action(
    robot: str,
    cell: str,
    detector: str,
    weights: str = DEFAULT,
    *,
    continuous: bool,
    view: Square | None = None,
    use_sim_time: bool = True,
) -> list[NodeDescription]:
    """Detector and executor: the same nodes over simulation and hardware.

    ``view`` is the part of the picture that a learned detector looks at; without it, the largest
    square, in the size that the network was trained with.

    Raises:
        ConfigError: No such detector.
        WeightsError: The detector has no such weights, or none at all.
    """
    return [
        NodeDescription(
            package="grasp_detection",
            executable="detector_node",
            module="grasp_detection.node",
            name="detector",
            parameter_file=config_dir() / "detector.yaml",
            parameters={
                "use_sim_time": use_sim_time,
                "robot": robot,
                "detector": detector,
                "continuous": continuous,
                **learned_settings(detector, weights, view),
                # On request only, the camera is let go at once: rendering is what costs.
                **({} if continuous else {"linger_s": 0.0}),
            },
            lifecycle=True,
        ),
        NodeDescription(
            package="grasp_executor",
            executable="executor_node",
            module="grasp_executor.node",
            name="executor",
            parameter_file=config_dir() / "executor.yaml",
            parameters={"use_sim_time": use_sim_time, "robot": robot, "cell": cell},
            lifecycle=True,
        ),
    ]


def learned_settings(detector: str, weights: str, view: Square | None = None) -> dict[str, Any]:
    """The detector node's parameters that only a learned detector has.

    Raises:
        ConfigError: No such detector.
        WeightsError: The detector has no such weights, or none at all.
    """
    values = detector_values(detector, weights, view)
    return {f"{resolve(detector)}.{name}": value for name, value in values.items()}


def detector_values(detector: str, weights: str, view: Square | None = None) -> dict[str, Any]:
    """Settings of a detector by their own names; see :func:`learned_settings`."""
    detector = resolve(detector)
    if has_weights(detector):
        path = find_weights(detector, weights)
        shipped = weights in (DEFAULT, *shipped_names(detector))
        # A path must mean the same file wherever the node is started.
        settings: dict[str, Any] = {"weights": weights if shipped else str(path.resolve())}
        if view is not None:
            settings["window_px"] = list(view)
        return settings
    if weights != DEFAULT:
        raise WeightsError(f"detector {detector} is not learned: it has no weights {weights!r}")
    return {}
