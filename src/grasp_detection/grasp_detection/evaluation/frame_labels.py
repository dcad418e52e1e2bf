"""What is what in a real picture: graspable objects and forbidden zones, drawn by hand.

One JSON file a picture: ``picture``, ``size`` (width, height), ``objects`` and ``forbidden``,
each a list of ``name`` and ``polygons`` (lists of [u, v], pixels, on the depth image where colour
is out of register). ``objects`` are the loose things that a hand may take; ``forbidden`` is where
no finger may go, whatever the depth image shows there: walls of bins, robots, glass.
``config/labels`` holds those of ``../shared/data/real_rgbd``, made before any detector was changed
to do well on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.config import load_yaml
from grasp_core.config_folder import config_dir
from grasp_detection.datasets.dataset import DatasetError


@dataclass(frozen=True, eq=False)
class Region:
    """A named part of a picture.

    Attributes:
        name: What it shows.
        polygons: Each of shape (N, 2), (u, v) in pixels.
    """

    name: str
    polygons: tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, eq=False)
class FrameLabels:
    """The labels of one picture.

    Attributes:
        picture: Its name.
        width: Of the picture, pixels.
        height: Of the picture, pixels.
        objects: What may be taken; empty where there is nothing to grasp.
        forbidden: Where no finger may go.
    """

    picture: str
    width: int
    height: int
    objects: tuple[Region, ...]
    forbidden: tuple[Region, ...]

    def mask(self, regions: Sequence[Region]) -> NDArray[np.bool_]:
        """Pixels of regions, shape (H, W)."""
        drawn = np.zeros((self.height, self.width), np.uint8)
        for region in regions:
            for polygon in region.polygons:
                cv2.fillPoly(drawn, [np.rint(polygon).astype(np.int32)], 1)
        return drawn > 0


def labels_folder() -> Path:
    """Where the labels of ``real_rgbd`` are."""
    return config_dir() / "labels" / "real_rgbd"


def read_labels(path: Path) -> FrameLabels:
    """Read the labels of a picture; see the module's description.

    Raises:
        ConfigError: No such file, or no JSON.
        DatasetError: It holds something else.
    """
    values = load_yaml(path)
    try:
        width, height = map(int, values["size"])
        return FrameLabels(
            str(values["picture"]),
            width,
            height,
            _regions(values["objects"]),
            _regions(values["forbidden"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"{path} holds no labels: picture, size, objects and forbidden with polygons of three "
            f"points or more ({type(error).__name__}: {error})"
        ) from error


def _regions(values: Sequence[Any]) -> tuple[Region, ...]:
    regions = []
    for value in values:
        polygons = tuple(np.array(points, np.float64) for points in value["polygons"])
        for polygon in polygons:
            if polygon.ndim != 2 or polygon.shape[0] < 3 or polygon.shape[1] != 2:
                raise ValueError(f"{value['name']} has a polygon of shape {polygon.shape}")
        regions.append(Region(str(value["name"]), polygons))
    return tuple(regions)
