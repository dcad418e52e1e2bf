"""The process environment that ROS nodes need, so that nobody has to source anything.

And so that it does no harm where somebody has: a shell that sources another distribution names
its Python packages and libraries first, which were built for another Python.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from grasp_core.config_folder import config_dir
from grasp_core.errors import ConfigError

_TRANSPORT_CHOICES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_BUILTIN_TRANSPORTS")

_DISTRIBUTION = "jazzy"
_LAST_DOMAIN = 232  # the ports of higher ones do not exist
_SOURCED = "GRASP_SOURCED_ENVIRONMENT"
_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"


def prepare(*, restart: bool = False) -> None:
    """Fill in what a sourced workspace would have set, and set aside what belongs to another ROS.

    Call before the first import of rclpy. In the wheel environment, the virtual environment
    itself is the ament prefix. Discovery stays on this machine unless told otherwise.

    Args:
        restart: Start this program anew where libraries of another ROS would be loaded first:
            the loader reads LD_LIBRARY_PATH when a process begins.
    """
    prefix = Path(sys.prefix)
    libraries_change = False
    if (prefix / "share" / "ament_index").is_dir():
        libraries_change = _set_aside_other_ros()
        _put_first("AMENT_PREFIX_PATH", str(prefix))
        os.environ.setdefault("ROS_LOG_DIR", str(prefix / "log" / "ros"))
        _choose_middleware()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ.setdefault("RCUTILS_COLORIZED_OUTPUT", "0")
    if not any(name in os.environ for name in _TRANSPORT_CHOICES):
        with contextlib.suppress(ConfigError):  # told by whoever needs more of the folder
            os.environ[_TRANSPORT_CHOICES[0]] = str(config_dir() / "fastdds.xml")
    if restart and libraries_change:
        os.execv(sys.executable, sys.orig_argv)


def require_usable() -> None:
    """Check what ROS reads from the environment when it begins; it would not say what is wrong.

    Raises:
        ConfigError: ROS_DOMAIN_ID is out of range, or logs cannot be written.
    """
    domain = os.environ.get("ROS_DOMAIN_ID", "")
    if domain and not (domain.isascii() and domain.isdigit() and int(domain) <= _LAST_DOMAIN):
        raise ConfigError(
            f"ROS_DOMAIN_ID is {domain!r}, must be a whole number from 0 to {_LAST_DOMAIN}: set "
            "another, or unset it"
        )
    log_folder()


def log_folder() -> Path:
    """Where logs are written; made where it is missing.

    Raises:
        ConfigError: It cannot be written, as in a checkout that is read-only.
    """
    folder = Path(os.environ.get("ROS_LOG_DIR") or Path.cwd() / "log")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            f"cannot write logs to {folder}: {error.strerror}; set ROS_LOG_DIR to a folder that "
            "can be written"
        ) from error
    return folder


def sourced_environment() -> dict[str, str]:
    """Environment of programs of a sourced distribution: with what was set aside for ours."""
    variables = dict(os.environ)
    variables.update(json.loads(variables.pop(_SOURCED, "{}")))
    return variables


def _set_aside_other_ros() -> bool:
    """Drop Python packages of another ROS, put its libraries last; whether these have moved."""
    packages, libraries = _entries("PYTHONPATH"), _entries("LD_LIBRARY_PATH")
    kept = [entry for entry in packages if not _is_other_python(entry)]
    own = [entry for entry in libraries if not _is_other_ros(entry)]
    others = [entry for entry in libraries if _is_other_ros(entry)]
    moved = others != libraries[len(own) :]
    if kept == packages and not moved:
        return False
    os.environ[_SOURCED] = json.dumps(
        {"PYTHONPATH": os.pathsep.join(packages), "LD_LIBRARY_PATH": os.pathsep.join(others + own)}
    )
    _set("PYTHONPATH", kept)
    _set("LD_LIBRARY_PATH", [*own, *others])
    dropped = {os.path.abspath(entry) for entry in set(packages) - set(kept)}
    sys.path[:] = [entry for entry in sys.path if entry not in dropped]
    return moved


def _is_other_python(entry: str) -> bool:
    """Whether a folder holds packages of another Python version, or another rclpy."""
    versions = re.findall(r"python\d+\.\d+", entry)
    return any(one != _VERSION for one in versions) or (Path(entry) / "rclpy").is_dir()


def _is_other_ros(entry: str) -> bool:
    """Whether a folder of libraries belongs to a ROS that is not in this environment."""
    own = Path(entry).resolve().is_relative_to(Path(sys.prefix).resolve())
    return not own and (Path(entry) / "librcutils.so").exists()


def _choose_middleware() -> None:
    """Let go of an RMW_IMPLEMENTATION that the wheels do not have, and say so.

    A distribution's is none of our business: the lab has chosen it.
    """
    asked = os.environ.get("RMW_IMPLEMENTATION", "")
    if asked and not _is_installed(asked):
        del os.environ["RMW_IMPLEMENTATION"]
        print(
            f"RMW_IMPLEMENTATION is {asked}, which is not installed here: the default of ROS 2 "
            f"{_DISTRIBUTION.title()} is used",
            file=sys.stderr,
        )


def _is_installed(middleware: str) -> bool:
    """Whether a library of this name is to be found, built for this distribution."""
    folders = [Path(sys.prefix) / "lib"]
    if os.environ.get("ROS_DISTRO", _DISTRIBUTION) == _DISTRIBUTION:
        folders += [Path(entry) / "lib" for entry in _entries("AMENT_PREFIX_PATH")]
        folders += [Path(entry) for entry in _entries("LD_LIBRARY_PATH")]
    return any((folder / f"lib{middleware}.so").is_file() for folder in folders)


def _entries(variable: str) -> list[str]:
    return [entry for entry in os.environ.get(variable, "").split(os.pathsep) if entry]


def _set(variable: str, entries: Iterable[str]) -> None:
    value = os.pathsep.join(entries)
    if value:
        os.environ[variable] = value
    else:
        os.environ.pop(variable, None)


def _put_first(variable: str, path: str) -> None:
    known = _entries(variable)
    if path not in known:
        _set(variable, [path, *known])
