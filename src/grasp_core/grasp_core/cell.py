"""The work cell: table, workspace and drop bin, read by simulator, detector and executor alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from grasp_core.config import Checked, build, load_yaml, setting
from grasp_core.config_folder import config_dir
from grasp_core.errors import ConfigError

_TABLE_THICKNESS_M = 0.04
_TOUCHING_M = 1e-6  # boxes that share a face do not overlap


@dataclass(frozen=True)
class Solid:
    """An axis-aligned box of the cell: name, full size and centre, metres, base frame."""

    name: str
    size_m: tuple[float, float, float]
    center: tuple[float, float, float]


@dataclass(frozen=True)
class Cell(Checked):
    """Fixed surroundings of the robot, base frame, metres."""

    support_z_m: float = setting(0.0, "height of the table top, m")
    table_center: tuple[float, ...] = setting((0.45, 0.0), "x, y of the table, m", length=2)
    table_size_m: tuple[float, ...] = setting(
        (1.3, 1.7), "table along x, y, m", minimum=0.1, length=2
    )
    workspace_min: tuple[float, ...] = setting(
        (0.28, -0.28, -0.01), "lower corner of the workspace box, m", length=3
    )
    workspace_max: tuple[float, ...] = setting(
        (0.72, 0.28, 0.30), "upper corner of the workspace box, m", length=3
    )
    bin_center: tuple[float, ...] = setting((0.3, 0.5), "x, y of the drop bin, m", length=2)
    bin_size_m: float = setting(0.26, "inner side of the drop bin, m", minimum=0.05)
    bin_height_m: float = setting(0.1, "wall height of the drop bin, m", minimum=0.01)
    bin_wall_m: float = setting(0.005, "wall thickness of the drop bin, m", minimum=0.001)
    drop_height_m: float = setting(
        0.2, "grasp frame above the table when letting go, m", minimum=0.02
    )
    unknown_height_m: float = setting(
        0.35, "how tall what nobody has seen may be, above the table, m", minimum=0.02, maximum=3.0
    )
    unknown_reach_m: float = setting(
        1.3,
        "unknown space counts up to so far from the base, m: beyond what arm and object reach",
        minimum=0.1,
        maximum=10.0,
    )
    free_space: dict[str, Any] = setting(
        {},
        "boxes outside the camera's view in which nothing ever stands, by name: "
        "[x0, y0, z0, x1, y1, z1], m",
    )

    def __post_init__(self) -> None:
        """Check each value, and that bin and free space lie outside the workspace.

        Raises:
            ConfigError: The workspace is empty or holds the bin's centre, or a box of free space
                is none, or lies where the camera looks.
        """
        super().__post_init__()
        low, high = np.array(self.workspace_min), np.array(self.workspace_max)
        if np.any(low >= high):
            raise ConfigError(
                f"workspace_min {self.workspace_min} must lie below workspace_max "
                f"{self.workspace_max} on every axis"
            )
        if np.all((low[:2] < self.bin_center) & (self.bin_center < high[:2])):
            raise ConfigError(
                f"bin_center {self.bin_center} lies in the workspace: what is dropped there would "
                "be picked again; move the bin or shrink the workspace"
            )
        for name, box in self.free_space.items():
            self._check_free(name, box)

    def _check_free(self, name: str, box: Any) -> None:
        numbers = isinstance(box, list | tuple) and all(
            isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)
            for v in box
        )
        if not numbers or len(box) != 6:
            raise ConfigError(
                f"free_space {name} is {box!r}, must be six numbers [x0, y0, z0, x1, y1, z1], m"
            )
        low, high = np.array(box[:3], dtype=np.float64), np.array(box[3:], dtype=np.float64)
        if np.any(low >= high):
            raise ConfigError(
                f"free_space {name} is {box!r}: the first corner must lie below the second on "
                "every axis"
            )
        inside = np.minimum(high, self.workspace_max) - np.maximum(low, self.workspace_min)
        if np.all(inside > _TOUCHING_M):
            raise ConfigError(
                f"free_space {name} {box!r} overlaps the workspace {self.workspace_min} to "
                f"{self.workspace_max}, where the camera sees what is free: make the box smaller"
            )

    def contains(self, point: ArrayLike) -> bool:
        """Whether a point, shape (3,), metres, lies in the workspace box."""
        point = np.asarray(point, dtype=np.float64)
        return bool(np.all((point >= self.workspace_min) & (point <= self.workspace_max)))

    def free_boxes(self) -> tuple[Solid, ...]:
        """What is declared free though the camera does not see it."""
        return tuple(
            Solid(
                name,
                (box[3] - box[0], box[4] - box[1], box[5] - box[2]),
                ((box[0] + box[3]) / 2, (box[1] + box[4]) / 2, (box[2] + box[5]) / 2),
            )
            for name, box in self.free_space.items()
        )

    def free_space_text(self) -> str:
        """What is declared free, with its volume, in one sentence."""
        boxes = self.free_boxes()
        if not boxes:
            return "no free space is declared: what the camera has not seen is an obstacle"
        litres = [1e3 * float(np.prod(box.size_m)) for box in boxes]
        named = ", ".join(f"{b.name} {v:.0f} l" for b, v in zip(boxes, litres, strict=True))
        return f"declared free though nobody sees it: {named}; {sum(litres):.0f} l in all"

    def solids(self) -> tuple[Solid, ...]:
        """Table and bin as boxes."""
        x, y = self.table_center
        table = Solid(
            "table",
            (self.table_size_m[0], self.table_size_m[1], _TABLE_THICKNESS_M),
            (x, y, self.support_z_m - _TABLE_THICKNESS_M / 2),
        )
        return (table, *self.bin_solids())

    def bin_solids(self) -> tuple[Solid, ...]:
        """Floor and walls of the bin as boxes."""
        x, y = self.bin_center
        wall, height = self.bin_wall_m, self.bin_height_m
        outer, reach = self.bin_size_m + 2 * wall, (self.bin_size_m + wall) / 2
        z = self.support_z_m + height / 2
        return (
            Solid("bin_floor", (outer, outer, wall), (x, y, self.support_z_m + wall / 2)),
            Solid("bin_left", (outer, wall, height), (x, y - reach, z)),
            Solid("bin_right", (outer, wall, height), (x, y + reach, z)),
            Solid("bin_near", (wall, outer, height), (x - reach, y, z)),
            Solid("bin_far", (wall, outer, height), (x + reach, y, z)),
        )


def cell_names() -> list[str]:
    """Names of the cells under ``config/cells``."""
    return sorted(path.stem for path in (config_dir() / "cells").glob("*.yaml"))


def load_cell(name: str) -> Cell:
    """Read ``config/cells/NAME.yaml``.

    Raises:
        ConfigError: No such cell, or a value is wrong.
    """
    path = config_dir() / "cells" / f"{name}.yaml"
    if not path.is_file():
        raise ConfigError(f"no cell {name!r}; valid names are {', '.join(cell_names())}")
    return build(Cell, load_yaml(path), str(path))
