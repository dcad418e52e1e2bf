"""Splits: which pictures train, which choose, which are reported.

A split names pictures, never views: all views of a picture fall on the same side. It is made once
with a seed, saved as a file, and everything after reads the file.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from grasp_detection.datasets.dataset import Dataset, DatasetError, Record

PARTS = ("train", "validation", "test")
PUBLISHED = "published"  # folds that come with a dataset, in place of a kind
MIN_BLOCK = 20
BORDER = 3  # pictures dropped between blocks of different parts


@dataclass(frozen=True)
class Split:
    """Picture names of the three parts.

    Attributes:
        dataset: Layout the pictures belong to.
        kind: How it was made: image-wise, object-wise, blocks, with " k-fold" for folds, or
            published.
        seed: Of the draw.
        train: Pictures to learn from.
        validation: Pictures that choose epochs and settings, and fit the calibration.
        test: Pictures that are reported.
        dropped: Pictures on no side, so that none shows the object of the other side.
    """

    dataset: str
    kind: str
    seed: int
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    dropped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that no picture is on two sides.

        Raises:
            DatasetError: One is.
        """
        seen: dict[str, str] = {}
        for part in (*PARTS, "dropped"):
            for picture in getattr(self, part):
                if picture in seen:
                    raise DatasetError(
                        f"split leaks: picture {picture} is in {seen[picture]} and in {part}"
                    )
                seen[picture] = part

    @property
    def digest(self) -> str:
        """Hash of what the split says, to tell weights which one they were trained on."""
        text = json.dumps([self.dataset, *(sorted(getattr(self, part)) for part in PARTS)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def part(self, name: str) -> frozenset[str]:
        """Pictures of one of :data:`PARTS`."""
        if name not in PARTS:
            raise DatasetError(f"no part {name!r} of a split; valid are {', '.join(PARTS)}")
        return frozenset(getattr(self, name))

    def indices(self, dataset: Dataset, part: str) -> list[int]:
        """Indices of the views of one part.

        Raises:
            DatasetError: The dataset lacks a picture of the part, or the part is empty.
        """
        wanted = self.part(part)
        found = [i for i, record in enumerate(dataset.records) if record.picture in wanted]
        missing = wanted - {dataset.records[i].picture for i in found}
        if missing:
            raise DatasetError(
                f"{dataset.root} lacks {len(missing)} pictures of the split, among them "
                f"{min(missing)}: was it made for another dataset?"
            )
        if not found:
            raise DatasetError(f"the {part} part of the split is empty")
        return found


def leaked_objects(split: Split, records: Sequence[Record]) -> set[str]:
    """Objects with pictures in more than one part; those of unknown object do not count."""
    parts: defaultdict[str, set[str]] = defaultdict(set)
    for name in PARTS:
        wanted = split.part(name)
        for record in records:
            if record.object and record.picture in wanted:
                parts[record.object].add(name)
    return {name for name, where in parts.items() if len(where) > 1}


def make_split(
    dataset: Dataset, kind: str, shares: Sequence[float] = (0.7, 0.1, 0.2), seed: int = 0
) -> Split:
    """Draw a split.

    Args:
        dataset: What to split.
        kind: ``image-wise``, ``object-wise`` or ``blocks``: contiguous blocks of picture names,
            for datasets whose neighbouring pictures show the same object but that have no object
            list.
        shares: Of train, validation and test; they must add up to 1.
        seed: Of the draw.

    Raises:
        DatasetError: Unknown kind or wrong shares, the dataset does not name objects, or has too
            few groups for a part to get any.
    """
    if len(shares) != 3 or not min(shares) >= 0.0 or not abs(sum(shares) - 1.0) <= 1e-6:
        raise DatasetError(f"shares are {list(shares)}, must be three that add up to 1")
    groups, border = _groups(dataset, kind)
    order = np.random.default_rng([seed, 1]).permutation(len(groups))
    total, sizes = sum(map(len, groups)), [len(groups[i]) for i in order]
    filled = np.cumsum(sizes) - np.asarray(sizes) / 2.0
    limits = np.cumsum(shares) * total
    part_of = np.empty(len(groups), np.int64)
    part_of[order] = np.minimum(np.searchsorted(limits, filled), 2)
    for part, share in enumerate(shares):
        if share > 0.0 and not (part_of == part).any():
            raise DatasetError(
                f"the {PARTS[part]} part of {share:g} gets none of {len(groups)} groups of "
                f"pictures ({kind}): give it a larger share, or more pictures"
            )
    return _assemble(dataset, kind, seed, groups, part_of, border)


def make_folds(
    dataset: Dataset,
    kind: str,
    folds: int,
    validation: float = 0.1,
    seed: int = 0,
    within: Split | None = None,
) -> list[Split]:
    """Draw k splits whose test parts together hold every picture once.

    Of blocks, the pictures dropped at the borders of test blocks are missing from that.

    Args:
        dataset: What to split.
        kind: As for :func:`make_split`.
        folds: How many, at least 2.
        validation: Share of each fold's other groups that is kept from training, at least one
            group.
        seed: Of the draw.
        within: Draw from the training and validation pictures of this split alone, so that its
            test part stays unseen; None draws from all.

    Raises:
        DatasetError: As :func:`make_split`, there are fewer groups than folds, or the share leaves
            nothing to train on.
    """
    if not 0.0 <= validation < 1.0:
        raise DatasetError(f"validation share is {validation}, must lie in [0, 1)")
    groups, border = _groups(dataset, kind, within)
    if not 2 <= folds <= len(groups):
        raise DatasetError(f"{folds} folds of {len(groups)} groups: must lie in [2, groups]")
    order = np.random.default_rng([seed, 2]).permutation(len(groups))
    fold_of = np.empty(len(groups), np.int64)
    fold_of[order] = np.arange(len(groups)) % folds
    splits = []
    for fold in range(folds):
        others = order[fold_of[order] != fold]
        chosen = others[: max(1, round(validation * len(others)))]
        if len(chosen) == len(others):
            raise DatasetError(
                f"{folds} folds of {len(groups)} groups leave nothing to train on: use more "
                "groups, or a smaller validation share"
            )
        part_of = np.where(fold_of == fold, 2, 0)
        part_of[chosen] = 1
        splits.append(_assemble(dataset, f"{kind} k-fold", seed, groups, part_of, border))
    return splits


@runtime_checkable
class HasPublishedFolds(Protocol):
    """A dataset that comes with folds of its own."""

    def published_folds(self) -> list[tuple[set[str], set[str]]]:
        """Pictures that are learnt and that are reported, of each fold.

        Raises:
            DatasetError: The folder lacks them.
        """
        ...


def published_splits(dataset: Dataset, validation: float = 0.1, seed: int = 0) -> list[Split]:
    """The folds that a dataset was published with.

    Publications keep no pictures to choose the epoch by. Here a share of what they learn from is
    kept for it, whole objects (scenes, in OCID_grasp) where the dataset names them, so that what
    they report stays unseen.

    Args:
        dataset: Which one.
        validation: Share of each fold's training groups that is kept, at least one group.
        seed: Of the draw.

    Raises:
        DatasetError: It has none, or a fold has too few groups to keep one.
    """
    if not isinstance(dataset, HasPublishedFolds):
        raise DatasetError(
            f"layout {dataset.name} comes with no published folds: draw a split, "
            f"{', '.join(KINDS)}"
        )
    known = {record.picture: record.object or record.picture for record in dataset.records}
    splits = []
    for number, (learnt, reported) in enumerate(dataset.published_folds()):
        groups = sorted({known[picture] for picture in learnt})
        count = max(1, round(validation * len(groups)))
        if count >= len(groups):
            raise DatasetError(
                f"published fold {number} has {len(groups)} scene(s) to learn from: none can be "
                "kept to choose the epoch by"
            )
        drawn = np.random.default_rng([seed, 3, number]).permutation(len(groups))[:count]
        kept = {groups[index] for index in drawn}
        parts: tuple[list[str], list[str]] = ([], [])
        for picture in sorted(learnt):
            parts[known[picture] in kept].append(picture)
        train, chosen = map(tuple, parts)
        splits.append(Split(dataset.name, PUBLISHED, seed, train, chosen, tuple(sorted(reported))))
    return splits


def save_splits(splits: Sequence[Split], path: Path) -> None:
    """Write one split, or the folds of one dataset, as JSON.

    Raises:
        DatasetError: The file cannot be written.
    """
    text = json.dumps({"folds": [asdict(split) for split in splits]}, indent=1)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise DatasetError(f"cannot write split {path}: {error.strerror}") from error


def load_splits(path: Path) -> list[Split]:
    """Read what :func:`save_splits` wrote.

    Raises:
        DatasetError: Missing, no split, or a picture on two sides.
    """
    try:
        folds = json.loads(Path(path).read_text(encoding="utf-8"))["folds"]
        splits = [_from_json(fold) for fold in folds]
    except OSError as error:
        raise DatasetError(f"cannot read split {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, DatasetError):
            raise DatasetError(f"{path}: {error}") from error
        raise DatasetError(f"{path} is no split; make one with `grasp data split`") from error
    if not splits:
        raise DatasetError(f"{path} holds no split")
    return splits


def _from_json(fold: Mapping[str, Any]) -> Split:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fold.items()
    }
    return Split(**values)


def _by_picture(records: Sequence[Record]) -> list[list[str]]:
    return [[picture] for picture in sorted({record.picture for record in records})]


def _by_object(records: Sequence[Record]) -> list[list[str]]:
    unknown = next((record.view for record in records if not record.object), None)
    if unknown is not None:
        raise DatasetError(
            f"view {unknown} names no object, so an object-wise split cannot be made: use kind "
            "blocks, or bring the dataset's object list"
        )
    pictures: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        pictures[record.object].add(record.picture)
    return [sorted(pictures[name]) for name in sorted(pictures)]


def _by_block(records: Sequence[Record]) -> list[list[str]]:
    pictures = sorted({record.picture for record in records})
    blocks = max(1, len(pictures) // MIN_BLOCK)
    return [list(part) for part in np.array_split(np.array(pictures, dtype=object), blocks)]


_KINDS: dict[str, tuple[Callable[[Sequence[Record]], list[list[str]]], int]] = {
    "image-wise": (_by_picture, 0),
    "object-wise": (_by_object, 0),
    "blocks": (_by_block, BORDER),
}
KINDS = tuple(_KINDS)


def _groups(
    dataset: Dataset, kind: str, within: Split | None = None
) -> tuple[list[list[str]], int]:
    if kind not in _KINDS:
        raise DatasetError(f"no kind of split {kind!r}; valid are {', '.join(KINDS)}")
    group, border = _KINDS[kind]
    records = dataset.records
    if within is not None:
        known = {*within.train, *within.validation}
        records = [record for record in records if record.picture in known]
    return group(records), border


def _assemble(
    dataset: Dataset,
    kind: str,
    seed: int,
    groups: list[list[str]],
    part_of: np.ndarray,
    border: int,
) -> Split:
    parts: dict[str, list[str]] = {name: [] for name in (*PARTS, "dropped")}
    for index, group in enumerate(groups):
        skip = border if index and part_of[index] != part_of[index - 1] else 0
        parts["dropped"] += group[:skip]
        parts[PARTS[part_of[index]]] += group[skip:]
    return Split(dataset.name, kind, seed, **{name: tuple(v) for name, v in parts.items()})
