"""Figures as JSON files."""

from __future__ import annotations

import json
import math
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
    """Write a file whole or not at all, and its folder where it is missing.

    What a link leads to, and what is no file, is written to as it is.

    Raises:
        ConfigError: It cannot be written.
    """
    require_writable(path)
    text = json.dumps(content, indent=2) + "\n"
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):  # /dev/stdout, say
            path.write_text(text, encoding="utf-8")
            return
        partial = path.with_name(f"{path.name}.partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error


def finite_or_none(value: float) -> float | None:
    """A number for JSON, which knows no NaN."""
    return float(value) if math.isfinite(value) else None
