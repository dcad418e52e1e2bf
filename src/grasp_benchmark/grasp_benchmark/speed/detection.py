"""Detectors timed against each other on the same frames, one after the other in every round.

On a machine that other people use, absolute times drift; what was measured in the same round can
be compared. All learned detectors are therefore given as shares of one of them: GR-ConvNet with 32
channels on torch as it comes, the network that most stacks of this kind run, with an input as
large as the detector's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from grasp_benchmark.speed.memory import peak_mb
from grasp_core.cell import Cell
from grasp_core.errors import MissingDependency
from grasp_core.frame import RgbdFrame
from grasp_core.robot import GripperProfile
from grasp_detection.detector import Detector, StagedDetector, with_depth
from grasp_detection.learned.config import OPENVINO_BF16, RUNTIMES, TORCH
from grasp_detection.learned.weights import find_weights, read_metadata, shipped_names
from grasp_detection.registry import create_detector, detector_names, has_weights, weights_of

REFERENCE = "gr_convnet"
_CPU, _GPU = "cpu", "cuda"
_MB = 1e6
_PAUSE_S = 0.05


@dataclass(frozen=True)
class Candidate:
    """A detector as it is timed.

    Attributes:
        name: In the registry.
        runtime: What carries its network out; empty for one without.
        device: Where.
        settings: Of the detector.
    """

    name: str
    runtime: str
    device: str
    settings: Mapping[str, Any]

    def build(self, gripper: GripperProfile, cell: Cell) -> Detector:
        """The detector."""
        return create_detector(self.name, gripper, self.settings, cell)


def measure_detection(
    frames: Sequence[RgbdFrame],
    gripper: GripperProfile,
    cell: Cell,
    rounds: int,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Time all detectors that have weights, from the frame to ranked grasps.

    With each runtime that is installed, and on a GPU where there is one.

    Args:
        frames: Taken in turn, one in each round.
        gripper: Will hold what is found.
        cell: Whose workspace learned detectors look at.
        rounds: How often each detector runs.
        progress: Told what is going on.

    Returns:
        By detector: ``ms_median``, ``ms_p95``, ``ratio_to_gr_convnet`` (median over the rounds),
        ``peak_mb`` of a process that does nothing else, 10^6 bytes; of learned ones also
        ``runtime``, the quickest in full precision on the CPU, ``runtimes``, ``stages_ms``
        (medians), ``weights``, ``input_px``, ``parameters``, ``weights_mb`` and the ``accuracy``
        that the weights claim, with ``accuracy_on``; and ``gpu``, its figures on the card, against
        the reference on the same card.

    Raises:
        MemoryNotMeasured: The process that measures memory has died or does not answer.
        MissingDependency: torch is not installed.
    """
    progress("building detectors")
    field, built = _installed(_field(), gripper, cell)
    sizes = [_input_px(one, frames[0]) for one in built]
    common = max(set(sizes) - {0}, key=sizes.count)
    keys = [(size or common, one.device) for one, size in zip(field, sizes, strict=True)]
    references = {key: _reference(*key).build(gripper, cell) for key in sorted(set(keys))}
    times, stages = _race([*built, *references.values()], frames, rounds, progress)
    reference_ms = dict(zip(references, times[len(built) :], strict=True))
    figures: dict[str, Any] = {}
    for one, size, key, ms, stage_ms in zip(field, sizes, keys, times, stages, strict=False):
        entry = figures.setdefault(one.name, {"runtimes": {}})
        found = {
            "ms_median": float(np.median(ms)),
            "ms_p95": float(np.percentile(ms, 95)),
            "ratio_to_gr_convnet": float(np.median(ms / reference_ms[key])),
        }
        if one.device == _GPU:
            entry["gpu"] = {"card": torch.cuda.get_device_name(), **found, "stages_ms": stage_ms}
            continue
        if one.runtime:
            entry["runtimes"][one.runtime] = found
        if one.runtime != OPENVINO_BF16 and found["ms_median"] <= entry.get("ms_median", np.inf):
            entry |= found | _about(one, size, stage_ms)
    for name, entry in figures.items():
        progress(f"memory of {name}")
        chosen = next(
            one
            for one in field
            if (one.name, one.runtime, one.device) == (name, entry["runtime"], _CPU)
        )
        entry["peak_mb"] = peak_mb(name, chosen.settings, gripper, cell, frames[0])
    return figures


