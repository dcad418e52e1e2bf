"""What stands round the objects of a synthetic scene: a table, a tray, a bin, a box to stand on.

The objects' support is always at height 0 of the base frame; floors and tables beside it lie at
several depths below. Walls and posts are there from the start; parts of a robot come into the
picture alone, since the hand that tries grasps is the only one that moves.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from grasp_core.cell import Cell, Solid
from grasp_core.transform import Transform

TABLE, TRAY, BIN, PLATFORM = KINDS = ("table", "tray", "bin", "platform")
_SHARES = (0.35, 0.15, 0.25, 0.25)
_SLAB_M = 0.03  # thickness of floors and tables
_FLOOR_M = (3.0, 3.0)
_BESIDE_M = (0.02, 0.12)  # between the objects' area and what stands beside it
_ROBOT_SHARE, _BESIDE_SHARE = 0.25, 0.4  # of scenes

Color = tuple[float, float, float, float]


@dataclass(frozen=True)
class RobotPart:
    """A box or, with ``round``, a cylinder along its own z: what is seen of a robot.

    Attributes:
        size_m: Full sides; of a cylinder both diameters and the length.
        T_base_part: Pose of its middle.
        round: Whether it is a cylinder.
        rgba: Its colour.
    """

    size_m: tuple[float, float, float]
    T_base_part: Transform
    round: bool
    rgba: Color


@dataclass(frozen=True)
class Surroundings:
    """Everything of a scene but its objects.

    Attributes:
        kind: One of :data:`KINDS`.
        cell: Its workspace is where the objects lie, between the walls if there are any.
        solids: What stands there; ``table`` is what the objects stand on.
        colors: Of the solids, by name.
        robot: What is seen of a robot.
    """

    kind: str
    cell: Cell
    solids: tuple[Solid, ...]
    colors: dict[str, Color]
    robot: tuple[RobotPart, ...]

    @property
    def middle(self) -> tuple[float, float]:
        """X and y of the middle of the objects' area."""
        low, high = self.cell.workspace_min, self.cell.workspace_max
        return 0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1])

    @property
    def half(self) -> tuple[float, float]:
        """Half of its sides along x and y."""
        low, high = self.cell.workspace_min, self.cell.workspace_max
        return 0.5 * (high[0] - low[0]), 0.5 * (high[1] - low[1])


def draw_surroundings(cell: Cell, rng: np.random.Generator) -> Surroundings:
    """Draw what stands round the objects.

    Args:
        cell: Whose workspace is the largest area for objects.
        rng: Source of chance.
    """
    kind = KINDS[int(rng.choice(len(KINDS), p=_SHARES))]
    low, high = np.array(cell.workspace_min), np.array(cell.workspace_max)
    middle, largest = 0.5 * (low + high)[:2], 0.5 * (high - low)[:2]
    least = 0.5 if kind in (TRAY, BIN) else 0.75
    half = largest * (rng.uniform(least, 1.0, 2) if kind != TABLE else 1.0)
    x, y = float(middle[0]), float(middle[1])
    area = replace(
        cell,
        support_z_m=0.0,
        workspace_min=(x - float(half[0]), y - float(half[1]), -0.01),
        workspace_max=(x + float(half[0]), y + float(half[1]), 0.3),
    )
    solids = _WAYS[kind](x, y, (float(half[0]), float(half[1])), rng)
    if rng.random() < _BESIDE_SHARE:
        solids += _beside(x, y, _outer(solids), rng)
    colors = {solid.name: _color(rng) for solid in solids}
    colors["table"] = _TABLE_RGBA  # repainted in the picture
    robot = _robot(x, y, half, rng) if rng.random() < _ROBOT_SHARE else ()
    return Surroundings(kind, area, tuple(solids), colors, robot)


_TABLE_RGBA: Color = (0.58, 0.56, 0.52, 1.0)
_Half = tuple[float, float]


def _on_table(x: float, y: float, half: _Half, rng: np.random.Generator) -> list[Solid]:
    """A table that fills the picture, or ends somewhere above a floor."""
    table = _slab("table", x, y, tuple(rng.uniform(0.7, 1.8, 2)), 0.0)
    return [table, _slab("floor", x, y, _FLOOR_M, -float(rng.uniform(0.4, 1.1)))]


def _in_tray(x: float, y: float, half: _Half, rng: np.random.Generator) -> list[Solid]:
    """Low walls, hardly deeper than the table."""
    wall, height = float(rng.uniform(0.002, 0.015)), float(rng.uniform(0.008, 0.05))
    below = -float(rng.uniform(0.001, 0.02))
    return _walled(x, y, half, wall, height, [_slab("outside", x, y, (1.6, 1.8), below)])


def _in_bin(x: float, y: float, half: _Half, rng: np.random.Generator) -> list[Solid]:
    """High walls; outside is a table, or a floor far below."""
    wall, height = float(rng.uniform(0.003, 0.02)), float(rng.uniform(0.05, 0.22))
    below = -float(rng.choice([rng.uniform(0.002, 0.05), rng.uniform(0.1, 0.8)]))
    return _walled(x, y, half, wall, height, [_slab("outside", x, y, _FLOOR_M, below)])


