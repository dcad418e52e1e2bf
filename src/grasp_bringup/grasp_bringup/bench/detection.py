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
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from grasp_bringup.bench.memory import peak_mb
from grasp_bringup.stack import detector_values
from grasp_bringup.workspace_view import Square
from grasp_core.errors import MissingDependency
from grasp_core.frame import RgbdFrame
from grasp_core.robot import GripperProfile, load_robot
from grasp_detection.detector import Detector, with_depth
from grasp_detection.generative.config import RUNTIMES
from grasp_detection.generative.detector import GenerativeDetector
from grasp_detection.generative.inputs import channels_of
from grasp_detection.networks.registry import find_network
from grasp_detection.networks.runtime import OPENVINO_BF16, TORCH
from grasp_detection.registry import create_detector, detector_names, has_weights
from grasp_detection.weights import (
    DEFAULT,
    default_weights,
    find_weights,
    read_metadata,
    save_weights,
    shipped_names,
)

REFERENCE = "gr_convnet"
_CPU = "cpu"
_MIB = 1024.0**2
_PAUSE_S = 0.05


@dataclass(frozen=True)
class Contestant:
    """A detector as it is measured.

    Attributes:
        name: In the registry.
        runtime: What carries its network out; empty for one without.
        settings: Of the detector.
    """

    name: str
    runtime: str
    settings: Mapping[str, Any]

    def build(self, gripper: GripperProfile) -> Detector:
        """The detector."""
        return create_detector(self.name, gripper, self.settings)


