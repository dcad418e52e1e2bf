"""How much memory a detector needs, in a process that does nothing else.

Nothing here imports torch: what needs none is measured without it.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from grasp_core.cell import Cell
from grasp_core.errors import GraspStackError
from grasp_core.frame import RgbdFrame
from grasp_core.robot import GripperProfile
from grasp_detection.detector import with_depth
from grasp_detection.registry import create_detector

_FRAMES = 3
_PATIENCE_S = 120.0
_KIB_PER_MB = 1e6 / 1024.0


class MemoryNotMeasured(GraspStackError):
    """The process that measures memory has ended without an answer, or does not answer."""


def peak_mb(
    detector: str,
    settings: Mapping[str, Any],
    gripper: GripperProfile,
    cell: Cell,
    frame: RgbdFrame,
) -> float:
    """Most memory that a process holds which does nothing but detect, 10^6 bytes.

    Args:
        detector: Name in the registry.
        settings: Of the detector.
        gripper: Will hold what is found.
        cell: Whose workspace is looked at.
        frame: What it detects in.

    Raises:
        MemoryNotMeasured: The process has died or takes too long.
    """
    # Not forked: a copy of this process would begin with its memory.
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    child = context.Process(
        target=_tell_peak,
        args=(theirs, detector, dict(settings), gripper, cell, frame),
        daemon=True,
    )
    with _ended(child):
        theirs.close()
        try:
            if mine.poll(_PATIENCE_S):
                return float(mine.recv())
        except EOFError as error:
            raise MemoryNotMeasured(
                f"the process that measures the memory of {detector} died"
            ) from error
        raise MemoryNotMeasured(
            f"the process that measures the memory of {detector} has not answered for "
            f"{_PATIENCE_S:.0f} s"
        )


@contextmanager
def _ended(process: Any) -> Iterator[None]:
    process.start()
    try:
        yield
    finally:
        process.join(timeout=1.0)
        process.kill()


def _tell_peak(
    pipe: Connection,
    name: str,
    settings: Mapping[str, Any],
    gripper: GripperProfile,
    cell: Cell,
    frame: RgbdFrame,
) -> None:
    detector = create_detector(name, gripper, settings, cell)
    for _ in range(_FRAMES):
        with_depth(detector.detect(frame), frame)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    pipe.send(float(line.split()[1]) / _KIB_PER_MB)
