"""What the hand's driver measures, no more and no more often than the hand's profile says."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_core.gripper_profile import GripperProfile
from grasp_sim.config import STEPS_PER_S
from grasp_sim.hand_inputs import input_levels
from grasp_sim.world import World

Vector = NDArray[np.float64]
Measurement = tuple[Vector, Vector, Vector, Mapping[str, bool]]

SMOOTHING_STEPS = 5
"""A reading of force is the mean over so many steps, 21 ms: sensors filter between readings."""

_MEMORY_S = 1.0
_BESIDES = 0.1  # share of the contacts' force that may be there besides a grip


def closing_forces(world: World, drives_n: Vector) -> Vector:
    """Contact force that presses each finger open, along its closing axis.

    A load cell in a finger feels all that acts on the finger in its direction. How much that is of
    both fingers together, their drives tell, for the fingers hardly accelerate; which of them is
    pressed, and from which side, the places of the contacts tell. What two fingers hold between
    them presses on both alike. The contacts' own forces do not say so: Bullet may keep the
    direction that a contact had when it began, so that a hand that turns seems to lose its grip by
    the cosine, and does not tell what its friction anchors bear.

    Args:
        world: After a step of physics.
        drives_n: Force of each finger's drive along its opening axis, shape (2,), newtons.

    Returns:
        Shape (2,), newtons; below 0 where something presses from outside, 0 without contact.
    """
    p, body, gripper = world.client, world.robot_body, world.robot.gripper
    T_world_tcp = world.link_pose(world.robot.arm.tcp_frame)
    fingers = T_world_tcp.rotation[:, 2]
    inside, outside = np.zeros(2), np.zeros(2)
    for index, (joint, link) in enumerate(zip(gripper.joints, gripper.finger_links, strict=True)):
        contacts = p.getContactPoints(bodyA=body, linkIndexA=world.links[link])
        if not contacts:
            continue
        opening = world.link_pose(link).rotation @ np.array(
            p.getJointInfo(body, world.joints[joint])[13]
        )
        middle_m = p.getJointState(body, world.joints[joint])[0] + gripper.finger_thickness_m / 2.0
        for contact in contacts:
            pressing = contact[9] * np.linalg.norm(np.cross(contact[7], fingers))
            place_m = (np.array(contact[5]) - T_world_tcp.translation) @ opening
            (inside if place_m < middle_m else outside)[index] += pressing
    if outside.sum() > _BESIDES * inside.sum() or not inside.any():
        return np.asarray(inside - outside)
    shares = inside / inside.sum()
    if shares.min() > _BESIDES:
        shares = np.full(2, 0.5)
    return np.asarray(shares * max(-drives_n.sum(), 0.0))


@dataclass(frozen=True, eq=False)
class HandReading:
    """One message of the hand's driver.

    Attributes:
        positions: Of each finger joint, shape (2,), metres.
        velocities: Shape (2,), m/s.
        efforts: Of each finger joint, shape (2,), newtons, below 0 where the finger presses on
            something between the fingers; NaN where the hand does not measure force.
        levels: Of each digital input, by its line.
        stamp_s: When it was published: the values are those of the last measurement.
    """

    positions: Vector
    velocities: Vector
    efforts: Vector
    levels: Mapping[str, bool]
    stamp_s: float


class HandSensor:
    """Measures at the rate of the hand's profile, and publishes at that of its driver."""

    def __init__(self, profile: GripperProfile) -> None:
        self._measured_hz = profile.joint_states_hz
        self._published_hz = profile.states_hz
        self._profile = profile
        self._forces: deque[Vector] = deque(maxlen=SMOOTHING_STEPS)
        self._measured: Measurement = np.zeros(2), np.zeros(2), np.full(2, np.nan), {}
        self._published: deque[HandReading] = deque()

    def step(
        self, step: int, world: World, positions: Vector, velocities: Vector, drives_n: Vector
    ) -> None:
        """Look on after a step of physics.

        Args:
            step: Number of steps since the clock's zero.
            world: With the contacts of that step.
            positions: Of the fingers, metres.
            velocities: Of the fingers, m/s.
            drives_n: Force of the fingers' drives, newtons, above 0 opens.
        """
        if self._profile.reports_force:
            self._forces.append(closing_forces(world, drives_n))
        if not self._published or _due(step, self._measured_hz):
            levels = input_levels(self._profile, world, float(positions.sum()))
            self._measured = positions, velocities, self._efforts(), levels
        if not self._published or _due(step, self._published_hz):
            stamp_s = step / STEPS_PER_S
            self._published.append(HandReading(*self._measured, stamp_s))
            while self._published[0].stamp_s < stamp_s - _MEMORY_S:
                self._published.popleft()

    def _efforts(self) -> Vector:
        if not self._profile.reports_force:
            return np.full(2, np.nan)
        return 0.0 - np.mean(self._forces, axis=0)

    @property
    def newest(self) -> HandReading:
        """The last message."""
        return self._published[-1]

    def measured(self) -> Measurement:
        """Positions, velocities, efforts and levels of the last measurement, see HandReading."""
        return self._measured

    def since(self, stamp_s: float) -> list[HandReading]:
        """Messages of the last second that were published after a time, oldest first."""
        return [reading for reading in self._published if reading.stamp_s > stamp_s]


def _due(step: int, rate_hz: float) -> bool:
    """Whether something that happens at a rate happens at a step."""
    share = min(rate_hz / STEPS_PER_S, 1.0)
    return int(step * share) != int((step - 1) * share)
