"""Ranked rectangles of one picture, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from grasp_core.grasp import Level

UNSEEN = 255  # in the classes of pixels: outside of what the detector looked at


@dataclass(frozen=True, eq=False)
class Ranking:
    """Candidates of one picture, best first.

    Attributes:
        rows: Shape (N, 5), rectangles (u, v, width, height, angle), pixels of the picture.
        quality: Shape (N,), calibrated, in [0, 1], descending.
        raw_score: Shape (N,), what the model itself says of their quality.
        score: Shape (N,), descending, what they are ranked by and ``quality`` is calibrated on.
        labels: N classes of the objects they are on, empty where it is unknown; none where the
            detector knows no classes.
        level: What they were derived from.
    """

    rows: NDArray[np.float64]
    quality: NDArray[np.float64]
    raw_score: NDArray[np.float64]
    score: NDArray[np.float64]
    labels: tuple[str, ...] = ()

    def label(self, index: int) -> str:
        """Class of the object of a candidate; empty unknown."""
        return self.labels[index] if self.labels else ""

    level: Level = Level.PIXEL

    def __len__(self) -> int:
        return len(self.rows)


class PictureDetector(Protocol):
    """Ranks the grasps of a bare picture, without camera or gripper, as datasets need it.

    Attributes:
        name: Name of the detector.
    """

    name: str

    def rank(
        self, color: NDArray[np.uint8] | None, depth_m: NDArray[np.float32] | None, limit: int
    ) -> Ranking:
        """Rank the grasps of one picture.

        Args:
            color: Shape (H, W, 3), uint8, RGB; None where there is none.
            depth_m: Shape (H, W), float32, metres, NaN invalid; None where there is none.
            limit: Most candidates returned.
        """
        ...

    def about(self) -> dict[str, Any]:
        """What it says of itself and its weights: plain values by name, None for unknown."""
        ...

    def pictures_seen(self, dataset: str) -> set[str] | None:
        """Pictures of a dataset, by name, that it was taught by or chosen by.

        None where its weights do not say; empty for a detector that learnt nothing.
        """
        ...


@runtime_checkable
class ClassDetector(Protocol):
    """A detector for bare pictures that may know classes of objects."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names, of numbers from 1, at most 254; none where it knows no classes."""
        ...

    def rank_by_class(
        self, color: NDArray[np.uint8] | None, depth_m: NDArray[np.float32] | None
    ) -> tuple[Ranking, NDArray[np.uint8]]:
        """Grasps of a picture with their labels, and the class of each pixel, shape (H, W).

        In the latter 0 is the background and :data:`UNSEEN` what was not looked at.
        """
        ...
