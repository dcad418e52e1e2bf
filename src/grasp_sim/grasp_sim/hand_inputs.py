"""Switches at the ends of the jaws' way, and a light barrier between the fingertips."""

from __future__ import annotations

from grasp_core.gripper_profile import GripperProfile
from grasp_core.hand_drivers import DigitalIoDriver
from grasp_sim.world import World

_SWITCH_M = 0.001  # from the end of the way, where a switch goes on
_MOST_HITS = 6  # of a ray: two fingers, and what is between them
_NOTHING = -1


def input_levels(hand: GripperProfile, world: World, gap_m: float) -> dict[str, bool]:
    """Level of each digital input of a hand, by its line; none for a hand without."""
    driver = hand.driver
    if not isinstance(driver, DigitalIoDriver):
        return {}
    on = {
        driver.closed_input: gap_m <= _SWITCH_M,
        driver.opened_input: gap_m >= hand.max_gap_m - _SWITCH_M,
    }
    if driver.part_present_input:
        on[driver.part_present_input] = _barrier_is_broken(hand, world, gap_m)
    return {line: driver.level(line, state) for line, state in on.items() if line}


def _barrier_is_broken(hand: GripperProfile, world: World, gap_m: float) -> bool:
    """Whether a ray from finger to finger, at the middle of their pads, meets something else."""
    T_base_tcp = world.link_pose(world.robot.arm.tcp_frame)
    half, height = gap_m / 2 + hand.finger_thickness_m, -hand.pad_height_m / 2
    start, end = (T_base_tcp.apply([0.0, y, height]).tolist() for y in (-half, half))
    for number in range(_MOST_HITS):
        (hit,) = world.client.rayTestBatch([start], [end], reportHitNumber=number)
        if hit[0] == _NOTHING:
            return False
        if hit[0] != world.robot_body:
            return True
    return False
