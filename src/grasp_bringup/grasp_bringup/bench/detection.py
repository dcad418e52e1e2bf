"""Detectors timed against each other on the same frames, one after the other in every round.

On a machine that other people use, absolute times drift; what was measured in the same round can
be compared. All learned detectors are therefore given as shares of one of them: GR-ConvNet with 32
channels on torch as it comes, the network that most stacks of this kind run, with an input as
large as the detector's own.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from grasp_bringup.stack import detector_values
from grasp_bringup.workspace_view import Square
from grasp_core.errors import GraspStackError
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
_MEMORY_FRAMES = 3
_MIB = 1024.0**2
_PAUSE_S = 0.05


class MemoryNotMeasured(GraspStackError):
    """The process that measures memory has ended without an answer."""


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
    """Time all detectors that have what they need, from the frame to ranked grasps.

    Args:
        frames: Taken in turn, one in each round.
        robot: Whose gripper will hold.
        view: Part of the picture that learned detectors see.
        rounds: How often each detector runs.
        progress: Told what is going on.

    Returns:
        By detector: ``ms_median``, ``ms_p95``, ``ratio_to_gr_convnet`` (median over the rounds),
        ``peak_mb`` of a process that does nothing else; of learned ones also ``runtime``, the
        quickest in full precision, ``runtimes``, ``stages_ms``, ``weights``, ``input_px``,
        ``parameters``, ``weights_mb`` and the ``accuracy`` that the weights claim, with
        ``accuracy_on``.

    Raises:
        MemoryNotMeasured: The process that measures memory has died.
    """
    gripper = load_robot(robot).gripper
    with TemporaryDirectory() as folder:
        field = list(_field(view, Path(folder)))
        progress("building detectors")
        built = [one.build(gripper) for one in field]
        references = _references(built, field, frames[0], gripper, view, Path(folder))
        times = _race(built + list(references.values()), frames, rounds, progress)
        reference_ms = dict(zip(references, times[len(built) :], strict=True))
        figures: dict[str, Any] = {}
        sizes = [_input_px(one, frames[0]) for one in built]
        common = max(set(sizes) - {0}, key=sizes.count)
        for one, detector, size, ms in zip(field, built, sizes, times, strict=False):
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
                entry |= found | _about(one, detector, size)
        for name, entry in figures.items():
            progress(f"memory of {name}")
            chosen = next(
                one for one in field if (one.name, one.runtime) == (name, entry["runtime"])
            )
            entry["peak_mb"] = peak_mb(chosen, robot, frames[0])
        return figures


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
) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    """Milliseconds of each detector in each round, after one to warm up that does not count."""
    ms = np.zeros((len(detectors), rounds))
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
    return list(ms)


def _about(one: Contestant, detector: Detector, size: int) -> dict[str, Any]:
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
        "stages_ms": dict(detector.stage_ms),
    }


def peak_mb(contestant: Contestant, robot: str, frame: RgbdFrame) -> float:
    """Most memory that a process holds which does nothing but detect, MiB.

    Raises:
        MemoryNotMeasured: It has died.
    """
    # Not forked: a copy of this process would begin with its memory.
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    child = context.Process(
        target=_tell_peak, args=(theirs, contestant, robot, frame), daemon=True
    )
    with _ended(child):
        theirs.close()
        try:
            return float(mine.recv())
        except EOFError as error:
            raise MemoryNotMeasured(
                f"the process that measures the memory of {contestant.name} died"
            ) from error


@contextmanager
def _ended(process: Any) -> Iterator[None]:
    process.start()
    try:
        yield
    finally:
        process.join(timeout=10.0)
        process.kill()


def _tell_peak(pipe: Connection, one: Contestant, robot: str, frame: RgbdFrame) -> None:
    detector = one.build(load_robot(robot).gripper)
    for _ in range(_MEMORY_FRAMES):
        with_depth(detector.detect(frame), frame)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    pipe.send(float(line.split()[1]) / 1024.0)
