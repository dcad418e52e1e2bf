"""Joint-space search: RRT-Connect and shortcutting, by roboplan.

Source: Kuffner, LaValle, "RRT-Connect: an efficient approach to single-query path planning",
ICRA 2000.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grasp_executor.interfaces import JointVector
from grasp_executor.planning.collision import GROUP, CollisionWorld
from grasp_executor.planning.libraries import (
    RRT,
    JointConfiguration,
    JointPath,
    PathShortcutter,
    PathShortcuttingOptions,
    RRTOptions,
)

_MAX_NODES = 5000


def search_path(
    world: CollisionWorld,
    joints: tuple[str, ...],
    start: JointVector,
    goal: JointVector,
    *,
    step_rad: float,
    time_s: float,
    seed: int,
) -> NDArray[np.float64] | None:
    """Waypoints between two free configurations.

    Args:
        world: What to keep clear of.
        joints: Names, in the order of the vectors.
        start: Shape (J,), rad, within the limits.
        goal: Shape (J,), rad.
        step_rad: Between checks along a segment.
        time_s: Given up after so long.
        seed: Of the random samples.

    Returns:
        Shape (N, J), rad; None if nothing was found.
    """
    names = list(joints)
    options = RRTOptions(
        group_name=GROUP,
        max_nodes=_MAX_NODES,
        max_connection_distance=1.0,
        collision_check_step_size=step_rad,
        max_planning_time=time_s,
        rrt_connect=True,
    )
    rrt = RRT(world.scene, options)
    rrt.setRngSeed(seed)
    try:
        found = rrt.plan(JointConfiguration(names, start), JointConfiguration(names, goal))
    except RuntimeError:  # how roboplan says that it found no path
        return None
    shortcuts = PathShortcuttingOptions(
        group_name=GROUP,
        max_step_size=step_rad,
        max_iters=200,
        max_convergence_iters=50,
        seed=seed,
    )
    short: JointPath = PathShortcutter(world.scene, shortcuts).shortcut(found)
    return np.array(short.positions)
