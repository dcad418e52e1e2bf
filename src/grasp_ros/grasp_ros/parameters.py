"""ROS parameters of a node as a view of its configuration dataclass."""

from __future__ import annotations

import typing
from typing import Any, TypeVar

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node

from grasp_core.config import Setting, build, settings_of

ConfigT = TypeVar("ConfigT")


def describe(about: Setting) -> str:
    """A setting's description with its bounds in words."""
    text = about.description
    if about.choices:
        text += f" (one of {', '.join(about.choices)})"
    if about.minimum is not None:
        text += f" (at least {about.minimum:g})"
    if about.maximum is not None:
        text += f" (at most {about.maximum:g})"
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


def read(node: Node, config_class: type[ConfigT], prefix: str = "") -> ConfigT:
    """Read declared parameters into a configuration.

    Raises:
        ConfigError: A value is of the wrong type or out of its bounds.
    """
    hints = typing.get_type_hints(config_class)
    values: dict[str, Any] = {}
    for name in settings_of(config_class):
        value = node.get_parameter(f"{prefix}.{name}" if prefix else name).value
        if typing.get_origin(hints[name]) is tuple:
            # ROS hands lists as arrays, and an empty one as nothing. What is no list stays as it
            # is, for the dataclass to refuse by name.
            value = () if value is None else value
            value = value if isinstance(value, str | int | float) else tuple(value)
        values[name] = value
    return build(config_class, values, f"parameters of {node.get_fully_qualified_name()}")
