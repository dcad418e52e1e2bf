"""Settings of a training run."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.config import Checked, setting
from grasp_core.errors import ConfigError
from grasp_detection.learned.inputs import CHANNELS


@dataclass(frozen=True)
class AugmentConfig(Checked):
    """How training pictures are varied; each draw depends on seed, epoch and picture alone."""

    rotate: bool = setting(True, "turn by any angle")
    flip: bool = setting(True, "mirror half of the pictures")
    zoom: float = setting(1.4, "enlarge or shrink by up to this factor", minimum=1.0, maximum=4.0)
    shift: float = setting(0.12, "move by up to this share of the side", minimum=0.0, maximum=0.5)
    contrast: float = setting(0.2, "spread of contrast, share", minimum=0.0, maximum=0.9)
    gamma: float = setting(
        0.2, "spread of the exponent that bends brightness, share", minimum=0.0, maximum=0.9
    )
    tint: float = setting(0.1, "spread of each colour channel, share", minimum=0.0, maximum=1.0)
    color_noise: float = setting(
        0.02,
        "standard deviation of noise on colour, of full scale",
        minimum=0.0,
        maximum=0.5,
    )
    depth_noise_m: float = setting(
        0.002, "standard deviation of noise on depth, m", minimum=0.0, maximum=0.1
    )
    label_turn_deg: float = setting(
        0.0,
        "turn each label by up to this angle, deg; for labels drawn in steps of an angle",
        minimum=0.0,
        maximum=45.0,
    )


@dataclass(frozen=True)
class TrainingConfig(Checked):
    """Everything that decides the result of a training run besides data, split and machine."""

    modality: str = setting("rgb", "input channels", choices=tuple(CHANNELS))
    size: int = setting(224, "side of the network's input, px", minimum=32, maximum=1024)
    crop: int = setting(
        0,
        "side of the random part of the input that a step trains on, px; 0 for the whole",
        minimum=0,
        maximum=1024,
    )
    warmup_size: int = setting(112, "side in the first epochs, px", minimum=32, maximum=1024)
    warmup_epochs: int = setting(0, "epochs at warmup_size", minimum=0, maximum=10000)
    epochs: int = setting(50, "epochs in all", minimum=1, maximum=10000)
    batch: int = setting(8, "pictures in a step, over all processes", minimum=1, maximum=4096)
    learning_rate: float = setting(
        0.002, "highest learning rate of the one cycle", minimum=1e-7, maximum=1.0
    )
    trunk_rate: float = setting(
        0.2, "learning rate of a pretrained trunk, share of the others'", minimum=0.0, maximum=1.0
    )
    weight_decay: float = setting(0.0005, "of AdamW", minimum=0.0, maximum=1.0)
    average: float = setting(
        0.995, "decay of the running average of the weights, by step", minimum=0.0, maximum=0.99999
    )
    precision: str = setting(
        "fp32",
        "of the arithmetic in training; bf16 is quicker where the processor knows it",
        choices=("fp32", "bf16"),
    )
    dropout: float = setting(0.1, "share of features each head misses", minimum=0.0, maximum=0.9)
    storage: str = setting(
        "fp32", "number format of the written weights", choices=("fp32", "fp16")
    )
    patience: int = setting(
        20, "epochs without a lower validation loss before it stops", minimum=1, maximum=10000
    )
    teacher_share: float = setting(
        0.5, "what a teacher's answers count, the labels the rest", minimum=0.01, maximum=1.0
    )
    seed: int = setting(0, "of weights, order, variation, dropout", minimum=0, maximum=2**31 - 1)

    def __post_init__(self) -> None:
        """Check the fields, and the stages against each other.

        Raises:
            ConfigError: A value is out of its bounds.
        """
        super().__post_init__()
        if self.warmup_epochs >= self.epochs:
            raise ConfigError(
                f"warmup_epochs is {self.warmup_epochs}, must be below epochs, {self.epochs}: "
                "weights are for the full size"
            )
        if self.crop > self.size:
            raise ConfigError(f"crop is {self.crop} px, must be at most size, {self.size}")

    def check_stride(self, stride: int) -> None:
        """Check that a network can take inputs of these sizes.

        Raises:
            ConfigError: A side is not a multiple of the network's stride.
        """
        for name in ("size", "crop", *(("warmup_size",) if self.warmup_epochs else ())):
            if getattr(self, name) % stride:
                raise ConfigError(
                    f"{name} is {getattr(self, name)} px, must be a multiple of {stride}"
                )

    def size_in(self, epoch: int) -> int:
        """Side of the input in an epoch, counted from 0."""
        return self.warmup_size if epoch < self.warmup_epochs else self.size
