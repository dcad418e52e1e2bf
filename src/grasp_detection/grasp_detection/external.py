"""Detectors from outside this tree: a class in a file, or an entry point of a package.

The class is either a detector, built as ``CLASS(gripper, config, cell)`` with its settings in
``CLASS.config_class`` (a dataclass derived from :class:`grasp_core.config.Checked`; without one it
has no settings), or a :class:`grasp_detection.learned.family.Family`, which makes it a learned
detector with everything that the stack's own ones can do.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import re
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from grasp_core.config import Checked
from grasp_core.errors import ConfigError
from grasp_detection.entry import Entry
from grasp_detection.learned.members import learned_entry

GROUP = "grasp_detection.detectors"
_FILE_NAME = re.compile(r"(?P<file>.+\.py):(?P<attribute>[A-Za-z_]\w*)")


@dataclass(frozen=True)
class NoSettings(Checked):
    """The settings of a detector that has none."""


def is_file_name(name: str) -> bool:
    """Whether a detector is named by its file and class."""
    return _FILE_NAME.fullmatch(name) is not None


def entry_from_file(name: str) -> tuple[str, Entry]:
    """A detector named ``FILE.py:CLASS``.

    Returns:
        The name with the file's whole path, and the entry.

    Raises:
        ConfigError: No such file or class, or the file cannot be run.
    """
    match = _FILE_NAME.fullmatch(name)
    if match is None:
        raise ConfigError(f"{name!r} is not FILE.py:CLASS")
    path, attribute = Path(match["file"]).expanduser().resolve(), match["attribute"]
    module = _module_of(path)
    if not hasattr(module, attribute):
        raise ConfigError(f"{path} has no class {attribute}: name one that it defines")
    found = getattr(module, attribute)
    own = str(getattr(found, "name", "") or _snake_case(attribute))
    return f"{path}:{attribute}", _entry(own, found, f"{path}:{attribute}")


def installed_names() -> list[str]:
    """Detectors that installed packages offer."""
    return [point.name for point in entry_points(group=GROUP)]


@functools.cache
def installed_entry(name: str) -> Entry:
    """A detector that an installed package offers.

    Raises:
        ConfigError: There is none of that name, or its package cannot be loaded.
    """
    for point in entry_points(group=GROUP, name=name):
        try:
            found = point.load()
        except Exception as error:  # foreign code
            raise ConfigError(
                f"detector {name}, entry point {point.value}, cannot be loaded: {error}; repair "
                "or uninstall its package"
            ) from error
        return _entry(name, found, f"entry point {point.value}")
    raise ConfigError(f"no installed package offers a detector {name!r}")


@functools.cache
def _module_of(path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigError(f"no file {path}: a detector of your own is named FILE.py:CLASS")
    name = f"detector_file_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # foreign code
        del sys.modules[name]
        raise ConfigError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    return module


def _entry(name: str, found: Any, where: str) -> Entry:
    config_class: Any = getattr(found, "config_class", NoSettings)
    if callable(getattr(found, "losses", None)):
        # Imported with torch already, or the class could not have been derived from it.
        return learned_entry(
            name, name, config_class, lambda: found() if isinstance(found, type) else found
        )
    if not callable(getattr(found, "detect", None)):
        raise ConfigError(
            f"{where} is no detector: it needs a method detect(frame), or must be a Family"
        )
    return Entry(name, name, config_class, found)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
