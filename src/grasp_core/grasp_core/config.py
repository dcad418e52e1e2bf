"""Configuration: frozen dataclasses checked when built, filled from YAML or ROS parameters.

A configuration class is a frozen dataclass whose fields are declared with :func:`setting`.
``config/*.yaml`` (in the ROS parameter-file layout) and ROS parameters are two views of it.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from grasp_core.errors import ConfigError

_METADATA_KEY = "grasp_setting"
ConfigT = TypeVar("ConfigT")


@dataclass(frozen=True)
class Setting:
    """What is known of one configuration field besides its name, type and default.

    Attributes:
        description: One sentence with the unit.
        minimum: Smallest valid number; for sequences, of each element.
        maximum: Largest valid number; for sequences, of each element.
        choices: Valid strings; empty for any.
        length: Number of elements of a sequence; None for any.
        live: Whether a running node takes a change; else it is read when the node is configured.
    """

    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    length: int | None = None
    live: bool = False


def setting(
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    length: int | None = None,
    live: bool = False,
) -> Any:
    """Declare a field of a configuration dataclass; see :class:`Setting`."""
    metadata = {_METADATA_KEY: Setting(description, minimum, maximum, choices, length, live)}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def settings_of(config_class: type) -> dict[str, tuple[dataclasses.Field[Any], Setting]]:
    """Fields of a configuration class with their settings, in order."""
    return {
        field.name: (field, field.metadata[_METADATA_KEY])
        for field in dataclasses.fields(config_class)
    }


class Checked:
    """Base of configuration dataclasses: checks every field when built."""

    def __post_init__(self) -> None:
        """Check types and bounds, turn lists into tuples and integers into floats.

        Raises:
            ConfigError: A value is out of its bounds; names the value, the bound, the remedy.
        """
        hints = typing.get_type_hints(type(self))
        for name, (_, about) in settings_of(type(self)).items():
            value = _coerced(name, getattr(self, name), hints[name], about)
            object.__setattr__(self, name, value)


def _coerced(name: str, value: Any, hint: Any, about: Setting) -> Any:
    if typing.get_origin(hint) is dict:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise ConfigError(f"{name} needs a mapping, got {value!r}: {about.description}")
        return dict(value)
    if isinstance(hint, types.GenericAlias) and typing.get_origin(hint) is tuple:
        element = typing.get_args(hint)[0]
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise ConfigError(f"{name} needs a list, got {value!r}: {about.description}")
        if about.length is not None and len(value) != about.length:
            raise ConfigError(
                f"{name} needs {about.length} values, got {len(value)}: {about.description}"
            )
        return tuple(_coerced(f"{name}[{i}]", v, element, about) for i, v in enumerate(value))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ConfigError(
            f"{name} needs a {hint.__name__}, got {value!r} ({type(value).__name__}): "
            f"{about.description}"
        )
    if about.choices and value not in about.choices:
        raise ConfigError(
            f"{name} is {value!r}, must be one of {', '.join(about.choices)}: {about.description}"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{name} is {value}, must be finite: {about.description}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = about.minimum, about.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = f"[{'-inf' if low is None else low}, {'inf' if high is None else high}]"
            raise ConfigError(f"{name} is {value}, must lie in {bounds}: {about.description}")
    return value


def build(config_class: type[ConfigT], values: Mapping[str, Any], source: str) -> ConfigT:
    """Build a configuration from a mapping.

    Args:
        config_class: Frozen dataclass derived from :class:`Checked`.
        values: Field values; missing fields keep their default.
        source: Where the values come from, for messages.

    Raises:
        ConfigError: A key is unknown or a value out of its bounds.
    """
    known = settings_of(config_class)
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigError(
            f"{source}: unknown {', '.join(unknown)}; valid names are {', '.join(known)}"
        )
    try:
        return config_class(**values)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error


def settings_from_texts(config_class: type, texts: Sequence[str], source: str) -> dict[str, Any]:
    """Values of settings given as ``NAME=VALUE``, the value as in YAML.

    Args:
        config_class: Whose settings they are.
        texts: What was given.
        source: Where, for messages.

    Raises:
        ConfigError: A text is no such pair, or names no setting.
    """
    known = settings_of(config_class)
    values: dict[str, Any] = {}
    for text in texts:
        name, is_pair, value = text.partition("=")
        if not is_pair or name not in known:
            raise ConfigError(
                f"{source} is {text!r}, must be NAME=VALUE with one of the names "
                f"{', '.join(known) or '(there are none)'}"
            )
        try:
            values[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"{source} is {text!r}: {value!r} is no value") from error
    return values


def require_relative_names(config: object, *fields: str) -> None:
    """Check fields that hold names of topics or actions.

    Raises:
        ConfigError: One is empty, or absolute and so out of reach of a namespace.
    """
    for field in fields:
        name = getattr(config, field)
        if not name or name.startswith("/"):
            raise ConfigError(
                f"{field} is {name!r}, must be a name without a leading slash: a namespace moves "
                "relative names only"
            )


def load_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        ConfigError: The file is missing, unreadable or no mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must hold a mapping, holds {type(content).__name__}")
    return content


def load_node_config(
    config_class: type[ConfigT], path: Path, node: str, prefix: str = ""
) -> ConfigT:
    """Build a node's configuration from a ROS parameter file (node -> ros__parameters -> values).

    Args:
        config_class: What to build.
        path: The parameter file.
        node: Name of the node.
        prefix: Group of parameters; empty for those without one.

    Raises:
        ConfigError: The file does not hold that node, or a value is wrong.
    """
    content = load_yaml(path)
    names = (f"/**/{node}", node, "/**")  # the first is a node of this name in any namespace
    section = next((content[name] for name in names if name in content), None)
    if not isinstance(section, dict) or not isinstance(section.get("ros__parameters"), dict):
        raise ConfigError(f"{path} has no section {node}: ros__parameters:")
    values = dict(section["ros__parameters"])
    if prefix:
        values = values.get(prefix, {})
    else:
        values = {key: value for key, value in values.items() if not isinstance(value, dict)}
        values.pop("use_sim_time", None)
    return build(config_class, values, f"{path} ({node})")


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two sets of settings, one phrase each, by name."""
    return [
        f"{name} was {before.get(name)!r}, is {now.get(name)!r}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
