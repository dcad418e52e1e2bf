"""The file from which an interrupted run goes on."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from grasp_core.config import differences
from grasp_detection.learned.training.errors import TrainingError

_FORMAT = 3
_FREE = ("patience", "storage")


def save_checkpoint(path: Path, settings: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: The file.
        settings: What the run is; plain values.
        state: Where it stands; tensors and plain values.

    Raises:
        TrainingError: It cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"format": _FORMAT, "settings": dict(settings), **state}, partial)
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        raise TrainingError(
            f"cannot write {path}: {error}; the same command goes on from the epoch before"
        ) from error


def load_checkpoint(path: Path, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read the state of a run with these settings; None where there is none yet.

    A run that stopped for lack of patience goes on with more: that one may differ, and so may the
    number format of what is written at the end.

    Raises:
        TrainingError: The file is broken, or belongs to a run with other settings.
    """
    if not path.exists():
        return None
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"cannot read {path}: delete it to start again, or give another --out"
        ) from error
    if not isinstance(saved, dict) or saved.get("format") != _FORMAT:
        raise TrainingError(f"{path} is no checkpoint of this version: delete it to start again")
    changed = differences(*(_that_bind(one) for one in (saved["settings"], settings)))
    if changed:
        raise TrainingError(
            f"{path} belongs to another run ({'; '.join(changed)}): give another --out, or delete "
            "it"
        )
    return saved


def _that_bind(settings: Mapping[str, Any]) -> dict[str, Any]:
    """All settings but those that change no step: how many there are, and what is written."""
    return {name: value for name, value in settings.items() if name not in _FREE}
