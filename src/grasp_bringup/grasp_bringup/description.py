"""What a stack is made of: our own nodes, and somebody else's drivers beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grasp_core.errors import ConfigError


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
        namespace: Of the node; empty for none.
    """

    package: str
    executable: str
    module: str
    name: str
    parameter_file: Path
    parameters: dict[str, Any] = field(default_factory=dict)
    remappings: dict[str, str] = field(default_factory=dict)
    lifecycle: bool = False
    namespace: str = ""


@dataclass(frozen=True)
class DriverDescription:
    """Somebody else's driver in a stack, from a ROS distribution or a workspace.

    Attributes:
        name: Node name of an executable; of a launch file what this entry is called.
        package: ROS package.
        executable: Its executable; empty where a launch file starts it.
        launch_file: Its launch file; empty where an executable is started.
        parameters: Parameters of the executable, or arguments of the launch file.
        remappings: Topic names, from -> to.
        namespace: Of its nodes; empty for none.
        arguments: Words on the command line of the executable.
        parameter_file: YAML file with more parameters of the executable; None for none.
        ends: Whether the executable ends when it has done its work, as a spawner does.
    """

    name: str
    package: str
    executable: str = ""
    launch_file: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    remappings: Mapping[str, str] = field(default_factory=dict)
    namespace: str = ""
    arguments: tuple[str, ...] = ()
    parameter_file: Path | None = None
    ends: bool = False

    def __post_init__(self) -> None:
        """Check that it names one thing to start.

        Raises:
            ConfigError: It names none or two.
        """
        if bool(self.executable) == bool(self.launch_file):
            raise ConfigError(
                f"driver {self.name} needs either an executable or a launch_file, got "
                f"{self.executable!r} and {self.launch_file!r}"
            )


StackEntry = NodeDescription | DriverDescription


def as_text(value: object) -> str:
    """A value as the text of a launch argument: booleans in small letters."""
    return str(value).lower() if isinstance(value, bool) else str(value)
