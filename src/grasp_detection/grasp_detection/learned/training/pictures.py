"""Training examples: input channels and targets, drawn anew in each epoch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from grasp_detection.datasets.dataset import Dataset, DatasetError, Sample
from grasp_detection.datasets.instances import class_areas, class_names
from grasp_detection.learned.family import Family, TargetSettings
from grasp_detection.learned.relief import relief
from grasp_detection.learned.training.augment import (
    apply,
    disturb_color,
    disturb_depth,
    disturb_labels,
    draw_crop,
    draw_matrix,
    move_areas,
)
from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig
from grasp_detection.learned.window import Window

_CACHE_SHARE = 0.3  # of the machine's memory


class SampleCache:
    """Keeps decoded views, up to a bound, with the relief in place of the depth.

    Args:
        dataset: Where they are.
        modality: Channels that are needed.
        masks: Whether masks of objects are needed, too.
    """

    def __init__(self, dataset: Dataset, modality: str, *, masks: bool = False) -> None:
        self._dataset = dataset
        self._modality = modality
        self._masks = masks
        self._kept: dict[int, Sample] = {}
        self._bytes = 0
        self._skipped: dict[int, int] = {}
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        # Processes that train together on one machine have one each.
        sharers = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        self._most_bytes = int(_CACHE_SHARE * memory / sharers)

    @property
    def labels_skipped(self) -> int:
        """Labels of the views loaded so far that could not be used: not finite, or no area."""
        return sum(self._skipped.values())

    def __getitem__(self, index: int) -> Sample:
        """One view.

        Raises:
            DatasetError: It cannot be read, or lacks a channel that the modality needs.
        """
        if index in self._kept:
            return self._kept[index]
        sample = self._complete(self._dataset.load(index))
        self._skipped[index] = sample.skipped
        kept = (sample.color, sample.depth_m, sample.instances)
        size = sum(array.nbytes for array in kept if array is not None)
        if self._bytes < self._most_bytes:
            self._kept[index] = sample
            self._bytes += size
        return sample

    def fill(self, indices: Sequence[int]) -> None:
        """Load views now: processes forked later share them instead of loading their own."""
        for index in indices:
            if self._bytes >= self._most_bytes:
                return
            self[index]

    def _complete(self, sample: Sample) -> Sample:
        color, depth_m, view = sample.color, sample.depth_m, sample.record.view
        if self._modality != "d" and color is None:
            raise DatasetError(f"view {view} has no colour, which modality {self._modality} needs")
        if self._modality != "rgb":
            if depth_m is None:
                raise DatasetError(
                    f"view {view} has no depth, which modality {self._modality} needs"
                )
            depth_m = relief(depth_m) if sample.relief_m is None else sample.relief_m
        if self._masks and sample.instances is None:
            raise DatasetError(
                f"view {view} has no mask of its objects, which a detector with a segmentation "
                "branch learns from: take data with masks, or a detector without"
            )
        return Sample(
            sample.record,
            color if self._modality != "d" else None,
            depth_m if self._modality != "rgb" else None,
            sample.grasps,
            sample.negatives,
            instances=sample.instances if self._masks else None,
            classes=sample.classes if self._masks else None,
            skipped=sample.skipped,
            grasp_quality=sample.grasp_quality,
        )

    def class_names(self, indices: Sequence[int]) -> list[str]:
        """Names of the classes of objects in some views, sorted; where masks are needed.

        Raises:
            DatasetError: A view cannot be read or has no mask.
        """
        names: set[str] = set()
        for index in indices:
            sample = self[index]
            names |= class_names(_mask_of(sample), sample.classes)
        return sorted(names)


class TrainingPictures(TorchDataset):
    """Augmented examples; what index i gives in an epoch depends on seed, epoch and i alone."""

    def __init__(
        self,
        family: Family,
        cache: SampleCache,
        indices: Sequence[int],
        config: TrainingConfig,
        augment: AugmentConfig,
        taught: TargetSettings,
    ) -> None:
        self._family = family
        self._taught = taught
        self._cache = cache
        self._indices = list(indices)
        self._config = config
        self._augment = augment
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Input of shape (C, S, S) and targets of one view."""
        config, augment = self._config, self._augment
        rng = np.random.default_rng([config.seed, self.epoch, index])
        sample = self._cache[self._indices[index]]
        size = whole = config.size_in(self.epoch)
        matrix = draw_matrix(Window.centred(*sample.size, size), augment, rng)
        if 0 < config.crop < size:
            matrix = draw_crop(matrix, size, config.crop, sample.grasps, rng)
            size = config.crop
        color, depth_m, rows, kept = apply(
            matrix, size, sample.color, sample.depth_m, sample.grasps
        )
        quality = None if sample.grasp_quality is None else sample.grasp_quality[kept]
        color = None if color is None else disturb_color(color, augment, rng)
        depth_m = None if depth_m is None else disturb_depth(depth_m, augment, rng)
        channels = self._family.inputs(color, depth_m, config.modality)
        rows = disturb_labels(rows, augment, rng)
        targets = self._family.targets(rows, size, whole, self._taught, quality)
        if self._family.segments:
            areas = areas_of(self._family, sample)
            targets |= self._family.area_targets(move_areas(areas, matrix, size))
        return torch.from_numpy(channels), tensors_of(targets)

    def batches(self, epoch: int, workers: int, part: int, parts: int) -> DataLoader:
        """The batches of one epoch that process ``part`` of ``parts`` works on.

        Every process takes every ``parts``-th picture of each batch, so that together they see
        the batches a single process would see. What fills no whole batch waits for another epoch.
        """
        self.epoch = epoch
        if workers:
            self._cache.fill(self._indices)
        order = np.random.default_rng([self._config.seed, epoch]).permutation(len(self))
        size = self.batch
        whole = [order[i : i + size] for i in range(0, len(order) - size + 1, size)]
        return DataLoader(
            self, batch_sampler=[b[part::parts].tolist() for b in whole], num_workers=workers
        )

    def steps(self) -> int:
        """Batches in an epoch."""
        return len(self) // self.batch

    @property
    def batch(self) -> int:
        """Pictures in a step: those asked for, or all if there are fewer."""
        return min(self._config.batch, len(self))


def tensors_of(arrays: Mapping[str, NDArray[np.float32]]) -> dict[str, Tensor]:
    """Arrays by name as tensors."""
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def areas_of(family: Family, sample: Sample) -> NDArray[np.uint8]:
    """Class of each pixel of a view, by the family's numbers, shape (H, W)."""
    return class_areas(_mask_of(sample), sample.classes, family.classes)


def _mask_of(sample: Sample) -> NDArray[np.int32]:
    if sample.instances is None:
        raise DatasetError(f"view {sample.record.view} has no mask of its objects")
    return sample.instances


def validation_inputs(
    family: Family,
    cache: SampleCache,
    indices: Sequence[int],
    modality: str,
    size: int,
    batch: int,
) -> Iterator[tuple[Tensor, list[Window], list[Sample]]]:
    """Whole pictures, unchanged, with their windows and labelled views, in batches."""
    for start in range(0, len(indices), batch):
        samples = [cache[i] for i in indices[start : start + batch]]
        windows = [Window.centred(*sample.size, size) for sample in samples]
        channels = [
            family.inputs(
                None if s.color is None else w.cut(s.color),
                None if s.depth_m is None else w.cut(s.depth_m),
                modality,
            )
            for s, w in zip(samples, windows, strict=True)
        ]
        yield torch.from_numpy(np.stack(channels)), windows, samples
