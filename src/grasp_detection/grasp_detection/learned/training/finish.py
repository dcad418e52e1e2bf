"""From the outcome of a training run to weights that can be shipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from grasp_core.rectangle import matches
from grasp_detection.datasets.dataset import Dataset
from grasp_detection.datasets.split import Split
from grasp_detection.learned.family import Family, TargetSettings
from grasp_detection.learned.model import LearnedModel
from grasp_detection.learned.score_calibration import Calibration, fit_calibration
from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig
from grasp_detection.learned.training.trainer import Trained
from grasp_detection.learned.weights import Weights, save_weights

_CANDIDATES = 20  # per picture, whose outcomes the calibration is fitted on


def finish(
    detector: str,
    family: Family,
    trained: Trained,
    dataset: Dataset,
    split: Split,
    config: TrainingConfig,
    augment: AugmentConfig,
    taught: TargetSettings,
    origin: Mapping[str, Any],
    path: Path,
    device: str = "auto",
) -> dict[str, Any]:
    """Calibrate on the validation part, and write weights and metadata.

    Args:
        detector: Name of the detector.
        family: Its network.
        trained: Outcome of the run.
        dataset: What it was trained on.
        split: Whose training part it learnt and whose validation part chose the epoch.
        config: Settings of the run.
        augment: Settings of the run.
        taught: Settings of the run.
        origin: Where it comes from: command, revision, versions.
        path: The safetensors file to write; the JSON file lies beside it.
        device: Where to compute.

    Returns:
        The metadata.

    Raises:
        WeightsError: The files cannot be written.
    """
    state = trained.state
    if config.storage == "fp16":
        state = {n: t.half() if t.is_floating_point() else t for n, t in state.items()}
    # Scores only, so any calibration will do until the one that they lead to.
    needed = {
        "detector": detector,
        "modality": config.modality,
        "size": trained.best.size,
        "calibration": Calibration((0.0,), (0.0,)).to_json(),
        **({"measured": trained.measured} if trained.measured else {}),
    }
    weights = Weights(str(path), state, needed)
    model = LearnedModel(detector, family, weights, family.config_class(device=device))
    scores, right = outcomes(model, dataset, split.indices(dataset, "validation"))
    # A network that proposes nothing on any validation picture deserves no trust at all.
    calibration = fit_calibration(scores, right) if scores else Calibration((0.0,), (0.0,))
    metadata: dict[str, Any] = {
        **needed,
        "parameters": model.parameters,
        "calibration": calibration.to_json(),
        "dataset": dataset.name,
        "split": split.digest,
        "split_kind": split.kind,
        "split_seed": split.seed,
        "metrics": {
            "validation_accuracy": round(trained.best.validation_accuracy, 4),
            "validation_pictures": len(split.validation),
            "best_epoch": trained.best.epoch,
            "epochs": len(trained.history),
        },
        "wall_s": round(trained.wall_s, 1),
        "cpu_s": round(trained.cpu_s, 1),
        "training": {**asdict(config), **asdict(taught)},
        "augmentation": asdict(augment),
        **origin,
        "trained_on": sorted(split.train),
        "validated_on": sorted(split.validation),
    }
    save_weights(state, metadata, path)
    return metadata


def outcomes(
    model: LearnedModel, dataset: Dataset, indices: Sequence[int]
) -> tuple[list[float], list[bool]]:
    """Scores of the best candidates of each labelled view, and whether they are right."""
    scores: list[float] = []
    right: list[bool] = []
    for index in indices:
        sample = dataset.load(index)
        if len(sample.grasps):
            ranking = model.rank(sample.color, sample.depth_m, _CANDIDATES, sample.relief_m)
            scores += ranking.score.tolist()
            right += matches(ranking.rows, sample.grasps).tolist()
    return scores, right
