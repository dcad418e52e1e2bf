"""Arguments of a stack, for launch files and for the `grasp` command: described and checked once.

An argument that is not named, or empty, leaves its parameter as the files in config say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from grasp_core.camera_profile import camera_names
from grasp_core.errors import ConfigError
from grasp_core.gripper_profile import gripper_names
from grasp_core.robot import CAMERA_MOUNTS, robot_names
from grasp_executor.planning.registry import planner_names
from grasp_sim.config import MAX_OBJECTS, NOISE_PRESETS
from grasp_sim.node_config import OF_CAMERA

_BOOLEANS = {"true": True, "false": False}
_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


@dataclass(frozen=True)
class Argument:
    """An argument of a stack.

    Attributes:
        description: What it sets, with its unit.
        file: File under ``config`` that has its default; empty where none has.
        kind: ``str``, ``int``, ``float`` or ``bool``.
        choices: Valid texts; empty for any.
        minimum: Smallest valid number.
        maximum: Largest valid number.
        words: Texts that stand for a number, which is then valid beside the bounds.
        default: What an empty text means, in words, where no file says it.
    """

    description: str
    file: str = ""
    kind: type = str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    words: Mapping[str, float] = field(default_factory=dict)
    default: str = ""

    @property
    def help(self) -> str:
        """Description, valid values and where the default is."""
        bounds = "" if self.minimum is None and self.maximum is None else f" ({self._valid()})"
        return f"{self.description}{bounds}; empty: {self.default or f'as in config/{self.file}'}"

    def read(self, name: str, text: str) -> Any:
        """The value that a text means.

        Args:
            name: What the argument is called where it was given, for messages.
            text: What was given.

        Raises:
            ConfigError: It is no such value or out of its bounds; says which are valid.
        """
        try:
            value = self._parse(text)
        except ValueError:
            value = None
        if value is None or not (value in self.words.values() or self._within(value)):
            shown = repr(text) if value is None else text
            raise ConfigError(f"{name} is {shown}, must be {self._valid()}: {self.description}")
        return value

    def _parse(self, text: str) -> Any:
        if self.choices and text not in self.choices:
            return None
        if self.kind is bool:
            return _BOOLEANS.get(text)
        return self.kind(self.words.get(text, text))

    def _within(self, value: Any) -> bool:
        # Written so that NaN is outside.
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )

    def _valid(self) -> str:
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        kind = _KINDS[self.kind]
        if self.minimum is not None and self.maximum is not None:
            kind += f" in [{self.minimum:g}, {self.maximum:g}]"
        elif self.minimum is not None:
            kind += f", at least {self.minimum:g}"
        return " or ".join([*self.words, kind])


_BOOLEAN_TEXTS = tuple(_BOOLEANS)
_NO_CAMERA = "none"
_MOUNT = "where the camera is mounted: beside the robot, or on its hand"

# The same for simulation and hardware.
_SHARED: dict[str, Argument] = {
    "detector": Argument(
        "detector that ranks the grasps; default is the one that picks best", "detector.yaml"
    ),
    "weights": Argument(
        "weights of a learned detector: shipped name, default for the best ones, or path of a "
        ".safetensors file",
        "detector.yaml",
    ),
    "cell": Argument("file under config/cells, for all nodes", "*.yaml"),
    "planner": Argument(
        "who plans the arm's paths", "executor.yaml", choices=tuple(planner_names())
    ),
    "namespace": Argument(
        "namespace of all nodes, topics and actions, such as the robot's name", default="none"
    ),
    "step": Argument(
        "wait for ~/confirm before each motion of arm and hand",
        "executor.yaml",
        bool,
        _BOOLEAN_TEXTS,
    ),
    "rviz": Argument("show it all in RViz", kind=bool, choices=_BOOLEAN_TEXTS, default="true"),
}

SIM_ARGUMENTS: dict[str, Argument] = {
    **_SHARED,
    "robot": Argument("folder under config/robots, for all nodes", "*.yaml"),
    "gripper": Argument(
        "hand that the robot carries, a file under config/grippers, for all nodes", "*.yaml"
    ),
    "camera": Argument("file under config/cameras, for all nodes", "*.yaml"),
    "calibration": Argument(
        "file with the camera's pose as a calibration has found it; tf: as the simulator says",
        default="tf",
    ),
    "dry_run": Argument(
        "plan whole picks and show them, and move neither arm nor hand",
        "executor.yaml",
        bool,
        _BOOLEAN_TEXTS,
    ),
    "objects": Argument(
        "object set: dev, test, or a folder with one object per subfolder", "simulator.yaml"
    ),
    "clutter": Argument(
        "objects on the table", "simulator.yaml", int, minimum=1, maximum=MAX_OBJECTS
    ),
    "seed": Argument("seed of the scenes", "simulator.yaml", int, minimum=0),
    "speed": Argument(
        "simulation speed relative to real time; max, or 0, is as fast as possible",
        "simulator.yaml",
        float,
        minimum=0.05,
        maximum=100,
        words={"max": 0.0},
    ),
    "camera_mount": Argument(_MOUNT, "simulator.yaml", choices=CAMERA_MOUNTS),
    "camera_tilt": Argument(
        "camera's angle from straight down, degrees",
        "simulator.yaml",
        float,
        minimum=0,
        maximum=40,
    ),
    "noise": Argument(
        "depth noise; camera is what the camera's profile names",
        "simulator.yaml",
        choices=(*NOISE_PRESETS, OF_CAMERA),
    ),
    "continuous": Argument(
        "detect while somebody subscribes; false only when asked",
        "detector.yaml",
        bool,
        _BOOLEAN_TEXTS,
    ),
    "gui": Argument("show PyBullet's window", "simulator.yaml", bool, _BOOLEAN_TEXTS),
}

REAL_ARGUMENTS: dict[str, Argument] = {
    "robot": Argument(
        "arm, a folder under config/robots", "executor.yaml", choices=tuple(robot_names())
    ),
    "robot_ip": Argument(
        "address of the arm, for its driver", default="refused where it is needed"
    ),
    "gripper": Argument(
        "hand that the arm carries, a file under config/grippers",
        choices=tuple(gripper_names()),
        default="the robot's own",
    ),
    "camera": Argument(
        "camera, a file under config/cameras; none: its driver is not started, and its topics, "
        "as of the camera in config/detector.yaml, come from elsewhere",
        "detector.yaml",
        choices=(*camera_names(), _NO_CAMERA),
    ),
    "camera_serial": Argument(
        "serial number of the camera, for its driver and to check the calibration",
        default="the one camera that is plugged in",
    ),
    "camera_mount": Argument(_MOUNT, choices=CAMERA_MOUNTS, default="fixed"),
    "calibration": Argument(
        "file of the hand-eye calibration, as grasp calibrate writes it or an easy_handeye2 "
        ".calib; tf: somebody else publishes the camera's pose on TF",
        default="refused",
    ),
    "dry_run": Argument(
        "plan whole picks and show them, and move neither arm nor hand",
        kind=bool,
        choices=_BOOLEAN_TEXTS,
        default="true until this robot has picked once from this computer, then false",
    ),
    "max_tcp_speed_m_s": Argument(
        "speed that no point of arm and hand exceeds, m/s",
        "executor.yaml",
        float,
        minimum=0.01,
        maximum=5.0,
    ),
    "drivers": Argument(
        "start the drivers of arm and camera; false where the lab starts them itself",
        kind=bool,
        choices=_BOOLEAN_TEXTS,
        default="true",
    ),
    "move_group": Argument(
        "start a move_group where MoveIt plans; false where the lab's bring-up has one",
        kind=bool,
        choices=_BOOLEAN_TEXTS,
        default="as drivers",
    ),
    "use_sim_time": Argument(
        "take the time from /clock; only where a simulator stands for the hardware",
        kind=bool,
        choices=_BOOLEAN_TEXTS,
        default="false",
    ),
    **_SHARED,
}


def read_arguments(arguments: Mapping[str, Argument], texts: Mapping[str, str]) -> dict[str, Any]:
    """Values of the arguments that were named; empty texts name nothing.

    Raises:
        KeyError: An unknown argument.
        ConfigError: A value that the argument cannot have.
    """
    unknown = set(texts) - set(arguments)
    if unknown:
        raise KeyError(f"unknown arguments {sorted(unknown)}; valid are {sorted(arguments)}")
    return {name: arguments[name].read(name, text) for name, text in texts.items() if text}
