"""After letting go: nothing hangs on a finger, and what was picked has left the workspace.

What speaks against it is a failure; what cannot be seen, such as a drop zone outside the camera's
view, is not held against it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grasp_core.cell import Cell
from grasp_core.errors import NotPlaced
from grasp_core.height_map import HeightMap
from grasp_executor.grasp_pose import GraspTarget
from grasp_executor.pick_context import PickContext
from grasp_executor.surroundings import Compared

_LEAST_HEIGHT_M = 0.008  # what is lower is the noise of depth
_LEAST_SHARE = 0.25  # of what was between the jaws: so much must be gone from the workspace
_CHANGED_M, _CHANGED_CELLS = 0.006, 2  # in the drop zone
_SEEN_SHARE = 0.6  # of the drop zone, for what was not seen to count


def check_placed(context: PickContext, target: GraspTarget) -> None:
    """Close the empty hand and look, out of the camera's view.

    Args:
        context: Of the pick; its hand has let go, and the arm stands where it looks from.
        target: The grasp.

    Raises:
        NotPlaced: Something hangs on a finger; the workspace holds as much as before; or nothing
            has changed in the drop zone, though it is seen.
        GraspStackError: It cannot be told.
    """
    _close_on_nothing(context)
    robot, station = context.station.robot, context.station
    context.mover.settle(station.config.settle_s)
    observation = robot.camera.see(robot.clock.now_s(), context.mover.tick)
    compared = station.surroundings.compared(observation, target)
    if compared is not None:
        width_m, pad_m = target.width_m, station.model.gripper.pad_width_m
        judge_places(compared, station.cell, width_m * pad_m, target.top_z_m)


def _close_on_nothing(context: PickContext) -> None:
    """Close the jaws, which tells what hangs between or around them; they stay shut.

    Raises:
        NotPlaced: They do not meet as empty ones do.
    """
    station, hand = context.station, context.station.hand
    profile, state = station.model.gripper, station.robot.gripper.state()
    if not profile.reports_opening and state.inputs.closed is None:
        return  # nothing would tell
    hand.closes(profile.max_gap_m, None)
    context.jaws.close(profile.start_force_n)
    if not hand.certainly_empty(context.mover.tick):
        raise NotPlaced(
            f"the hand has let go and closes to {context.jaws.fresh_state().opening}, not as when "
            "it is empty: something hangs on a finger"
        )


def judge_places(compared: Compared, cell: Cell, between_m2: float, top_z_m: float) -> None:
    """Compare workspace and drop zone with what they were before the grasp.

    Args:
        compared: Heights before and after.
        cell: Where both are.
        between_m2: Of the grasped object, seen from above, what was between the pads.
        top_z_m: Its top, base frame.

    Raises:
        NotPlaced: They speak against it.
    """
    before, after = compared.before, compared.after
    height_m = top_z_m - cell.support_z_m
    least_m3 = _LEAST_SHARE * between_m2 * height_m
    both = before.seen & after.seen
    workspace = both & _inside(before, np.array(cell.workspace_min), np.array(cell.workspace_max))
    was_m3, is_m3 = (_volume_m3(heights, workspace) for heights in (before, after))
    # What is too low or was seen too little is not missed either.
    is_tall = _volume_m3(before, workspace & compared.region) >= 2.0 * least_m3
    if is_tall and was_m3 - is_m3 < least_m3:
        raise NotPlaced(
            f"{was_m3 * 1e6:.0f} cm3 stood in the workspace before the grasp and "
            f"{is_m3 * 1e6:.0f} cm3 do now: what was picked has not left it"
        )
    middle, half_m = np.array(cell.bin_center), cell.bin_size_m / 2.0
    drop_zone = _inside(before, middle - half_m, middle + half_m)
    seen = drop_zone & both
    # Of the whole zone: the map may end within it, where the picture does.
    seen_share = seen.sum() * before.grid.cell_m**2 / cell.bin_size_m**2
    if seen_share < _SEEN_SHARE or height_m < 2.0 * _CHANGED_M:
        return
    changed = seen & (np.abs(after.height_m - before.height_m) > _CHANGED_M)
    if changed.sum() < _CHANGED_CELLS:
        raise NotPlaced(
            f"nothing has changed in the drop zone, {100 * seen_share:.0f} % of which are seen: "
            "what was picked has not come there"
        )


def _inside(
    heights: HeightMap, low_m: NDArray[np.float64], high_m: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Cells between two corners, x and y of the base frame; shape (R, C)."""
    x, y = heights.grid.centres()
    columns, rows = (x >= low_m[0]) & (x <= high_m[0]), (y >= low_m[1]) & (y <= high_m[1])
    return np.asarray(columns[None, :] & rows[:, None])


def _volume_m3(heights: HeightMap, cells: NDArray[np.bool_]) -> float:
    """Of what stands on some cells, down to the support."""
    stands = cells & (heights.height_m > _LEAST_HEIGHT_M)
    return float(heights.height_m[stands].sum()) * heights.grid.cell_m**2
