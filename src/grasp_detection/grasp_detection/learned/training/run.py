"""A training run from what was asked for to weights that can be shipped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from grasp_core.config import build, settings_from_texts
from grasp_core.errors import ConfigError
from grasp_detection.datasets.dataset import Dataset
from grasp_detection.datasets.overhead_scenes import OverheadScenes
from grasp_detection.datasets.registry import open_dataset
from grasp_detection.learned.family import Family
from grasp_detection.learned.training.distributed import training_process
from grasp_detection.learned.training.finish import finish
from grasp_detection.learned.training.initial import find_start, kept_trunk
from grasp_detection.learned.training.provenance import origin_of
from grasp_detection.learned.training.request import TrainingRequest
from grasp_detection.learned.training.teacher import Teacher
from grasp_detection.learned.training.trainer import Progress, Trained, Trainer
from grasp_detection.learned.weights import (
    DEFAULT,
    OVERHEAD,
    WeightsError,
    load_weights,
    read_metadata,
)
from grasp_detection.registry import find_learned, resolve, split_label

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Start:
    """What is about to be done, for whoever watches.

    Attributes:
        detector: Name of the detector.
        training: Number of training pictures.
        validation: Number of validation pictures.
        device: Where it computes.
        processes: How many train together.
        out: Folder of the run.
        finished_epochs: Epochs that an interrupted run before has done.
    """

    detector: str
    training: int
    validation: int
    device: str
    processes: int
    out: Path
    finished_epochs: int


@dataclass(frozen=True, eq=False)
class Finished:
    """What came of a run.

    Attributes:
        trained: Its epochs and the best of them.
        metadata: Of the weights.
        weights: Their file.
        labels_skipped: Labels that could not be used: not finite, or no area.
    """

    trained: Trained
    metadata: dict[str, Any]
    weights: Path
    labels_skipped: int


def view_of(request: TrainingRequest, dataset: Dataset) -> dict[str, Any]:
    """What the pictures show, for the metadata.

    Raises:
        ConfigError: A scale was given, and the dataset has another.
    """
    if not isinstance(dataset, OverheadScenes):
        return {"view_m": request.view_m} if request.view_m else {}
    if request.view_m not in (0.0, dataset.view_m):
        raise ConfigError(
            f"--view-m is {request.view_m}, but pictures of {dataset.name} show {dataset.view_m} "
            "m: leave it out"
        )
    return {"view_m": dataset.view_m, "view": OVERHEAD}


def finished_before(request: TrainingRequest) -> bool:
    """Whether the weights that a run would end with are there: of the same command and split.

    Raises:
        ConfigError: No such detector, or the folder cannot be made.
        DatasetError: The split cannot be read.
    """
    path = request.folder(find_learned(request.detector).name) / WEIGHTS
    if not path.exists():
        return False
    try:
        metadata = read_metadata(path)
    except WeightsError:  # killed between the two files
        return False
    same_split = metadata.get("split") == request.read_split().digest
    return same_split and metadata.get("command") == request.command()


def train(
    request: TrainingRequest,
    started: Callable[[Start], None] = lambda start: None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Finished | None:
    """Train, and write weights with their metadata; goes on where an interrupted run ended.

    Args:
        request: What to do.
        started: Told once, before the first epoch.
        report: Told of every step and epoch.

    Returns:
        None in processes that only help.

    Raises:
        ConfigError: No such detector, or values that do not go together.
        DatasetError: The dataset lacks something that is needed.
        TrainingError: The loss is no longer a number, or something cannot be written.
        WeightsError: The initial weights are for another network.
    """
    entry = find_learned(request.detector)
    if entry.family is None:
        return None
    family, detector = entry.family(), resolve(request.detector)
    taught = build(
        family.target_class,
        settings_from_texts(family.target_class, request.taught, "--set"),
        "--set",
    )
    dataset, split = open_dataset(request.dataset, request.root), request.read_split()
    if request.threads:
        torch.set_num_threads(request.threads)
    initial = load_weights(entry.name, request.init) if request.init else None
    trunk = find_start(family, request.trunk, initial)
    family = family.knowing({"trunk": trunk.layout} if trunk else kept_trunk(initial))
    out = request.folder(entry.name)
    with training_process(request.device) as here:
        teacher = _teacher_of(request, family, here.device)
        trainer = Trainer(
            family,
            dataset,
            split,
            request.config,
            request.augment,
            out,
            here,
            taught=taught,
            workers=request.workers,
            initial=initial,
            trunk=trunk,
            teacher=teacher,
        )
        if not here.leads:
            trainer.run()
            return None
        before = trainer.finished_epochs
        origin = origin_of(
            out,
            request.command(),
            str(request.root),
            view_of(request, dataset),
            here,
            initial,
            trunk,
            teacher,
            resumed=before > 0,
        )
        started(
            Start(
                detector,
                len(split.train),
                len(split.validation),
                str(here.device),
                here.size,
                out,
                before,
            )
        )
        trained = trainer.run(report)
        metadata = finish(
            entry.name,
            family,
            trained,
            dataset,
            split,
            request.config,
            request.augment,
            taught,
            origin,
            out / WEIGHTS,
            here.device.type,
        )
    return Finished(trained, metadata, out / WEIGHTS, trainer.labels_skipped)


def _teacher_of(request: TrainingRequest, family: Family, device: torch.device) -> Teacher | None:
    """The network whose answers are learnt; None for none."""
    if not request.teacher:
        return None
    name, weights = split_label(request.teacher)
    entry = find_learned(name)
    if entry.family is None:
        return None
    loaded = load_weights(entry.name, weights or DEFAULT)
    return Teacher.of(entry.family(), loaded, family, request.config, device)
