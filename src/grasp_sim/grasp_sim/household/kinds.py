"""Kinds of household objects: sizes up to twice a hand's jaws, and the masses of real ones.

Lengths in metres, densities in kg/m^3. Whatever is changed here changes the household sets, whose
figures are then those of other objects.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping

import numpy as np

from grasp_core.errors import ConfigError
from grasp_sim.convex_mass import mass_properties
from grasp_sim.household.solids import Solid, ball, block, bow, drum, wall

_HEAVIEST_KG = 2.0
_STEEL, _WOOD, _PLASTIC, _CERAMIC, _FOAM = 7800.0, 650.0, 1000.0, 2300.0, 100.0
_EMPTY = 60.0  # the wall of a bottle, over all that it encloses


class _Chance:
    """What a draw decides."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def length(self, low: float, high: float) -> float:
        """As many small things as large ones."""
        return float(math.exp(self._rng.uniform(math.log(low), math.log(high))))

    def share(self, low: float, high: float) -> float:
        """Evenly."""
        return float(self._rng.uniform(low, high))

    def one_of(self, *choices: float) -> float:
        """Any of these."""
        return choices[int(self._rng.integers(len(choices)))]


def _box(chance: _Chance) -> list[Solid]:
    sides = [chance.length(0.03, 0.2) for _ in range(3)]
    return [block(sides, (0.0, 0.0, 0.0), chance.length(200.0, 1000.0))]


def _can(chance: _Chance) -> list[Solid]:
    radius, length = chance.length(0.02, 0.055), chance.length(0.04, 0.2)
    rim = 0.92 * radius
    return [
        drum((radius, radius), (0.0, 0.92 * length), chance.length(150.0, 1100.0)),
        drum((rim, rim), (0.92 * length, length), 300.0, "lid"),
    ]


def _bottle(chance: _Chance) -> list[Solid]:
    """Body, shoulder, neck and cap; full to a level, so that its middle of mass is low."""
    radius, length = chance.length(0.022, 0.05), chance.length(0.09, 0.2)
    neck, reach = chance.share(0.25, 0.5) * radius, chance.share(0.2, 0.4) * length
    shoulder = chance.share(0.3, 1.2) * radius
    oval = chance.one_of(1.0, chance.share(0.5, 0.9))
    cap = max(1.15 * neck, 0.01)
    level = chance.share(0.05, 1.0) * length
    full = chance.one_of(_PLASTIC, 1150.0)
    top = length + shoulder
    return [
        drum((radius, radius), (0.0, level), full, oval=oval),
        drum((radius, radius), (level, length), _EMPTY, oval=oval),
        Solid(
            np.concatenate(
                [
                    drum((radius, radius), (length, length), 0.0, oval=oval).corners,
                    drum((neck, neck), (top, top), 0.0).corners,
                ]
            ),
            _EMPTY,
        ),
        drum((neck, neck), (top, top + 0.5 * reach), 200.0),
        drum((cap, cap), (top + 0.5 * reach, top + reach), 400.0, "cap"),
    ]


def _fruit(chance: _Chance) -> list[Solid]:
    density = chance.share(800.0, 1000.0)
    shape = chance.one_of(0, 1, 2, 3)
    if shape == 0:  # an apple
        radius = chance.length(0.018, 0.045)
        return [ball((radius, radius, chance.share(0.85, 1.0) * radius), density)]
    if shape == 1:  # a lemon, a cucumber
        radius = chance.length(0.018, 0.04)
        return [ball((radius, radius, chance.share(1.2, 3.0) * radius), density)]
    if shape == 2:  # a pear
        radius = chance.length(0.025, 0.042)
        top = chance.share(0.45, 0.7) * radius
        height = chance.share(0.9, 1.3) * radius
        profile = [(0.5, -0.85), (0.9, -0.45), (1.0, 0.0), (0.8, 0.55)]
        rims = [(r * radius, z * radius) for r, z in profile]
        rims += [(top, height), (0.4 * top, height + 0.9 * top)]
        return [
            drum((low[0], high[0]), (low[1], high[1]), density)
            for low, high in itertools.pairwise(rims)
        ]
    radius, length = chance.share(0.014, 0.02), chance.share(0.13, 0.2)  # a banana
    bend = chance.share(0.5, 1.4)
    turns = np.linspace(-0.5, 0.5, 6) * bend
    middles = [(math.sin(t) * length / bend, 0.0, math.cos(t) * length / bend) for t in turns]
    return bow(middles, [radius * share for share in (0.45, 0.85, 1.0, 1.0, 0.85, 0.4)], density)