def measure_detection(
    frames: Sequence[RgbdFrame],
    robot: str,
    view: Square,
    rounds: int,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Time all detectors that have weights, from the frame to ranked grasps.

    With each runtime that is installed.

    Args:
        frames: Taken in turn, one in each round.
        robot: Whose gripper will hold.
        view: Part of the picture that learned detectors see.
        rounds: How often each detector runs.
        progress: Told what is going on.

    Returns:
        By detector: ``ms_median``, ``ms_p95``, ``ratio_to_gr_convnet`` (median over the rounds),
        ``peak_mb`` of a process that does nothing else; of learned ones also ``runtime``, the
        quickest in full precision, ``runtimes``, ``stages_ms`` (medians), ``weights``,
        ``input_px``, ``parameters``, ``weights_mb`` and the ``accuracy`` that the weights claim,
        with ``accuracy_on``.

    Raises:
        MemoryNotMeasured: The process that measures memory has died or does not answer.
        MissingDependency: torch is not installed.
    """
    gripper = load_robot(robot).gripper
    with TemporaryDirectory() as folder:
        progress("building detectors")
        field, built = _installed(_field(view, Path(folder)), gripper)
        references = _references(built, field, frames[0], gripper, view, Path(folder))
        times, stages = _race(built + list(references.values()), frames, rounds, progress)
        reference_ms = dict(zip(references, times[len(built) :], strict=True))
        figures: dict[str, Any] = {}
        sizes = [_input_px(one, frames[0]) for one in built]
        common = max(set(sizes) - {0}, key=sizes.count)
        for one, detector, size, ms, stage_ms in zip(
            field, built, sizes, times, stages, strict=False
        ):
            entry = figures.setdefault(one.name, {"runtimes": {}})
            found = {
                "ms_median": float(np.median(ms)),
                "ms_p95": float(np.percentile(ms, 95)),
                "ratio_to_gr_convnet": float(np.median(ms / reference_ms[size or common])),
            }
            if one.runtime:
                entry["runtimes"][one.runtime] = found
            if one.runtime != OPENVINO_BF16 and found["ms_median"] <= entry.get(
                "ms_median", np.inf
            ):
                entry |= found | _about(one, detector, size, stage_ms)
        for name, entry in figures.items():
            progress(f"memory of {name}")
            chosen = next(
                one for one in field if (one.name, one.runtime) == (name, entry["runtime"])
            )
            entry["peak_mb"] = peak_mb(name, chosen.settings, robot, frames[0])
        return figures


def _installed(
    field: Iterator[Contestant], gripper: GripperProfile
) -> tuple[list[Contestant], list[Detector]]:
    """Those whose runtime is installed, and their detectors.

    Raises:
        MissingDependency: Not even torch is.
    """
    able: list[Contestant] = []
    built: list[Detector] = []
    for one in field:
        try:
            built.append(one.build(gripper))
        except MissingDependency:
            if one.runtime == TORCH:
                raise
            continue
        able.append(one)
    return able, built


def _field(view: Square, folder: Path) -> Iterator[Contestant]:
    for name in detector_names():
        if not has_weights(name):
            yield Contestant(name, "", {})
        elif shipped_names(name):
            values = detector_values(name, DEFAULT, view)
            for runtime in RUNTIMES[1:]:
                settings = {**values, "runtime": runtime, "device": _CPU}
                yield Contestant(name, runtime, settings)
            if torch.cuda.is_available():
                settings = {**values, "runtime": TORCH, "device": "cuda"}
                yield Contestant(name, torch.cuda.get_device_name(), settings)
        elif name == REFERENCE:
            settings = {**_drawn(name, view, folder), "runtime": TORCH, "device": _CPU}
            yield Contestant(name, TORCH, settings)


def _drawn(name: str, view: Square, folder: Path) -> dict[str, Any]:
    """Settings of a detector with weights drawn by chance: as slow as with learned ones."""
    about = read_metadata(find_weights("dsc_graspnet", DEFAULT))
    torch.manual_seed(0)
    network = find_network(name).build(channels_of(about["modality"]), 0.0)
    path = folder / f"{name}.safetensors"
    kept = {key: about[key] for key in ("modality", "size", "view_m", "calibration")}
    save_weights(network.state_dict(), {"detector": name, **kept}, path)
    return {"weights": str(path), "window_px": list(view)}


def _references(
    built: Sequence[Detector],
    field: Sequence[Contestant],
    frame: RgbdFrame,
    gripper: GripperProfile,
    view: Square,
    folder: Path,
) -> dict[int, Detector]:
    """The reference by size of its input, pixels: one for each size that occurs."""
    settings = next(one.settings for one in field if one.name == REFERENCE)
    plain = Contestant(REFERENCE, TORCH, {**settings, "runtime": TORCH, "device": _CPU})
    sizes = sorted({_input_px(one, frame) for one in built} - {0})
    return {
        size: replace(plain, settings={**plain.settings, "input_px": size}).build(gripper)
        for size in sizes
    }


def _input_px(detector: Detector, frame: RgbdFrame) -> int:
    """Side of a learned detector's input, pixels; 0 for others."""
    return detector.window(frame).size if isinstance(detector, GenerativeDetector) else 0


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
            with_depth(detector.detect(frame), frame)
            if number >= 0:
                ms[index, number] = (time.perf_counter() - start) * 1000.0
                if isinstance(detector, GenerativeDetector):
                    stages[index].append(dict(detector.stage_ms))
    return list(ms), [
        {stage: float(np.median([one[stage] for one in told])) for stage in told[0]}
        if told
        else {}
        for told in stages
    ]


def _about(
    one: Contestant, detector: Detector, size: int, stage_ms: Mapping[str, float]
) -> dict[str, Any]:
    """What a detector is, and its accuracy as its weights have it."""
    if not isinstance(detector, GenerativeDetector):
        return {"runtime": ""}
    path = find_weights(one.name, str(one.settings["weights"]))
    about = read_metadata(path)
    metrics = about.get("metrics", {})
    weights = one.settings["weights"]
    return {
        "runtime": one.runtime,
        "weights": default_weights(one.name) if weights == DEFAULT else path.stem,
        "input_px": size,
        "parameters": about.get("parameters"),
        "weights_mb": path.stat().st_size / _MIB,
        "accuracy": metrics.get("validation_accuracy"),
        "accuracy_on": f"validation pictures, {about['dataset']}" if metrics else None,
        "stages_ms": dict(stage_ms),
    }
