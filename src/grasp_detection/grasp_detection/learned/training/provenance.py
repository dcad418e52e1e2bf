"""Where weights come from: command, code, machine, and what they were started from."""

from __future__ import annotations

import contextlib
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from grasp_core.config_folder import config_dir
from grasp_core.errors import ConfigError
from grasp_core.json_file import write_json
from grasp_detection.learned.training.distributed import TrainingProcess
from grasp_detection.learned.training.errors import TrainingError
from grasp_detection.learned.training.teacher import Teacher
from grasp_detection.learned.trunk_files import Trunk
from grasp_detection.learned.weights import Weights

ORIGIN = "origin.json"


def origin_of(
    out: Path,
    command: str,
    root: str,
    view: Mapping[str, Any],
    process: TrainingProcess,
    initial: Weights | None,
    trunk: Trunk | None = None,
    teacher: Teacher | None = None,
    *,
    resumed: bool,
) -> dict[str, Any]:
    """Where a run comes from: the code as it was at the start, the command as it is now.

    Args:
        out: Folder of the run, which keeps it.
        command: What to type to train the same again.
        root: Folder of the dataset.
        view: What the pictures show: ``view`` and ``view_m``, where these are known.
        process: Where it is computed.
        initial: Weights that it started from.
        trunk: Trunk that it started from.
        teacher: Network that it learns from.
        resumed: Whether the run goes on.

    Raises:
        TrainingError: The run began with another ``view_m``.
    """
    path = out / ORIGIN
    if resumed:
        with contextlib.suppress(json.JSONDecodeError, UnicodeError, OSError):
            before = dict(json.loads(path.read_text(encoding="utf-8")))
            given = view.get("view_m", 0.0)
            if (began := before.get("view_m", 0.0)) != given:
                raise TrainingError(
                    f"--view-m is {given}, but the run in {out} began with {began}: give "
                    "that, or another --out"
                )
            if before["command"] != command:  # of more patience, say
                before["command"] = command
                write_json(path, before)
            return before
    origin = {
        "command": command,
        "root": root,
        **_history_of(initial, teacher),
        **({} if trunk is None else {"trunk": dict(trunk.about)}),
        **view,
        "revision": revision(),
        "device": _device_name(process.device),
        "processes": process.size,
        "torch": torch.__version__,
    }
    write_json(path, origin)
    return origin


def portable(path: Path) -> str:
    """A path below the checkout as seen from there; else the file's name alone."""
    absolute = path.resolve()
    try:
        home = config_dir().parent
    except ConfigError:
        return path.name
    return str(absolute.relative_to(home)) if absolute.is_relative_to(home) else path.name


def revision() -> str:
    """Commit of the code, with a mark where the code, not a document, differs from it."""
    commit = _git("describe", "--always", "--abbrev=12")
    changed = _git("status", "--porcelain", "--", _code_folder().as_posix())
    return f"{commit}{'-dirty' if changed else ''}" if commit else "unknown"


def _code_folder() -> Path:
    """The folder of all packages, where this is a checkout."""
    return Path(__file__).resolve().parents[4]


def _git(*words: str) -> str:
    """What a git command prints; empty where there is no git or no repository."""
    home = Path(__file__).resolve().parent
    try:
        done = subprocess.run(
            ["git", *words], cwd=home, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()


def _history_of(initial: Weights | None, teacher: Teacher | None) -> dict[str, Any]:
    """Commands and time that led to the weights a run starts from, and what was seen before it."""
    history: dict[str, Any] = {}
    if initial is not None:
        about: Mapping[str, Any] = initial.metadata
        history = {
            "init_sha256": about["sha256"],
            "init_commands": [*about.get("init_commands", []), about.get("command", "unknown")],
            **{
                f"init_{key}": float(about.get(f"init_{key}", 0.0)) + float(about.get(key, 0.0))
                for key in ("wall_s", "cpu_s")
            },
            **({"trunk": about["trunk"]} if "trunk" in about else {}),
        }
    if teacher is not None:
        history["teacher"] = teacher.about
    before = [initial, None if teacher is None else teacher.weights]
    if seen := _seen_by([weights for weights in before if weights is not None]):
        history["init_seen"] = {name: sorted(pictures) for name, pictures in sorted(seen.items())}
    return history


def _seen_by(several: Sequence[Weights]) -> dict[str, set[str]]:
    """Pictures by dataset that weights have learnt from or were chosen by."""
    seen: dict[str, set[str]] = {}
    for weights in several:
        about = weights.metadata
        for name, pictures in about.get("init_seen", {}).items():
            seen.setdefault(name, set()).update(pictures)
        own = {*about.get("trained_on", ()), *about.get("validated_on", ())}
        seen.setdefault(about.get("dataset", "unknown"), set()).update(own)
    return seen


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"CPU {platform.machine()}, {torch.get_num_threads()} thread(s)"
