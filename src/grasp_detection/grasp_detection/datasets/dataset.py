"""What every dataset is: a list of views that can be loaded one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import GraspStackError


class DatasetError(GraspStackError, ValueError):
    """A file of a dataset is missing, broken or inconsistent; names the path and the reason."""


@dataclass(frozen=True)
class Record:
    """One view, as far as file names tell.

    Attributes:
        view: Unique name of the view within the dataset.
        picture: What the view shows; views of one picture share it and must not be split.
        object: What object the picture shows; empty where the dataset does not say.
    """

    view: str
    picture: str
    object: str = ""


@dataclass(frozen=True, eq=False)
class Sample:
    """One view with its labels.

    Attributes:
        record: Which view it is.
        color: Shape (H, W, 3), uint8, RGB; None for depth-only datasets.
        depth_m: Shape (H, W), float32, metres, NaN invalid; None where there is no depth.
        grasps: Shape (N, 5), rows (u, v, width, height, angle) as in
            :class:`grasp_core.rectangle.GraspRectangle`, pixels of this view.
        negatives: Shape (M, 5), rectangles labelled as bad grasps.
        instances: Shape (H, W), integer, 0 background; None where there is no mask.
        classes: Class name by instance number.
        grasp_instances: Shape (N,), instance each grasp belongs to, 0 unknown; None without.
        grasp_quality: Shape (N,), how likely each grasp holds, in [0, 1]; None where all count
            alike.
        relief_m: Shape (H, W), float32, heights above the support, metres, where the dataset knows
            them; else they are found in the depth.
        skipped: Labels that could not be used (NaN corners, no area).
    """

    record: Record
    color: NDArray[np.uint8] | None
    depth_m: NDArray[np.float32] | None
    grasps: NDArray[np.float64]
    negatives: NDArray[np.float64]
    instances: NDArray[np.int32] | None = None
    classes: dict[int, str] | None = None
    grasp_instances: NDArray[np.int64] | None = None
    grasp_quality: NDArray[np.float64] | None = None
    relief_m: NDArray[np.float32] | None = None
    skipped: int = 0

    def __post_init__(self) -> None:
        """Check that there is a picture at all.

        Raises:
            DatasetError: Neither colour nor depth.
        """
        if self.color is None and self.depth_m is None:
            raise DatasetError(f"view {self.record.view} has neither colour nor depth")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, pixels."""
        shapes = [image.shape for image in (self.color, self.depth_m) if image is not None]
        return int(shapes[0][0]), int(shapes[0][1])


class Dataset(Protocol):
    """Labelled views in a folder.

    Attributes:
        name: Name under which the registry knows the layout.
        root: The folder.
        records: All views, in a fixed order.
    """

    name: str
    root: Path

    @property
    def records(self) -> Sequence[Record]:
        """All views, in a fixed order."""
        ...

    def load(self, index: int) -> Sample:
        """Read one view.

        Raises:
            DatasetError: A file is missing or broken.
        """
        ...