def _tool(chance: _Chance) -> list[Solid]:
    shape = chance.one_of(0, 1, 2)
    if shape == 0:  # a hammer: most of it is its head
        length, side = chance.share(0.16, 0.3), chance.share(0.016, 0.032)
        head, thick = chance.share(0.06, 0.12), chance.share(0.018, 0.03)
        place = (0.5 * (length + thick), chance.share(-0.2, 0.2) * head, 0.0)
        return [
            block((length, side, 0.8 * side), (0.0, 0.0, 0.0), chance.one_of(_WOOD, _PLASTIC)),
            block((thick, head, thick), place, _STEEL, "head"),
        ]
    if shape == 1:  # a screwdriver
        handle, radius = chance.share(0.07, 0.12), chance.share(0.01, 0.018)
        blade, thin = chance.share(0.05, 0.16), chance.share(0.0025, 0.005)
        return [
            drum((0.8 * radius, radius), (0.0, 0.7 * handle), _PLASTIC),
            drum((radius, 0.7 * radius), (0.7 * handle, handle), _PLASTIC),
            drum((thin, thin), (handle, handle + blade), _STEEL, "head"),
        ]
    length, side = chance.share(0.12, 0.24), chance.share(0.012, 0.02)  # a spanner
    thick, head = chance.share(0.005, 0.008), chance.share(1.8, 2.6) * side
    jaw = 0.35 * head
    ends = 0.5 * (length + head)
    return [
        block((length, side, thick), (0.0, 0.0, 0.0), _STEEL),
        block((head, head, thick), (-ends, 0.0, 0.0), _STEEL),
        block((head, jaw, thick), (ends, 0.5 * (head - jaw), 0.0), _STEEL),
        block((head, jaw, thick), (ends, -0.5 * (head - jaw), 0.0), _STEEL),
        block((jaw, head - 2.0 * jaw, thick), (ends - 0.5 * (head - jaw), 0, 0), _STEEL),
    ]


def _bowl(chance: _Chance) -> list[Solid]:
    radius, height = chance.length(0.045, 0.08), chance.share(0.35, 0.9)
    height *= radius
    thick, density = chance.share(0.003, 0.006), chance.one_of(_CERAMIC, _PLASTIC, _WOOD)
    foot = chance.share(0.4, 0.6) * radius
    profile = [(foot, 0.0), (0.8 * radius, 0.4 * height), (radius, height)]
    inside = foot - thick
    return [drum((inside, inside), (0.0, thick), density), *wall(profile, thick, density)]


def _mug(chance: _Chance) -> list[Solid]:
    radius, height = chance.share(0.032, 0.048), chance.share(0.07, 0.11)
    thick, density = chance.share(0.003, 0.005), chance.one_of(_CERAMIC, _PLASTIC)
    rim = chance.share(1.0, 1.15) * radius
    inside = radius - thick
    handle, reach = chance.share(0.004, 0.006), chance.share(0.02, 0.032)
    turns = np.linspace(-0.5, 0.5, 5) * math.pi
    middles = [
        (radius + reach * math.cos(t), 0.0, 0.5 * height + 0.32 * height * math.sin(t))
        for t in turns
    ]
    return [
        drum((inside, inside), (0.0, thick), density),
        *wall([(radius, 0.0), (rim, height)], thick, density),
        *bow(middles, [handle] * len(middles), density, "handle"),
    ]


def _brush(chance: _Chance) -> list[Solid]:
    """A handle, a head, and bristles that yield nothing here: brushes, brooms, toothbrushes."""
    length, side = chance.share(0.09, 0.2), chance.share(0.01, 0.025)
    head, wide = chance.share(0.025, 0.09), chance.share(0.9, 3.0) * side
    thick, hair = chance.share(0.6, 0.9) * side, chance.share(0.01, 0.035)
    material = chance.one_of(_WOOD, _PLASTIC)
    place = 0.5 * (length + head)
    return [
        block((length, side, thick), (0.0, 0.0, 0.0), material),
        block((head, wide, thick), (place, 0.0, 0.0), material),
        block((0.95 * head, 0.95 * wide, hair), (place, 0.0, 0.5 * (thick + hair)), _FOAM, "hair"),
    ]


_KINDS: Mapping[str, Callable[[_Chance], list[Solid]]] = {
    "bottle": _bottle,
    "bowl": _bowl,
    "box": _box,
    "brush": _brush,
    "can": _can,
    "fruit": _fruit,
    "mug": _mug,
    "tool": _tool,
}

KINDS = tuple(_KINDS)


def draw_solids(kind: str, rng: np.random.Generator) -> list[Solid]:
    """The parts of an object that weighs at most 2 kg; they touch and do not overlap.

    Args:
        kind: One of :data:`KINDS`.
        rng: Decides sizes and materials.

    Raises:
        ConfigError: No such kind.
    """
    if kind not in _KINDS:
        raise ConfigError(f"no kind of object {kind!r}; valid are {', '.join(KINDS)}")
    while True:
        solids = _KINDS[kind](_Chance(rng))
        corners, densities = [s.corners for s in solids], [s.density for s in solids]
        if mass_properties(corners, densities).mass_kg <= _HEAVIEST_KG:
            return solids