def _installed(
    field: Iterator[Candidate], gripper: GripperProfile, cell: Cell
) -> tuple[list[Candidate], list[Detector]]:
    """Those whose runtime is installed, and their detectors.

    Raises:
        MissingDependency: Not even torch is.
    """
    able: list[Candidate] = []
    built: list[Detector] = []
    for one in field:
        try:
            built.append(one.build(gripper, cell))
        except MissingDependency:
            if one.runtime == TORCH:
                raise
            continue
        able.append(one)
    return able, built


def _field() -> Iterator[Candidate]:
    """All detectors that have weights, or need none."""
    for name in detector_names():
        if not has_weights(name):
            yield Candidate(name, "", _CPU, {})
        elif shipped_names(name):
            for runtime in RUNTIMES[1:]:
                yield _learned(name, runtime, _CPU)
            if torch.cuda.is_available():
                yield _learned(name, TORCH, _GPU)


def _learned(name: str, runtime: str, device: str) -> Candidate:
    settings = {"weights": weights_of(name, ""), "runtime": runtime, "device": device}
    return Candidate(name, runtime, device, settings)


def _reference(size: int, device: str) -> Candidate:
    """What others are compared with, at a size of the input in pixels."""
    plain = _learned(REFERENCE, TORCH, device)
    return replace(plain, settings={**plain.settings, "input_px": size})


def _input_px(detector: Detector, frame: RgbdFrame) -> int:
    """Side of a learned detector's input, pixels; 0 for others."""
    return detector.input_px(frame) if isinstance(detector, StagedDetector) else 0


def _race(
    detectors: Sequence[Detector],
    frames: Sequence[RgbdFrame],
    rounds: int,
    progress: Callable[[str], None],
) -> tuple[list[np.ndarray[Any, np.dtype[np.float64]]], list[dict[str, float]]]:
    """Milliseconds of each detector in each round, and its stages' median.

    One round to warm up does not count.
    """
    ms = np.zeros((len(detectors), rounds))
    stages: list[list[dict[str, float]]] = [[] for _ in detectors]
    for number in range(-1, rounds):
        progress(f"round {max(0, number + 1)} of {rounds}")
        frame = frames[number % len(frames)]
        for index, detector in enumerate(detectors):
            # Threads of the one before wait awake for a while, and would run against this one.
            time.sleep(_PAUSE_S)
            start = time.perf_counter()
            grasps = detector.detect(frame)
            detected = time.perf_counter()
            with_depth(grasps, frame)
            end = time.perf_counter()
            if number >= 0:
                ms[index, number] = (end - start) * 1000.0
                if isinstance(detector, StagedDetector):
                    depth_ms = (end - detected) * 1000.0
                    stages[index].append({**detector.stage_ms, "depth": depth_ms})
    return list(ms), [
        {stage: float(np.median([one[stage] for one in told])) for stage in told[0]}
        if told
        else {}
        for told in stages
    ]


def _about(one: Candidate, size: int, stage_ms: Mapping[str, float]) -> dict[str, Any]:
    """What a detector is, and its accuracy as its weights have it."""
    if not one.runtime:
        return {"runtime": ""}
    path = find_weights(one.name, str(one.settings["weights"]))
    about = read_metadata(path)
    return {
        "runtime": one.runtime,
        "weights": path.stem,
        "input_px": size,
        "parameters": about["parameters"],
        "weights_mb": path.stat().st_size / _MB,
        "accuracy": about["metrics"]["validation_accuracy"],
        "accuracy_on": f"validation part of {about['root']} ({about['dataset']} layout)",
        "stages_ms": dict(stage_ms),
    }
