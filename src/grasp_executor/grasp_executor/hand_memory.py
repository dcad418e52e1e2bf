"""What outlives the executor: the empty width of a hand, in a small file by robot and hand."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

from grasp_core.errors import GripperFailed
from grasp_core.json_file import write_json

AGREE_M = 0.0005
"""Measurements of the empty width that differ by more contradict each other."""

_CLOSED_M = 0.002  # referenced fingers meet closer to zero than this


def state_file(state_dir: str, robot: str, hand: str) -> Path:
    """File of a robot with a hand.

    Args:
        state_dir: Folder; empty for ``grasp_stack`` in the user's folder for state
            (``XDG_STATE_HOME``, else ``~/.local/state``).
        robot: Folder under ``config/robots``.
        hand: File under ``config/grippers``.
    """
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    folder = Path(state_dir).expanduser() if state_dir else Path(home) / "grasp_stack"
    return folder / f"{robot}-{hand}.json"


class EmptyWidthMemory:
    """Gap of the closed, empty jaws: measured once, compared ever after.

    Attributes:
        gap_m: The remembered gap, metres; None until one was measured.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Read what is remembered.

        Args:
            path: File that keeps it; None forgets it with this object.

        Raises:
            GripperFailed: The file cannot be read or holds something else.
        """
        self._path = path
        self.gap_m: float | None = None
        if path is not None and path.exists():
            try:
                self.gap_m = float(json.loads(path.read_text(encoding="utf-8"))["empty_gap_m"])
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise GripperFailed(
                    f"{path} should hold the hand's empty width: {error}; see that the hand is "
                    "empty and take the file away, then it is measured anew"
                ) from error
            _require_closed(self.gap_m)

    def learn(self, gap_m: float) -> None:
        """Take a measurement: the first is remembered, later ones must agree.

        Args:
            gap_m: Metres, of jaws that were seen wide open and then closed on nothing.

        Raises:
            GripperFailed: It contradicts the remembered one, is no closed hand's, or cannot be
                written.
        """
        _require_closed(gap_m)
        if self.gap_m is None:
            self._write(gap_m)
            self.gap_m = gap_m
        elif not abs(gap_m - self.gap_m) <= AGREE_M:
            where = f" in {self._path}" if self._path else ""
            raise GripperFailed(
                f"the empty hand closes to {gap_m * 1000:.2f} mm, remembered{where} are "
                f"{self.gap_m * 1000:.2f} mm; they may differ by {AGREE_M * 1000:.1f} mm: see "
                "what is between the fingers, or home the hand; if they were changed, take the "
                "file away"
            )

    def _write(self, gap_m: float) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self._path, {"empty_gap_m": gap_m})
        except OSError as error:
            raise GripperFailed(
                f"cannot remember the empty width in {self._path}: {error.strerror}; name a "
                "folder that can be written as state_dir"
            ) from error


def _require_closed(gap_m: float) -> None:
    if not (math.isfinite(gap_m) and abs(gap_m) <= _CLOSED_M):
        raise GripperFailed(
            f"the empty gripper closes to {gap_m * 1000:.1f} mm, expected at most "
            f"{_CLOSED_M * 1000:.0f} mm: take out what it holds, or home it"
        )
