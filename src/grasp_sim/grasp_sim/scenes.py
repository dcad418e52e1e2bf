"""Seeded scenes: objects dropped one after another until all lie still in the workspace."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from grasp_core.errors import ConfigError
from grasp_core.transform import Transform
from grasp_sim.config import MAX_OBJECTS, STEPS_PER_S
from grasp_sim.objects import ObjectSet
from grasp_sim.truth import in_workspace, inside_bin
from grasp_sim.world import SimObject, World, palette

_INSET_M = 0.08  # objects fall this far inside the workspace
_DROP_CLEARANCE_M = 0.01
_STILL_M_S, _STILL_RAD_S = 0.005, 0.05
_STILL_STEPS = 24
_SETTLE_STEPS = 3 * STEPS_PER_S
_REDROPS = 10
# What stops round objects while a scene settles; at rest they need it no more.
_SETTLING_ROLLING_FRICTION_M = 0.001


def check_names(objects: ObjectSet, names: Sequence[str]) -> None:
    """Check what is to lie on the table.

    Raises:
        ConfigError: Too many or no objects, or an unknown one.
    """
    if not 1 <= len(names) <= MAX_OBJECTS:
        raise ConfigError(f"a scene has 1 to {MAX_OBJECTS} objects, got {len(names)}")
    for name in names:
        objects.path(name)


def build_scene(
    world: World, objects: ObjectSet, names: Sequence[str], seed: int, step: Callable[[], None]
) -> list[str]:
    """Drop objects into a fresh world and let them settle.

    Args:
        world: Just rebuilt.
        objects: Where the names are found.
        names: 1 to 15 objects; a name may repeat.
        seed: Of places, orientations and colours.
        step: Advances the simulation by one step.

    Returns:
        Names on the table, unique, in the order of ``names``.

    Raises:
        ConfigError: Too many or no objects, an unknown one, one that does not stay in the
            workspace, or one that lies in the drop bin.
    """
    check_names(objects, names)
    rng = np.random.default_rng([abs(seed), 1])
    colors = palette(len(names), rng)
    placed: list[SimObject] = []
    for index, name in enumerate(names):
        unique = name if name not in world.objects else f"{name}_{index}"
        rgba = colors[index] if objects.painted else None
        thing = world.add_object(unique, objects.checked(name), rgba)
        placed.append(thing)
        world.set_rolling_friction(thing, _SETTLING_ROLLING_FRICTION_M)
        _drop(world, thing, rng, len(names))
        settle(world, step, placed)
    for _ in range(_REDROPS):
        away = [thing for thing in placed if not in_workspace(world, thing)]
        if not away:
            break
        for thing in away:
            _drop(world, thing, rng, len(names))
            settle(world, step, placed)
    else:
        raise ConfigError(
            f"{away[0].name} does not come to rest in the workspace after {_REDROPS} tries: "
            "choose another seed or leave the object out"
        )
    for thing in placed:
        if inside_bin(world, thing):
            config = world.config
            raise ConfigError(
                f"{thing.name} lies in the drop bin at {world.cell.bin_center} from the start: "
                "move the bin of the cell, or the simulator's workspace_x "
                f"{config.workspace_x} and workspace_y {config.workspace_y}, elsewhere"
            )
        world.set_rolling_friction(thing, 0.0)
    return [thing.name for thing in placed]


def settle(world: World, step: Callable[[], None], things: Sequence[SimObject]) -> bool:
    """Step until all objects lie still; False when they did not in time."""
    still = 0
    for _ in range(_SETTLE_STEPS):
        step()
        moving = any(
            linear > _STILL_M_S or angular > _STILL_RAD_S
            for linear, angular in map(world.speed, things)
        )
        still = 0 if moving else still + 1
        if still >= _STILL_STEPS:
            return True
    return False


def _drop(world: World, thing: SimObject, rng: np.random.Generator, count: int) -> None:
    """Put an object a little above everything at a random place and orientation."""
    (x0, x1), (y0, y1) = world.config.workspace_x, world.config.workspace_y
    least = world.config.spread
    spread = least + (1.0 - least) * min(count - 1, 5) / 5.0
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    reach = spread * (np.array([(x1 - x0) / 2, (y1 - y0) / 2]) - _INSET_M)
    x, y = middle + rng.uniform(-1.0, 1.0, 2) * reach
    orientation = Rotation.random(random_state=rng).as_matrix()
    world.place(thing, Transform.from_rotation(orientation, (x, y, 2.0)))
    world.client.performCollisionDetection()
    (low_x, low_y, low_z), (high_x, high_y, _) = world.bounds(thing)
    top = world.cell.support_z_m
    for other in world.objects.values():
        low, high = world.bounds(other)
        overlaps = low_x < high[0] and high_x > low[0] and low_y < high[1] and high_y > low[1]
        if other is not thing and overlaps:
            top = max(top, float(high[2]))
    z = 2.0 - low_z + top + _DROP_CLEARANCE_M
    world.place(thing, Transform.from_rotation(orientation, (x, y, z)))
