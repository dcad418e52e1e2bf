"""What is really there: the simulator's knowledge, for judging results."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_core.transform import Transform
from grasp_sim.world import SimObject, World

_SUNK_M = 0.01  # a body this far below the table top has fallen off the table


@dataclass(frozen=True, eq=False)
class ObjectTruth:
    """One object as it is.

    Attributes:
        name: Its name.
        pose: Centre of mass in the base frame.
        size_m: Axis-aligned bounding box, shape (3,), metres.
        mass_kg: Kilograms.
        in_bin: Inside the drop bin and let go.
        between_fingers: Touched by both fingers.
        on_support: Touching the table.
    """

    name: str
    pose: Transform
    size_m: NDArray[np.float64]
    mass_kg: float
    in_bin: bool
    between_fingers: bool
    on_support: bool


def truth_of(world: World, thing: SimObject) -> ObjectTruth:
    """The truth about one object; where it is goes by its body."""
    touched = world.touched_by(thing)
    fingers = {(world.robot_body, world.links[n]) for n in world.robot.gripper.finger_links}
    low, high = world.extent(thing)
    return ObjectTruth(
        name=thing.name,
        pose=world.pose(thing),
        size_m=high - low,
        mass_kg=thing.mass_kg,
        in_bin=inside_bin(world, thing) and not any(b == world.robot_body for b, _ in touched),
        between_fingers=fingers <= touched,
        on_support=(world.table_body, -1) in touched,
    )


def inside_bin(world: World, thing: SimObject) -> bool:
    """Whether a body's middle is between the walls of the drop bin, and its foot below their top.

    What stands in the bin and looks over its walls is in it; what lies across them is not.
    """
    low, high = world.extent(thing)
    cell = world.cell
    offset = np.abs((low + high)[:2] / 2.0 - cell.bin_center)
    foot = low[2] - cell.support_z_m
    return bool(np.all(offset <= cell.bin_size_m / 2) and -_SUNK_M < foot < cell.bin_height_m)


def in_workspace(world: World, thing: SimObject) -> bool:
    """Whether a body's middle is where objects may come to rest, and it has not fallen off."""
    low, high = world.extent(thing)
    (x0, x1), (y0, y1) = world.config.workspace_x, world.config.workspace_y
    x, y, _ = (low + high) / 2.0
    return bool(x0 <= x <= x1 and y0 <= y <= y1 and low[2] > world.cell.support_z_m - _SUNK_M)
