"""Which views of a dataset a detector is measured on, in which folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grasp_core.errors import ConfigError
from grasp_detection.datasets.dataset import Dataset
from grasp_detection.datasets.split import (
    KINDS,
    PARTS,
    PUBLISHED,
    Split,
    load_splits,
    make_folds,
    make_split,
    published_splits,
)

ALL = "all"


@dataclass(frozen=True, eq=False)
class Protocol:
    """The views of every fold.

    Attributes:
        dataset: Where they are.
        split_name: As asked for: ``all``, a kind of split, or a file.
        splits: Of each fold; None stands for all views.
        part: Of each split; ``all`` without one.
        seed: Of what was drawn, and of intervals.
    """

    dataset: Dataset
    split_name: str
    splits: tuple[Split | None, ...]
    part: str
    seed: int

    @classmethod
    def of(
        cls, dataset: Dataset, split: str, part: str | None, folds: int | None, seed: int
    ) -> Protocol:
        """Draw or read the splits.

        Args:
            dataset: Where the views are.
            split: ``all``, a kind of split to draw, ``published`` for the dataset's own folds, or
                a file of splits.
            part: Of the split; None for the test part.
            folds: How many to draw, for a kind of split; None for a single split.
            seed: Of the draw.

        Raises:
            ConfigError: Arguments that contradict each other.
            DatasetError: No such split, or it cannot be drawn.
        """
        if folds is not None and split not in KINDS:
            raise ConfigError(
                f"--folds {folds} needs --split {', '.join(KINDS)}: nothing else is drawn"
            )
        if split == ALL and part is not None:
            raise ConfigError(f"--part {part} means nothing with --split all")
        found = _splits(dataset, split, folds, seed)
        return cls(dataset, split, found, ALL if split == ALL else part or PARTS[-1], seed)

    @property
    def folds(self) -> int:
        """How many there are."""
        return len(self.splits)

    @property
    def by_object(self) -> bool:
        """Whether intervals are over objects: wherever the dataset names that of every view."""
        return all(record.object for record in self.dataset.records)

    def views(self, fold: int) -> Sequence[int]:
        """Indices of the views of a fold, counted from 0.

        Raises:
            DatasetError: The dataset lacks pictures of the split.
        """
        split = self.splits[fold]
        if split is None:
            return range(len(self.dataset.records))
        return split.indices(self.dataset, self.part)

    def has_depth(self) -> bool:
        """Whether the views hold depth; the first one tells."""
        first = next((index for fold in range(self.folds) for index in self.views(fold)), None)
        return first is not None and self.dataset.load(first).depth_m is not None

    def about(self) -> dict[str, Any]:
        """What is measured, plain values."""
        digests = [split.digest for split in self.splits if split is not None]
        return {
            "split": self.split_name,
            "split_kind": self.splits[0].kind if self.splits[0] else ALL,
            "split_digest": digests[0] if len(digests) == 1 else digests,
            "part": self.part,
            "folds": self.folds,
            "seed": self.seed,
        }


def _splits(
    dataset: Dataset, split: str, folds: int | None, seed: int
) -> tuple[Split | None, ...]:
    if split == ALL:
        return (None,)
    if folds is not None:
        return tuple(make_folds(dataset, split, folds, seed=seed))
    if split in KINDS:
        return (make_split(dataset, split, seed=seed),)
    if split == PUBLISHED:
        return tuple(published_splits(dataset, seed=seed))
    path = Path(split)
    if not path.exists():
        raise ConfigError(
            f"no split {split!r}; valid are all, {', '.join((*KINDS, PUBLISHED))} or a file of "
            "splits"
        )
    return tuple(load_splits(path))
