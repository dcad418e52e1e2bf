"""What a dataset holds, and what is wrong with it, found by reading every view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasp_core.rectangle import corners_of
from grasp_detection.datasets.dataset import Dataset, DatasetError, Sample

PERCENTILES = (5, 50, 95)


@dataclass(frozen=True)
class Problem:
    """Something a person should look at.

    Attributes:
        view: Name of the view, a path below the dataset's root.
        reason: What is wrong.
        unusable: Whether the view cannot be read at all.
    """

    view: str
    reason: str
    unusable: bool = False


@dataclass(frozen=True)
class Report:
    """Counts over the views that were read.

    Attributes:
        dataset: Layout.
        root: Folder.
        available: Views of the dataset.
        views: Views read, unusable ones included.
        unusable: Views that cannot be read.
        pictures: Different pictures among the views read.
        objects: Different objects, or scenes where a picture shows several; 0 if not named.
        sizes: Views by "WIDTHxHEIGHT", pixels.
        with_color: Views with colour.
        with_depth: Views with depth.
        with_masks: Views with a mask of objects.
        grasps: Rectangles labelled as good.
        negatives: Rectangles labelled as bad.
        skipped: Labels that could not be used: NaN corners, no area.
        unlabelled: Views without a good grasp.
        outside: Labels whose centre is outside the picture.
        over_border: Labels that reach over the border, with their centre inside.
        opening_px: Jaw opening by percentile of :data:`PERCENTILES`, pixels; empty without grasps.
        problems: Everything found, in the order of the views.
    """

    dataset: str
    root: str
    available: int
    views: int
    unusable: int
    pictures: int
    objects: int
    sizes: dict[str, int]
    with_color: int
    with_depth: int
    with_masks: int
    grasps: int
    negatives: int
    skipped: int
    unlabelled: int
    outside: int
    over_border: int
    opening_px: dict[int, float]
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, Any]:
        """The report in types that JSON has."""
        return asdict(self)


class Survey:
    """Reads views one after another and keeps count, so that it can be ended at any view."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._count: Counter[str] = Counter()
        self._sizes: Counter[str] = Counter()
        self._openings: list[NDArray[np.float64]] = []
        self._problems: list[Problem] = []
        self._seen: list[int] = []
        self._usable: list[int] = []

    @property
    def usable(self) -> Sequence[int]:
        """Indices of the views that could be read."""
        return self._usable

    def look(self, index: int) -> None:
        """Read one view; a broken one is noted."""
        try:
            sample = self._dataset.load(index)
        except DatasetError as error:
            view = self._dataset.records[index].view
            self._problems.append(Problem(view, str(error), unusable=True))
            self._count["unusable"] += 1
        else:
            self._add(sample)
            self._usable.append(index)
        self._seen.append(index)

    def report(self) -> Report:
        """Counts so far."""
        records = [self._dataset.records[index] for index in self._seen]
        openings = np.concatenate([*self._openings, np.empty(0)])
        count = self._count
        return Report(
            dataset=self._dataset.name,
            root=str(self._dataset.root),
            available=len(self._dataset.records),
            views=len(records),
            pictures=len({record.picture for record in records}),
            objects=len({record.object for record in records} - {""}),
            sizes=dict(self._sizes.most_common()),
            opening_px={
                p: float(np.percentile(openings, p)) for p in PERCENTILES if len(openings)
            },
            problems=tuple(self._problems),
            **{name: count[name] for name in _COUNTED},
        )

    def _add(self, sample: Sample) -> None:
        height, width = sample.size
        labels = np.concatenate([sample.grasps, sample.negatives])
        outside, over_border = _beyond(labels, height, width)
        self._sizes[f"{width}x{height}"] += 1
        self._openings.append(sample.grasps[:, 2])
        self._count.update(
            with_color=sample.color is not None,
            with_depth=sample.depth_m is not None,
            with_masks=sample.instances is not None,
            grasps=len(sample.grasps),
            negatives=len(sample.negatives),
            skipped=sample.skipped,
            unlabelled=not len(sample.grasps),
            outside=outside,
            over_border=over_border,
        )
        self._problems += [Problem(sample.record.view, text) for text in _faults(sample, outside)]


_COUNTED = (
    "unusable", "with_color", "with_depth", "with_masks", "grasps", "negatives", "skipped",
    "unlabelled", "outside", "over_border",
)  # fmt: skip


def views_to_read(dataset: Dataset, limit: int | None = None) -> list[int]:
    """Indices of all views, or of ``limit`` spread evenly over them.

    Raises:
        DatasetError: The limit is below 1.
    """
    count = len(dataset.records)
    if limit is None or limit >= count:
        return list(range(count))
    if limit < 1:
        raise DatasetError(f"limit is {limit} views, must be at least 1")
    return [int(index) for index in np.arange(limit) * count // limit]


def _faults(sample: Sample, outside: int) -> list[str]:
    """What is wrong with a view that can be read."""
    faults = []
    if not len(sample.grasps):
        faults.append("no label of a good grasp")
    if sample.skipped:
        faults.append(f"{sample.skipped} labels skipped: not finite, or no area")
    if outside:
        faults.append(f"{outside} labels with the centre outside the picture")
    if sample.depth_m is not None and not np.isfinite(sample.depth_m).any():
        faults.append("depth without a valid pixel")
    if sample.instances is not None and not (sample.instances > 0).any():
        faults.append("mask without an object")
    return faults


def _beyond(rows: NDArray[np.float64], height: int, width: int) -> tuple[int, int]:
    """How many rectangles have their centre outside the picture, and how many a corner alone."""
    limit = np.array([width, height]) - 0.5  # pixel centres have whole coordinates

    def is_outside(points: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray(((points < -0.5) | (points > limit)).any(axis=-1))

    centers = is_outside(rows[:, :2])
    corners = is_outside(corners_of(rows)).any(axis=-1)
    return int(centers.sum()), int((corners & ~centers).sum())
