"""Where the configuration of robots, cells and cameras lies; quick to import."""

from __future__ import annotations

import os
from pathlib import Path

from grasp_core.errors import ConfigError


def config_dir() -> Path:
    """The folder ``config``: of the checkout when run from one, else of the installed stack.

    Raises:
        ConfigError: Neither is there.
    """
    for parent in Path(__file__).resolve().parents:
        if (parent / "config" / "robots").is_dir():
            return parent / "config"
    for prefix in filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)):
        share = Path(prefix) / "share" / "grasp_bringup" / "config"
        if (share / "robots").is_dir():
            return share
    raise ConfigError(
        "no config folder beside the code nor in AMENT_PREFIX_PATH: build grasp_bringup and "
        "source the workspace"
    )
