"""How much of the processor the detector takes: a robot's control loop may share the machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import cv2

from grasp_core.errors import ConfigError

_AS_MANY_AS_THERE_ARE = -1
_TASKS = Path("/proc/self/task")
_AT_START = frozenset(os.sched_getaffinity(0))


def limit_processor(threads: int, cpus: Sequence[int], *, with_torch: bool) -> None:
    """Bind this process to CPUs, and limit the threads of the libraries that compute.

    Holds for every thread of the process that there is, and for those that they start. Runtimes
    of learned detectors take as many threads as torch when they are built, so call it before.

    Args:
        threads: Of each library; 0 for as many as there are CPUs to run on.
        cpus: To run on; empty for those that the process was started with.
        with_torch: Whether the detector computes with torch, which takes seconds to import.

    Raises:
        ConfigError: The process may not use one of the CPUs.
    """
    if missing := sorted(set(cpus) - _AT_START):
        raise ConfigError(
            f"cpu_affinity names CPU {', '.join(map(str, missing))}, this process may use "
            f"{', '.join(map(str, sorted(_AT_START)))}: name some of these, or none for all"
        )
    _bind(frozenset(cpus) or _AT_START)
    limit = threads or len(cpus)
    cv2.setNumThreads(limit or _AS_MANY_AS_THERE_ARE)
    if with_torch:
        import torch

        torch.set_num_threads(limit or len(_AT_START))


def _bind(cpus: frozenset[int]) -> None:
    """Bind the threads of this process; one that ends meanwhile needs none."""
    for task in list(_TASKS.iterdir()):
        try:
            os.sched_setaffinity(int(task.name), cpus)
        except ProcessLookupError:
            continue
