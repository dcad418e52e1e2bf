"""A family of learned detectors: how it sees a picture, what it is taught, what its answer means.

A subclass is a family; an object of it is one network of that family. Everything else (weights,
runtimes, training, calibration, the detector in the node) asks the object and knows no more.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from grasp_core.config import Checked
from grasp_core.grasp import Level
from grasp_detection.learned.config import OPENVINO, LearnedConfig
from grasp_detection.learned.inputs import to_channels
from grasp_detection.learned.window import FloatArray

Arrays = Mapping[str, NDArray[np.float32]]
Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Stage:
    """A part of a training run with an optimiser and a learning-rate cycle of its own.

    Attributes:
        name: Written to the log.
        epochs: How long.
        learns: Beginnings of the names of the parameters that learn; the others stay as they are,
            and so do the statistics of their normalisations. ``""`` is every parameter.
        losses: Names of the losses that count; empty for all.
        begins_with: ``best`` or ``last`` averaged weights of the stage before.
    """

    name: str
    epochs: int
    learns: tuple[str, ...] = ("",)
    losses: tuple[str, ...] = ()
    begins_with: str = "best"


@dataclass(frozen=True, eq=False)
class Candidates:
    """What a network proposes in its input, best first.

    Attributes:
        rows: Shape (N, 5), rectangles (u, v, width, height, angle), pixels of the input, radians.
        score: Shape (N,), in [0, 1], descending: what they are ranked and calibrated by.
        raw_score: Shape (N,), what the network itself says of their quality.
        labels: N classes of the objects they are on, empty where it is unknown; none where the
            network knows no classes.
        level: What they are derived from; None for the family's own.
    """

    rows: FloatArray
    score: FloatArray
    raw_score: FloatArray
    labels: tuple[str, ...] = ()
    level: Level | None = None


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a network that is carried out by itself, so that it runs only where it is needed.

    Attributes:
        network: Maps shape (B, channels, H, W) to a tensor, or to a tuple of tensors.
        channels: Of what it is shown: a picture's, or those of features.
        outputs: Names of what it puts out, in order.
    """

    network: nn.Module
    channels: int
    outputs: tuple[str, ...]


