"""Which code a benchmark was measured with, so that figures of two versions do not mix."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from grasp_core.config import config_dir

_PACKAGES = ("grasp_core", "grasp_detection", "grasp_executor", "grasp_sim")
_NO_PART = {"datasets", "evaluation", "training", "synthesis"}  # nothing that a trial runs
_ONLY_SHOWN = {"intervals.py", "page.py", "plots.py", "figures.py", "table.py", "too_wide.py"}
_LENGTH = 16


def code_digest() -> str:
    """Digest of everything that a trial runs: sources without ROS, and the robot and its cell."""
    files = list(trial_sources())
    for name in ("robots", "cells"):
        files += [path for path in (config_dir() / name).rglob("*") if path.is_file()]
    return digest_of(files)


def trial_sources() -> Iterator[Path]:
    """Sources that a trial runs."""
    here = Path(__file__).parent
    yield from (path for path in here.glob("*.py") if path.name not in _ONLY_SHOWN)
    yield here.parent / "in_process.py"
    for package in _PACKAGES:
        yield from _sources(package)


def digest_of(files: Iterable[Path]) -> str:
    """Digest of the names and contents of files, whatever their order and wherever they lie."""
    parts = sorted(
        f"{path.parent.name}/{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in files
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_LENGTH]


def _sources(package: str) -> Iterator[Path]:
    found = find_spec(package)
    for root in (found.submodule_search_locations or ()) if found else ():
        for path in Path(root).rglob("*.py"):
            is_ros = path.name.startswith(("ros_", "node"))
            if not is_ros and not _NO_PART & set(path.relative_to(root).parts):
                yield path
