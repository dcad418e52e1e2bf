"""What is really there: the simulator's knowledge, for judging results."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_core.transform import Transform
from grasp_sim.world import SimObject, World

_ABOVE_WALL_M = 0.05


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
    """The truth about one object."""
    touched = world.touched_by(thing)
    fingers = {(world.robot_body, world.links[n]) for n in world.robot.gripper.finger_links}
    pose, bounds = world.pose(thing), world.bounds(thing)
    return ObjectTruth(
        name=thing.name,
        pose=pose,
        size_m=bounds[1] - bounds[0],
        mass_kg=thing.mass_kg,
        in_bin=inside_bin(world, pose) and not any(b == world.robot_body for b, _ in touched),
        between_fingers=fingers <= touched,
        on_support=(world.table_body, -1) in touched,
    )


def inside_bin(world: World, pose: Transform) -> bool:
    """Whether a centre of mass, base frame, lies between the walls of the drop bin."""
    cell = world.cell
    offset = np.abs(pose.translation[:2] - cell.bin_center)
    height = pose.translation[2] - cell.support_z_m
    return bool(
        np.all(offset <= cell.bin_size_m / 2) and 0.0 < height < cell.bin_height_m + _ABOVE_WALL_M
    )
