"""From the outcome of a training run to weights that can be shipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from grasp_core.rectangle import matches
from grasp_detection.calibration import Calibration, fit_calibration
from grasp_detection.datasets.dataset import Dataset
from grasp_detection.datasets.split import Split
from grasp_detection.generative.model import GenerativeModel
from grasp_detection.training.config import AugmentConfig, TrainingConfig
from grasp_detection.training.trainer import Trained
from grasp_detection.weights import Weights, save_weights

_CANDIDATES = 5  # per picture, whose outcomes the calibration is fitted on
_IDENTITY = Calibration((0.0, 1.0), (0.0, 1.0))


def finish(
    detector: str,
    trained: Trained,
    dataset: Dataset,
    split: Split,
    config: TrainingConfig,
    augment: AugmentConfig,
    origin: Mapping[str, Any],
    path: Path,
) -> dict[str, Any]:
    """Calibrate on the validation part, and write weights and metadata.

    Args:
        detector: Name of the detector.
        trained: Outcome of the run.
        dataset: What it was trained on.
        split: Whose training part it learnt and whose validation part chose the epoch.
        config: Settings of the run.
        augment: Settings of the run.
        origin: Where it comes from: command, revision, versions.
        path: The safetensors file to write; the JSON file lies beside it.

    Returns:
        The metadata.
    """
    metadata: dict[str, Any] = {
        "detector": detector,
        "modality": config.modality,
        "size": config.size,
        "parameters": _parameters(trained.state),
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
        "training": asdict(config),
        "augmentation": asdict(augment),
        **origin,
        "calibration": _IDENTITY.to_json(),
        "sha256": "",
    }
    model = GenerativeModel(detector, Weights(str(path), trained.state, metadata))
    scores, right = outcomes(model, dataset, split.indices(dataset, "validation"))
    # A network that proposes nothing on any validation picture deserves no trust at all.
    fitted = fit_calibration(scores, right) if scores else Calibration((0.0,), (0.0,))
    metadata["calibration"] = fitted.to_json()
    metadata["trained_on"] = sorted(split.train)
    save_weights(trained.state, metadata, path)
    return metadata


def outcomes(
    model: GenerativeModel, dataset: Dataset, indices: Sequence[int]
) -> tuple[list[float], list[bool]]:
    """Scores of the best candidates of each view, and whether they meet the rectangle metric."""
    scores: list[float] = []
    right: list[bool] = []
    for index in indices:
        sample = dataset.load(index)
        ranking = model.rank(sample.color, sample.depth_m, _CANDIDATES)
        scores += ranking.raw_score.tolist()
        right += matches(ranking.rows, sample.grasps).tolist()
    return scores, right


def _parameters(state: Mapping[str, torch.Tensor]) -> int:
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    return sum(t.numel() for name, t in state.items() if not name.endswith(buffers))
