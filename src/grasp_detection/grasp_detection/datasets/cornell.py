"""The Cornell grasping dataset.

Files, in any depth below the root: ``pcdNNNNr.png`` (colour), ``pcdNNNNd.tiff`` (depth in metres,
optional) or ``pcdNNNN.txt`` (its point cloud), ``pcdNNNNcpos.txt`` and ``pcdNNNNcneg.txt`` (four
lines "u v" per rectangle, the first edge along the jaw opening). Files with the same number are
views of the same picture. An object list ``z.txt`` (lines "NNNN object ...", comments after % or
#) in the root gives the objects, where it is there.
Source: Jiang, Moseson, Saxena, "Efficient grasping from RGBD images", ICRA 2011.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasp_detection.datasets.dataset import DatasetError, Record, Sample
from grasp_detection.datasets.files import (
    read_color,
    read_depth_m,
    require_folder,
    require_size,
)
from grasp_detection.datasets.labels import read_corners, rows_of_corners
from grasp_detection.datasets.point_cloud import read_cloud

_PICTURE = re.compile(r"pcd(\d+)r\.png$")


class CornellDataset:
    """Views of a folder in Cornell's layout; see the module's description."""

    name = "cornell"

    def __init__(self, root: Path) -> None:
        """List the views.

        Raises:
            DatasetError: No folder, or no picture in it.
        """
        self.root = require_folder(root)
        objects = _read_objects(self.root / "z.txt")
        self._stems: list[Path] = []
        self.records: list[Record] = []
        for path in sorted(self.root.rglob("pcd*r.png")):
            found = _PICTURE.search(path.name)
            if found is None:
                continue
            stem = path.with_name(path.name.removesuffix("r.png"))
            view = stem.relative_to(self.root).as_posix()
            number = found.group(1)
            self._stems.append(stem)
            self.records.append(Record(view, number, objects.get(int(number), "")))
        if not self.records:
            raise DatasetError(
                f"{self.root} holds no pcdNNNNr.png: give the folder of the Cornell dataset"
            )

    def load(self, index: int) -> Sample:
        """Read one view; see :class:`grasp_detection.datasets.dataset.Dataset`."""
        stem = self._stems[index]
        color = read_color(_named(stem, "r.png"))
        depth_m = _read_depth(stem, (color.shape[0], color.shape[1]))
        grasps, skipped = read_rectangles(_named(stem, "cpos.txt"))
        negative_path = _named(stem, "cneg.txt")
        negatives, also_skipped = (
            read_rectangles(negative_path) if negative_path.exists() else (np.empty((0, 5)), 0)
        )
        return Sample(
            self.records[index], color, depth_m, grasps, negatives, skipped=skipped + also_skipped
        )


def read_rectangles(path: Path) -> tuple[NDArray[np.float64], int]:
    """Read a label file.

    Returns:
        Rectangle rows of shape (N, 5), and how many rectangles were skipped because a corner is
        NaN (the dataset has some) or they have no area.

    Raises:
        DatasetError: Missing, not numbers, or not four corners per rectangle.
    """
    corners = read_corners(path)
    rows, usable = rows_of_corners(corners)
    return rows, len(corners) - int(usable.sum())


def _read_depth(stem: Path, size: tuple[int, int]) -> NDArray[np.float32] | None:
    """Depth of a view, from its image or else its point cloud; None where it has neither."""
    image, cloud = _named(stem, "d.tiff"), _named(stem, ".txt")
    if image.exists():
        depth_m = read_depth_m(image)
        require_size(image, depth_m, size)
        return depth_m
    return read_cloud(cloud, size) if cloud.exists() else None


def _named(stem: Path, ending: str) -> Path:
    return stem.with_name(stem.name + ending)


def _read_objects(path: Path) -> dict[int, str]:
    """Object of each picture number; the list is whitespace-separated, number and object first."""
    if not path.exists():
        return {}
    try:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    objects: dict[int, str] = {}
    for number, line in enumerate(lines, 1):
        parts = line.split()
        if not parts or parts[0][0] in "%#":
            continue
        if len(parts) < 2 or not parts[0].isdecimal():
            raise DatasetError(f"{path}:{number} must start with picture number and object")
        objects[int(parts[0])] = parts[1]
    return objects