RunPart = Callable[[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]
"""Carries a part out by its name: shape (B, C, H, W) to what it puts out, batch first."""
WHOLE = "whole"  # the one part of most networks


@dataclass(frozen=True)
class PublishedWeights:
    """How weights that others have published become those of this network.

    Attributes:
        size: Side of the pictures that they were trained with, pixels.
        adapt: From their tensors and the modality to ours.
        measure: From their tensors to what sizes their network has, by names of fields of the
            family.
    """

    size: int
    adapt: Callable[[Mapping[str, Tensor], str], dict[str, Tensor]]
    measure: Callable[[Mapping[str, Tensor]], dict[str, Any]] = lambda state: {}


@dataclass(frozen=True)
class TargetSettings(Checked):
    """Settings of how a family is taught, besides those of every training run; here none."""


@dataclass(frozen=True, kw_only=True)
class Family(ABC):
    """One network of a family, and all that is particular to it.

    Attributes:
        quickest: Runtime that is quickest on a CPU, as `grasp bench` measures.
        published: How to read weights by others; None where nothing is known of any.
        trunk: Layout of its pretrained trunk, which the network has as its attribute ``trunk``;
            empty where it has none. See :mod:`grasp_detection.learned.trunk`.
        classes: Names of the classes of objects that it tells apart by their pixels, after the
            background; empty where it does not.
        outputs: Names of what the network puts out, in order.
        stride: Both sides of the input are multiples of it, pixels.
        level: What its grasps are derived from.
        config_class: Settings of its detectors.
        target_class: Settings of its targets.
        segments: Whether it learns which class each pixel belongs to: it needs data with masks.
        answers_are_targets: Whether its outputs have the form of its targets, so that it can learn
            from another network's answers.
    """

    quickest: str = OPENVINO
    published: PublishedWeights | None = field(default=None, compare=False)
    trunk: str = ""
    classes: tuple[str, ...] = ()

    outputs: ClassVar[tuple[str, ...]]
    stride: ClassVar[int] = 8
    level: ClassVar[Level] = Level.PIXEL
    config_class: ClassVar[type[LearnedConfig]] = LearnedConfig
    target_class: ClassVar[type[TargetSettings]] = TargetSettings
    segments: ClassVar[bool] = False
    answers_are_targets: ClassVar[bool] = False

    @property
    def network_name(self) -> str:
        """What tells its network from others: a checkpoint of another one is refused."""
        return type(self).__name__

    # The network

    @abstractmethod
    def build(self, channels: int, dropout: float) -> nn.Module:
        """The network, with weights drawn at random.

        It maps shape (B, channels, H, W), float32, to a tensor, or to a tuple of tensors in the
        order of ``outputs``; batch first.

        Args:
            channels: Input channels.
            dropout: Share of features that are missed in training.
        """

    def inputs(
        self,
        color: NDArray[np.uint8] | None,
        relief_m: NDArray[np.float32] | None,
        modality: str,
    ) -> NDArray[np.float32]:
        """How it sees a picture; see :func:`grasp_detection.learned.inputs.to_channels`."""
        return to_channels(color, relief_m, modality)

    # Training

    def measure(self, labels: Iterable[FloatArray], size: int) -> dict[str, Any]:
        """What it has to know of the training labels before it is taught.

        Args:
            labels: Of each training view, shape (N, 5), pixels of an input of that size; read
                from their files as they are asked for.
            size: Side of the input, pixels.

        Returns:
            Plain values by the names of fields of this class; they go into the metadata.
        """
        return {}

    def knowing(self, measured: Mapping[str, Any]) -> Family:
        """This network with what :meth:`measure` found."""
        return dataclasses.replace(self, **measured) if measured else self

    @abstractmethod
    def targets(
        self,
        rows: FloatArray,
        size: int,
        whole: int,
        settings: TargetSettings,
        quality: FloatArray | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """What the network is to learn from the labels of one picture.

        Args:
            rows: Shape (N, 5), labels in pixels of the input.
            size: Side of the input, pixels.
            whole: Side of the input that this one is a part of, at the same scale; else ``size``.
            settings: How to teach.
            quality: Shape (N,), how good each label is, in [0, 1]; None for 1.

        Returns:
            Arrays by name, of the same shapes for every picture of that size.
        """

    def measure_classes(self, names: Sequence[str]) -> dict[str, Any]:
        """As :meth:`measure`, of the classes of objects in the training views, sorted.

        Asked only where the family :attr:`segments`.
        """
        return {}

    def area_targets(self, areas: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """What the network is to learn from the class of each pixel.

        Asked only where the family :attr:`segments`.

        Args:
            areas: Shape (size, size), 0 background, else 1 + the place among the names of
                :meth:`measure_classes`.
        """
        return {}

    def forward(
        self, network: nn.Module, inputs: Tensor, targets: Tensors | None = None
    ) -> dict[str, Tensor]:
        """Run the network in training or validation.

        Args:
            network: Made by :meth:`build`, perhaps wrapped.
            inputs: Shape (B, C, H, W).
            targets: Of the batch, in training alone; for networks that choose by them where to
                look.
        """
        return named(self.outputs, network(inputs))

    @abstractmethod
    def losses(self, outputs: Tensors, targets: Tensors) -> dict[str, Tensor]:
        """Losses by name, scalars; their sum is what is to become small."""

    def stages(self, epochs: int) -> tuple[Stage, ...]:
        """What learns in which part of a run of so many epochs; here everything, all the time."""
        return (Stage("all", epochs),)

    # Answers

    def parts(self, network: nn.Module, channels: int) -> dict[str, Part]:
        """What the network is carried out in, by name; here it is one part.

        Args:
            network: Made by :meth:`build`, with its weights.
            channels: Input channels.
        """
        return {WHOLE: Part(network, channels, self.outputs)}

    def answer(
        self, run: RunPart, inputs: NDArray[np.float32], config: LearnedConfig
    ) -> dict[str, NDArray[np.float32]]:
        """Run the parts that are needed, batch first; what did not run is not in the answer.

        Args:
            run: Carries a part out.
            inputs: Shape (1, C, H, W).
            config: Settings of the detector, of ``config_class``.
        """
        return run(WHOLE, inputs)

    @abstractmethod
    def read(
        self,
        outputs: Arrays,
        size: int,
        config: LearnedConfig,
        *,
        limit: int = 1,
        min_score: float = 0.0,
    ) -> Candidates:
        """What the network's answer to one picture means.

        Args:
            outputs: By name, without the batch dimension.
            size: Side of the input that it was trained with, pixels: its scale, also where
                another input was shown.
            config: Settings of the detector, of ``config_class``.
            limit: Most candidates returned.
            min_score: Candidates that score no more are dropped.
        """

    def areas(self, outputs: Arrays, size: int) -> NDArray[np.uint8]:
        """Class of each pixel of the input, 0 background, else 1 + its place in ``classes``.

        Asked only where the family :attr:`segments`.

        Args:
            outputs: By name, without the batch dimension.
            size: Side of the input that was shown, pixels.
        """
        return np.zeros((size, size), np.uint8)


def named(outputs: Sequence[str], result: Any) -> dict[str, Any]:
    """What a network put out, by name."""
    return dict(
        zip(outputs, result if isinstance(result, tuple | list) else (result,), strict=True)
    )
