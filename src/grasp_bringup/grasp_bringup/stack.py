"""One description of what runs, read by the launch files and by the `grasp` command alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grasp_bringup.arguments import SIM_ARGUMENTS, read_arguments
from grasp_core.config import config_dir, load_node_config
from grasp_core.errors import ConfigError
from grasp_detection.config import DetectorConfig
from grasp_detection.learned.weights import DEFAULT
from grasp_detection.registry import find_detector, weights_of
from grasp_executor.config import ExecutorConfig
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


# The simulator's parameters by the arguments that set them.
_OF_SIMULATOR = {
    **{name: name for name in ("robot", "cell", "objects", "clutter", "seed", "speed")},
    **{"camera_tilt": "camera_tilt_deg", "noise": "noise", "gui": "gui"},
}


def sim_stack(texts: Mapping[str, str] | None = None) -> list[NodeDescription]:
    """Nodes of the simulated stack.

    Args:
        texts: Argument values by name, as texts; where one is missing or empty, the parameter
            files decide.

    Raises:
        KeyError: An unknown argument.
        ConfigError: A value that an argument cannot have, or no such detector or cell.
        WeightsError: The detector has no such weights, or none at all.
    """
    named = read_arguments(SIM_ARGUMENTS, texts or {})
    defaults = read_defaults()
    _require_agreement(named, defaults)
    changed = {_OF_SIMULATOR[name]: named[name] for name in _OF_SIMULATOR if name in named}
    return [
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
            continuous=named.get("continuous"),
        ),
    ]


def _require_agreement(named: Mapping[str, Any], defaults: Defaults) -> None:
    """Refuse nodes that would work on different robots or cells."""
    nodes = ("simulator", "detector", "executor")
    for name in ("robot", "cell"):
        values = {node: getattr(getattr(defaults, node), name) for node in nodes}
        if name not in named and len(set(values.values())) > 1:
            told = ", ".join(f"{value!r} in {node}.yaml" for node, value in values.items())
            raise ConfigError(
                f"{name} is {told}: make them equal, or name the {name} for all nodes when "
                "starting the stack"
            )


def perception_and_action(
    robot: str | None,
    cell: str | None,
    detector: str | None,
    weights: str | None = None,
    *,
    continuous: bool | None,
    use_sim_time: bool = True,
) -> list[NodeDescription]:
    """Detector and executor: the same nodes over simulation and hardware.

    What is None is left to the parameter files.

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
    shared = {"use_sim_time": use_sim_time, **_named(robot=robot, cell=cell)}
    return [
        NodeDescription(
            package="grasp_detection",
            executable="detector_node",
            module="grasp_detection.node",
            name="detector",
            parameter_file=config_dir() / "detector.yaml",
            parameters={**shared, **_named(detector=detector, continuous=continuous), **settings},
            lifecycle=True,
        ),
        NodeDescription(
            package="grasp_executor",
            executable="executor_node",
            module="grasp_executor.node",
            name="executor",
            parameter_file=config_dir() / "executor.yaml",
            parameters=shared,
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
