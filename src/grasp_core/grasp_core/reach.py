"""Whether an arm reaches all of a cell's workspace and its bin."""

from __future__ import annotations

import math

from grasp_core.cell import load_cell
from grasp_core.errors import ConfigError
from grasp_core.robot import RobotModel


def require_reach(robot: RobotModel, cell_name: str) -> None:
    """Refuse a cell in which the arm cannot grasp everywhere; an arm that tells no reach passes.

    Raises:
        ConfigError: The workspace or the bin lies further away than the arm reaches, or there is
            no such cell.
    """
    cell = load_cell(cell_name)
    (x0, y0, _), (x1, y1, _) = cell.workspace_min, cell.workspace_max
    reach_m = robot.arm.reach_m
    bin_x, bin_y = cell.bin_center
    furthest = {"workspace": (max(x0, x1, key=abs), max(y0, y1, key=abs)), "bin": (bin_x, bin_y)}
    for name, (x, y) in furthest.items():
        if 0.0 < reach_m < math.hypot(x, y):
            own = robot.arm.cell
            named = "" if own == cell_name else f", or take {own}, the cell that its profile names"
            raise ConfigError(
                f"the {name} of cell {cell_name} reaches to ({x:g}, {y:g}) m, "
                f"{math.hypot(x, y):.2f} m from {robot.arm.base_frame}, but {robot.name} grasps "
                f"no further than {reach_m:g} m away: move it nearer in "
                f"config/cells/{cell_name}.yaml{named}"
            )
