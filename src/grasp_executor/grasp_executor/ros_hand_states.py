"""What a hand's joint states say of its jaws."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from grasp_core.gripper_profile import GripperProfile
from grasp_executor.interfaces import GripperState
from grasp_executor.ros_states import JointSample, JointStateCache


class JointStateHand:
    """The reading half of a Gripper whose driver publishes joint states."""

    def __init__(self, profile: GripperProfile, states: JointStateCache) -> None:
        self._profile = profile
        self._states = states
        states.remember(profile.joints)

    def state(self) -> GripperState:
        """See Gripper."""
        return _gripper_state(self._profile, self._states.read(self._profile.joints))

    def states_since(self, stamp_s: float) -> list[GripperState]:
        """See Gripper."""
        profile = self._profile
        self._states.read(profile.joints)
        samples = self._states.since(profile.joints, stamp_s)
        return [_gripper_state(profile, sample) for sample in samples]


def _gripper_state(profile: GripperProfile, joints: Sequence[JointSample]) -> GripperState:
    efforts = [abs(joint.effort) for joint in joints] if profile.reports_force else [math.nan] * 2
    return GripperState(
        profile.gap_from_joints([joint.position for joint in joints]),
        np.array(efforts),
        min(joint.stamp_s for joint in joints),
    )
