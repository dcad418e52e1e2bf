"""The work cell: table, workspace and drop bin, read by simulator, detector and executor alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from grasp_core.config import Checked, build, config_dir, load_yaml, setting
from grasp_core.errors import ConfigError

_TABLE_THICKNESS_M = 0.04


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

    def __post_init__(self) -> None:
        """Check each value, and that the drop bin lies outside the workspace.

        Raises:
            ConfigError: The box is empty or holds the bin's centre.
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

    def contains(self, point: ArrayLike) -> bool:
        """Whether a point, shape (3,), metres, lies in the workspace box."""
        point = np.asarray(point, dtype=np.float64)
        return bool(np.all((point >= self.workspace_min) & (point <= self.workspace_max)))

    def solids(self) -> tuple[Solid, ...]:
        """Table and bin as boxes."""
        x, y = self.table_center
        table = Solid(
            "table",
            (self.table_size_m[0], self.table_size_m[1], _TABLE_THICKNESS_M),
            (x, y, self.support_z_m - _TABLE_THICKNESS_M / 2),
        )
        return (table, *self._bin())

    def _bin(self) -> tuple[Solid, ...]:
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


def load_cell(name: str) -> Cell:
    """Read ``config/cells/NAME.yaml``.

    Raises:
        ConfigError: No such cell, or a value is wrong.
    """
    folder = config_dir() / "cells"
    path = folder / f"{name}.yaml"
    if not path.is_file():
        valid = ", ".join(sorted(p.stem for p in folder.glob("*.yaml")))
        raise ConfigError(f"no cell {name!r}; valid names are {valid}")
    return build(Cell, load_yaml(path), str(path))
