"""ROS parameters of a node as a view of its configuration dataclass."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from grasp_core.config import Setting, build, settings_of
from grasp_core.errors import ConfigError, GraspStackError

ConfigT = TypeVar("ConfigT")

_TIME = "use_sim_time"


def describe(about: Setting) -> str:
    """A setting's description with its bounds in words."""
    text = about.description
    if about.choices:
        text += f" (one of {', '.join(about.choices)})"
    if about.minimum is not None:
        text += f" (at least {about.minimum:g})"
    if about.maximum is not None:
        text += f" (at most {about.maximum:g})"
    if about.live:
        text += " (changeable while running)"
    return text


def declare(node: Node, config_class: type[ConfigT], prefix: str = "") -> ConfigT:
    """Declare every field of a configuration class as a parameter and read them all.

    With a prefix, the parameters are named ``prefix.field``.

    Types and bounds are the dataclass's to check, once for YAML and ROS alike; so whole numbers
    serve as floating-point values, and a refusal names the value, the bound and the remedy.

    Raises:
        ConfigError: A value is of the wrong type or out of its bounds.
    """
    for name, (field, about) in settings_of(config_class).items():
        name = f"{prefix}.{name}" if prefix else name
        if not node.has_parameter(name):
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            node.declare_parameter(
                name,
                default,
                ParameterDescriptor(description=describe(about), dynamic_typing=True),
            )
    return read(node, config_class, prefix)


def read(
    node: Node,
    config_class: type[ConfigT],
    prefix: str = "",
    changes: Mapping[str, Any] | None = None,
) -> ConfigT:
    """Read declared parameters into a configuration.

    Args:
        node: Whose parameters.
        config_class: What they are a view of.
        prefix: Group of the parameters.
        changes: Values that some of them are about to have, by full name.

    Raises:
        ConfigError: A value is of the wrong type or out of its bounds.
    """
    hints = typing.get_type_hints(config_class)
    changes = changes or {}
    values: dict[str, Any] = {}
    for name in settings_of(config_class):
        full = f"{prefix}.{name}" if prefix else name
        value = changes[full] if full in changes else node.get_parameter(full).value
        if typing.get_origin(hints[name]) is tuple:
            # ROS hands lists as arrays, and an empty one as nothing. What is no list stays as it
            # is, for the dataclass to refuse by name.
            value = () if value is None else value
            value = value if isinstance(value, str | int | float) else tuple(value)
        values[name] = value
    return build(config_class, values, f"parameters of {node.get_fully_qualified_name()}")


class ParameterJudge:
    """Keeps a node's parameters true: what they say is what the node works with.

    A change is built into the configuration first, whose checks refuse it as they would at the
    start. While the node is configured, only settings declared as live change, and the node is
    told; of the others it is said when they are read.
    """

    def __init__(self, node: Node, on_change: Callable[[Any], None]) -> None:
        """Judge every change from now on.

        Args:
            node: Whose parameters.
            on_change: Takes the new configuration of a class with live settings; may raise to
                refuse it.
        """
        self._node = node
        self._on_change = on_change
        self._classes: dict[str, type] = {}
        self._names: dict[str, tuple[str, Setting]] = {}
        self._is_configured = False
        node.add_on_set_parameters_callback(self._judge)

    def declare(self, config_class: type[ConfigT], prefix: str = "") -> ConfigT:
        """Declare and read a configuration's parameters, see :func:`declare`, and judge them.

        From now on, until :meth:`released`, the node works with what it has read.
        """
        self._is_configured = True
        config = declare(self._node, config_class, prefix)
        self._classes[prefix] = config_class
        for name, (_, about) in settings_of(config_class).items():
            self._names[f"{prefix}.{name}" if prefix else name] = (prefix, about)
        return config

    def released(self) -> None:
        """The node will read its parameters again."""
        self._is_configured = False

    def _judge(self, changes: Sequence[Parameter]) -> SetParametersResult:
        values = {change.name: change.value for change in changes}
        prefixes = {self._names[name][0] for name in values if name in self._names}
        try:
            built: list[Any] = [
                read(self._node, self._classes[prefix], prefix, values) for prefix in prefixes
            ]
            if self._is_configured:
                for name, value in values.items():
                    self._refuse_unless_live(name, value)
                for config in built:
                    self._on_change(config)
        except GraspStackError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _refuse_unless_live(self, name: str, value: Any) -> None:
        # What others declared is theirs to judge, but for node time, which companions share.
        is_live = self._names[name][1].live if name in self._names else name != _TIME
        if is_live or value == self._node.get_parameter(name).value:
            return
        live = sorted(one for one, (_, about) in self._names.items() if about.live)
        raise ConfigError(
            f"{name} is read when {self._node.get_fully_qualified_name()} is configured and "
            f"cannot change to {value!r} now: clean it up and configure it again, or start it "
            f"anew; while it runs {', '.join(live) or 'nothing'} can change"
        )
