"""A trained network whose answers another one learns, beside the labels.

A label names one place among many where an object can be held; a teacher that has seen more than
the training pictures (its trunk has) answers for every pixel of each varied picture.

Source: Hinton et al., Distilling the Knowledge in a Neural Network, 2015.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from grasp_core.errors import ConfigError
from grasp_detection.learned.family import Family
from grasp_detection.learned.inputs import channels_of
from grasp_detection.learned.training.config import TrainingConfig
from grasp_detection.learned.weights import Weights

TAUGHT = "taught_"  # before the names of losses against the teacher's answers


@dataclass(frozen=True, eq=False)
class Teacher:
    """A network to learn from.

    Attributes:
        family: What the network is.
        weights: Its weights and where they come from.
        network: In evaluation mode; it does not learn.
        share: What its answers count, the labels counting the rest, in (0, 1].
    """

    family: Family
    weights: Weights
    network: nn.Module
    share: float

    @classmethod
    def of(
        cls,
        family: Family,
        weights: Weights,
        pupil: Family,
        config: TrainingConfig,
        device: torch.device,
    ) -> Teacher:
        """Build the network.

        Args:
            family: Of the teacher.
            weights: Of the teacher.
            pupil: Who learns.
            config: Of the pupil's training.
            device: Where to compute.

        Raises:
            ConfigError: The pupil cannot learn from it.
            WeightsError: The weights are for another network.
        """
        if not (pupil.answers_are_targets and pupil.outputs == family.outputs):
            raise ConfigError(
                f"--teacher: {pupil.network_name} cannot learn from the answers of "
                f"{family.network_name}; both must answer with grasp maps"
            )
        metadata = weights.metadata
        if metadata["modality"] != config.modality:
            raise ConfigError(
                f"--teacher: {weights.name} sees {metadata['modality']}, the run's pictures are "
                f"{config.modality}: give --modality {metadata['modality']}, or another teacher"
            )
        if "means" in metadata:
            raise ConfigError(
                f"--teacher: {weights.name} was trained elsewhere, and sees pictures relative to "
                "other means: take weights that were trained here"
            )
        config.check_stride(family.stride)
        known = family.knowing(metadata.get("measured", {}))
        network = known.build(channels_of(config.modality), 0.0)
        weights.load_into(network)
        network.requires_grad_(False).eval().to(device)
        return cls(known, weights, network, config.teacher_share)

    @torch.no_grad()
    def answers(self, inputs: Tensor) -> dict[str, Tensor]:
        """What it answers to a batch of shape (B, C, H, W), in the form of targets."""
        answers = self.family.forward(self.network, inputs)
        return {name: tensor.float() for name, tensor in answers.items()}

    def shared(
        self, labels: Mapping[str, Tensor], answers: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Losses against the labels and against the answers, by name, each with its share."""
        return {name: (1.0 - self.share) * loss for name, loss in labels.items()} | {
            f"{TAUGHT}{name}": self.share * loss for name, loss in answers.items()
        }

    @property
    def about(self) -> dict[str, Any]:
        """What the pupil's metadata say of it."""
        metadata = self.weights.metadata
        kept = ("detector", "command", "dataset", "split", "cpu_s", "trunk", "sha256")
        return {name: metadata[name] for name in kept if name in metadata}
