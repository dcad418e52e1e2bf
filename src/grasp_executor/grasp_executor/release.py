"""Letting go because an operator says so: where the hand would open, and opening it there."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.errors import GraspStackError
from grasp_core.transform import Transform
from grasp_executor.jaws import Jaws
from grasp_executor.motion import Mover
from grasp_executor.station import Station


@dataclass(frozen=True)
class ReleaseReport:
    """What came of a release, or would.

    Attributes:
        success: The hand is open; before it was confirmed: it could be opened here.
        message: One sentence.
        T_base_grasp: Where the fingertips are, base frame; None unknown.
        height_m: Fingertips above the support, metres; NaN unknown.
    """

    success: bool
    message: str
    T_base_grasp: Transform | None = None
    height_m: float = float("nan")


def release_hand(station: Station, confirm: bool) -> ReleaseReport:
    """Open the hand where it is; the arm does not move.

    Args:
        station: Whose arm is at rest, and no pick running.
        confirm: False only tells where it would open.
    """
    robot, hand = station.robot, station.hand
    robot.clock.begin()
    mover = Mover(robot.arm, robot.clock, station.config.tick_s, lambda: False)
    try:
        joints, state = robot.arm.state().positions, robot.gripper.state()
        T_base_grasp = robot.planner.forward(joints)
        height_m = float(T_base_grasp.translation[2]) - station.cell.support_z_m
        x, y, z = T_base_grasp.translation
        where = f"at x {x:.3f}, y {y:.3f}, z {z:.3f} m, {height_m * 1000:.0f} mm above the support"
        if not mover.at_rest():
            return ReleaseReport(False, f"the arm moves, {where}", T_base_grasp, height_m)
        if not confirm:
            held = "may hold something" if hand.may_hold() else "is empty"
            message = f"the hand, {state.opening}, {held}; it would open {where}"
            return ReleaseReport(True, message, T_base_grasp, height_m)
        # Where it closed, neighbours may stand beside the jaws.
        there = hand.stands_where_it_closed(joints)
        opening_m = hand.opening_m if there else station.model.gripper.max_gap_m
        jaws = Jaws(robot.gripper, robot.clock, mover, station.config, station.model.gripper)
        jaws.open(opening_m, station.model.gripper.start_force_n)
        station.emptied(opening_m)
        robot.planner.set_gap(opening_m)
    except GraspStackError as failure:
        return ReleaseReport(False, f"{failure.code.name}: {failure}")
    return ReleaseReport(True, f"the hand has opened {where}", T_base_grasp, height_m)
