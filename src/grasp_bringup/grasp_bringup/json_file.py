"""Figures as JSON files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grasp_core.errors import ConfigError


def require_writable(path: Path | None) -> None:
    """Refuse now what could not be written when hours of work are done.

    Args:
        path: File to be written; its folder is made. None for no file.

    Raises:
        ConfigError: It cannot be written.
    """
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}: {error.filename}") from error
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ConfigError(f"cannot write {path}: {'a folder' if path.is_dir() else 'no access'}")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file, and its folder where it is missing.

    Raises:
        ConfigError: It cannot be written.
    """
    require_writable(path)
    try:
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error
