"""The driver of an arm: ``config/robots/NAME/driver.yaml``, beside the profile."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grasp_core.config import Checked, build, load_yaml, setting
from grasp_core.config_folder import config_dir
from grasp_core.errors import ConfigError

_PLACEHOLDERS = ("robot_ip", "namespace", "robot_folder")


@dataclass(frozen=True)
class ArmDriver(Checked):
    """The launch file of a distribution or workspace that brings an arm's controllers up.

    In texts of the parameters, ``{robot_ip}`` and ``{namespace}`` stand for what the stack is
    started with, and ``{robot_folder}`` for the folder of this file. A parameter that comes out
    empty is not given.
    """

    package: str = setting("", "ROS package of the driver")
    launch_file: str = setting("", "its launch file")
    parameters: dict[str, Any] = setting({}, "arguments of the launch file")
    hand_parameters: dict[str, Any] = setting(
        {}, "arguments beside these, by the hand that the arm carries: its driver comes along"
    )
    controllers: tuple[str, ...] = setting(
        (), "controllers that the launch file does not start, to be spawned beside it"
    )
    needs: str = setting("", "versions and options that it needs, for documents")
    starts: str = setting("", "what its launch file starts, for documents")
    ended: str = setting("", "why ROS 2 Jazzy has no driver for it; then nothing else is given")

    def __post_init__(self) -> None:
        """Check the fields, then that they name a launch file, or say why there is none.

        Raises:
            ConfigError: They do not, or a placeholder is unknown.
        """
        super().__post_init__()
        if bool(self.ended) == bool(self.package and self.launch_file):
            raise ConfigError(
                f"an arm's driver needs a package and a launch_file, or ended; got package "
                f"{self.package!r}, launch_file {self.launch_file!r} and ended {self.ended!r}"
            )
        for hand, values in self.hand_parameters.items():
            if not isinstance(values, Mapping):
                raise ConfigError(f"hand_parameters of {hand} is {values!r}, must be a mapping")
        for name, value in self._all():
            unknown = {found for _, found, _, _ in string.Formatter().parse(value) if found}
            if unknown - set(_PLACEHOLDERS):
                raise ConfigError(
                    f"parameter {name} is {value!r}: placeholders are "
                    f"{', '.join(f'{{{one}}}' for one in _PLACEHOLDERS)}"
                )

    def _all(self) -> list[tuple[str, str]]:
        """Every parameter that is a text."""
        groups = [self.parameters, *self.hand_parameters.values()]
        return [(n, v) for group in groups for n, v in group.items() if isinstance(v, str)]

    @property
    def needs_ip(self) -> bool:
        """Whether it must be told the robot's address."""
        return any("{robot_ip}" in value for _, value in self._all())

    @property
    def takes_namespace(self) -> bool:
        """Whether it puts its nodes into a namespace itself."""
        return any("{namespace}" in value for _, value in self._all())

    def parameters_for(
        self, robot: str, hand: str, robot_ip: str = "", namespace: str = ""
    ) -> dict[str, Any]:
        """Arguments of the launch file.

        Args:
            robot: Folder under ``config/robots``.
            hand: File under ``config/grippers``.
            robot_ip: The robot's address.
            namespace: Of the stack; empty for none.
        """
        folder = str(config_dir() / "robots" / robot)
        told = {"robot_ip": robot_ip, "namespace": namespace, "robot_folder": folder}
        given = {**self.parameters, **self.hand_parameters.get(hand, {})}
        filled = {
            name: value.format(**told) if isinstance(value, str) else value
            for name, value in given.items()
        }
        return {name: value for name, value in filled.items() if value != ""}


def load_arm_driver(robot: str) -> ArmDriver:
    """Read a robot's driver.

    Raises:
        ConfigError: It has none, or a value is wrong; says what to do.
    """
    path = config_dir() / "robots" / robot / "driver.yaml"
    if not path.is_file():
        raise ConfigError(
            f"robot {robot} has no driver.yaml in {path.parent}: write one, or bring the robot up "
            "yourself and start with drivers:=false"
        )
    return build(ArmDriver, load_yaml(path), str(path))
