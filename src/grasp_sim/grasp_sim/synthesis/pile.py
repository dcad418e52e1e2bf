"""Objects let fall together: quicker than in turn; what lands elsewhere is left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from grasp_core.errors import ConfigError
from grasp_core.transform import Transform
from grasp_sim.config import STEPS_PER_S
from grasp_sim.objects import ObjectSet
from grasp_sim.synthesis.surroundings import Surroundings
from grasp_sim.world import SimObject, World, palette

_HIGH_M = 2.0  # where an object is turned before it is known how far it reaches
_CLEARANCE_M = 0.01
_SETTLE_STEPS = 3 * STEPS_PER_S
_LOOK_STEPS = 12  # between looks at what still moves
_STILL_M_S, _STILL_RAD_S = 0.005, 0.05
_ROLLING_FRICTION_M = 0.001  # stops round objects while they settle; at rest they need it no more
_SPREAD = 0.85  # of the area's half: nearer to its border objects come to rest by themselves


def pile(
    world: World, objects: ObjectSet, names: Sequence[str], around: Surroundings, seed: int
) -> None:
    """Let objects fall into a fresh world until they lie still.

    Args:
        world: Just rebuilt.
        objects: Where the names are found.
        names: Different ones.
        around: Where they are to lie.
        seed: Of places, orientations and colours.

    Raises:
        ConfigError: None of them stays, or their files cannot be used.
    """
    rng = np.random.default_rng([abs(seed), 1])
    colors = palette(len(names), rng)
    for name, rgba in zip(names, colors, strict=True):
        thing = world.add_object(
            name, objects.checked(name), rgba if objects.paints(name) else None
        )
        world.set_rolling_friction(thing, _ROLLING_FRICTION_M)
        _hang(world, thing, around, rng)
    _settle(world)
    for thing in list(world.objects.values()):
        if not _stays(world, thing):
            world.remove(thing.name)
        else:
            world.set_rolling_friction(thing, 0.0)
    if not world.objects:
        raise ConfigError(f"none of {', '.join(names)} comes to rest between the walls")


def _hang(world: World, thing: SimObject, around: Surroundings, rng: np.random.Generator) -> None:
    """Put an object above the others, between the walls."""
    turn = Rotation.random(random_state=rng).as_matrix()
    wanted = np.array(around.middle) + _SPREAD * rng.uniform(-1.0, 1.0, 2) * around.half
    world.place(thing, Transform.from_rotation(turn, (*wanted, _HIGH_M)))
    low, high = world.extent(thing)
    # What would reach over a wall is moved inwards, or to the middle where it is too large.
    room = np.maximum(np.array(around.half) - 0.5 * (high - low)[:2], 0.0)
    shift = 0.5 * (low + high)[:2] - wanted
    place = np.clip(wanted + shift, around.middle - room, around.middle + room) - shift
    moved = place - wanted
    free = _free_below(world, thing, low[:2] + moved, high[:2] + moved)
    z = _HIGH_M - float(low[2]) + _CLEARANCE_M + free
    world.place(thing, Transform.from_rotation(turn, (*place, z)))


def _free_below(
    world: World, thing: SimObject, low: NDArray[np.float64], high: NDArray[np.float64]
) -> float:
    """Height above which nothing hangs where an object is to fall."""
    top = 0.0
    for other in world.objects.values():
        if other is thing:
            continue
        other_low, other_high = world.extent(other)
        if np.all(low < other_high[:2]) and np.all(high > other_low[:2]):
            top = max(top, float(other_high[2]))
    return top


def _settle(world: World) -> None:
    for _ in range(_SETTLE_STEPS // _LOOK_STEPS):
        for _ in range(_LOOK_STEPS):
            world.step()
        speeds = [world.speed(thing) for thing in world.objects.values()]
        if all(linear < _STILL_M_S and angular < _STILL_RAD_S for linear, angular in speeds):
            return


def _stays(world: World, thing: SimObject) -> bool:
    """Whether an object lies still, between the walls, on what it is to lie on."""
    low, high = world.extent(thing)
    middle = 0.5 * (low + high)
    inside = world.cell.contains((middle[0], middle[1], max(float(middle[2]), 0.0)))
    linear, angular = world.speed(thing)
    still = linear < 10 * _STILL_M_S and angular < 10 * _STILL_RAD_S
    return bool(inside and still and low[2] > -_CLEARANCE_M)