def _on_platform(x: float, y: float, half: _Half, rng: np.random.Generator) -> list[Solid]:
    """A box to stand on, with a table or a floor below it."""
    below = -float(rng.choice([rng.uniform(0.02, 0.15), rng.uniform(0.15, 0.8)]))
    length, width = (2.0 * h + float(rng.uniform(0.0, 0.08)) for h in half)
    top = Solid("table", (length, width, -below), (x, y, 0.5 * below))
    return [top, _slab("floor", x, y, _FLOOR_M, below)]


_WAYS = {TABLE: _on_table, TRAY: _in_tray, BIN: _in_bin, PLATFORM: _on_platform}


def _slab(name: str, x: float, y: float, sides: Sequence[float], top_m: float) -> Solid:
    return Solid(name, (float(sides[0]), float(sides[1]), _SLAB_M), (x, y, top_m - 0.5 * _SLAB_M))


def _walled(
    x: float, y: float, half: _Half, wall: float, height: float, outside: list[Solid]
) -> list[Solid]:
    """A floor with four walls on it, above what is outside."""
    (hx, hy), below = half, outside[0].center[2] + 0.5 * _SLAB_M
    outer = (2.0 * (hx + wall), 2.0 * (hy + wall))
    tall = height - below
    z = below + 0.5 * tall
    floor_m = min(_SLAB_M, -below)
    solids = [Solid("table", (*outer, floor_m), (x, y, -0.5 * floor_m)), *outside]
    for sign, side in ((-1.0, "near"), (1.0, "far")):
        place = x + sign * (hx + 0.5 * wall)
        solids.append(Solid(f"wall_{side}", (wall, outer[1], tall), (place, y, z)))
    for sign, side in ((-1.0, "left"), (1.0, "right")):
        place = y + sign * (hy + 0.5 * wall)
        solids.append(Solid(f"wall_{side}", (outer[0], wall, tall), (x, place, z)))
    return solids


def _outer(solids: Sequence[Solid]) -> _Half:
    """Half of the sides of all that is not wider than the picture."""
    table, walls = solids[0], [one for one in solids if one.name.startswith("wall")]
    sides = np.max([one.size_m[:2] for one in walls or [table]], axis=0)
    return float(min(sides[0] / 2, 0.25)), float(min(sides[1] / 2, 0.33))


def _beside(x: float, y: float, half: _Half, rng: np.random.Generator) -> list[Solid]:
    """One to three boxes and posts beside the objects' area."""
    found = []
    for number in range(int(rng.integers(1, 4))):
        length, width = rng.uniform(0.02, 0.25, 2)
        size = (float(length), float(width), float(rng.uniform(0.05, 0.5)))
        axis, sign = int(rng.integers(2)), float(rng.choice([-1.0, 1.0]))
        place = rng.uniform(-1.0, 1.0, 2) * half
        place[axis] = sign * (half[axis] + 0.5 * size[axis] + rng.uniform(*_BESIDE_M))
        z = float(rng.uniform(-0.5, 0.4)) * size[2]
        center = (x + float(place[0]), y + float(place[1]), z)
        found.append(Solid(f"beside_{number}", size, center))
    return found


def _robot(
    x: float, y: float, half: Sequence[float], rng: np.random.Generator
) -> tuple[RobotPart, ...]:
    """A hand with two fingers on a forearm, somewhere above the objects or beside them."""
    metal, dark = _grey(rng), _grey(rng)
    place = rng.uniform(-1.2, 1.2, 2) * np.asarray(half)
    T_base_hand = Transform.from_rpy(
        (*rng.uniform(-0.5, 0.5, 2), rng.uniform(-math.pi, math.pi)),
        (x + place[0], y + place[1], rng.uniform(0.16, 0.45)),
    )
    gap = float(rng.uniform(0.01, 0.05))
    length = float(rng.uniform(0.3, 0.8))
    parts = [
        ((0.06, 0.2, 0.07), (0.0, 0.0, 0.0), False, metal),
        ((0.02, 0.02, 0.06), (0.0, gap, -0.065), False, dark),
        ((0.02, 0.02, 0.06), (0.0, -gap, -0.065), False, dark),
        ((0.1, 0.1, length), (0.0, 0.0, 0.035 + 0.5 * length), True, metal),
    ]
    return tuple(
        RobotPart(size, T_base_hand @ Transform.from_translation(*offset), is_round, rgba)
        for size, offset, is_round, rgba in parts
    )


def _grey(rng: np.random.Generator) -> Color:
    value = float(rng.uniform(0.1, 0.95))
    return value, value, value, 1.0


def _color(rng: np.random.Generator) -> Color:
    hue, saturation, value = rng.random(), rng.random() ** 2, rng.uniform(0.1, 0.95)
    return (*colorsys.hsv_to_rgb(float(hue), float(saturation), float(value)), 1.0)
