"""The process environment that ROS nodes need, so that nobody has to source anything."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from grasp_core.config import config_dir
from grasp_core.errors import ConfigError

_TRANSPORT_CHOICES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_BUILTIN_TRANSPORTS")


def prepare() -> None:
    """Fill in what a sourced workspace would have set; never overrides what is set.

    Call before the first import of rclpy. In the wheel environment, the virtual environment
    itself is the ament prefix. Discovery stays on this machine unless told otherwise.
    """
    prefix = Path(sys.prefix)
    if (prefix / "share" / "ament_index").is_dir():
        _put_first("AMENT_PREFIX_PATH", str(prefix))
        os.environ.setdefault("ROS_LOG_DIR", str(prefix / "log" / "ros"))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ.setdefault("RCUTILS_COLORIZED_OUTPUT", "0")
    if not any(name in os.environ for name in _TRANSPORT_CHOICES):
        with contextlib.suppress(ConfigError):  # told by whoever needs more of the folder
            os.environ[_TRANSPORT_CHOICES[0]] = str(config_dir() / "fastdds.xml")


def _put_first(variable: str, path: str) -> None:
    known = [entry for entry in os.environ.get(variable, "").split(os.pathsep) if entry]
    if path not in known:
        os.environ[variable] = os.pathsep.join([path, *known])
