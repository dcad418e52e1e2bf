"""Which candidates are tried, and in which order."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grasp_core.errors import BadGoal, NoGrasp
from grasp_core.grasp import Grasp, with_label


class Policy(enum.IntEnum):
    """Selection policies; equal to the constants of grasp_msgs/action/Pick."""

    BEST = 0
    RANDOM_ABOVE = 1


@dataclass(frozen=True)
class PickGoal:
    """What a client asks for.

    Attributes:
        label: Only objects of this class; empty any.
        min_quality: Candidates below are ignored, [0, 1].
        policy: Order in which candidates are tried.
        max_attempts: Grasps before giving up.
        delicate_force_n: Most that what is grasped bears, N per finger; 0: as the hand can.
    """

    label: str = ""
    min_quality: float = 0.0
    policy: Policy = Policy.BEST
    max_attempts: int = 1
    delicate_force_n: float = 0.0

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            BadGoal: A field is out of range.
        """
        if not 0.0 <= self.min_quality <= 1.0:
            raise BadGoal(f"min_quality is {self.min_quality}, must lie in [0, 1]")
        if self.policy not in tuple(Policy):
            raise BadGoal(f"policy is {self.policy}, must be one of {[int(p) for p in Policy]}")
        if not 1 <= self.max_attempts <= 100:
            raise BadGoal(f"max_attempts is {self.max_attempts}, must lie in [1, 100]")
        if not 0.0 <= self.delicate_force_n < math.inf:
            raise BadGoal(
                f"delicate_force_n is {self.delicate_force_n}, must be a number of at least 0"
            )


def candidates_in_order(
    grasps: Sequence[Grasp], goal: PickGoal, threshold: float, rng: np.random.Generator
) -> list[Grasp]:
    """Candidates in the order in which they are to be tried.

    ``best`` goes down the ranking. ``random_above`` draws at random among those above the
    threshold, as DSGD does, and goes on down the ranking when they are used up.

    Raises:
        ObjectNotFound: No candidate carries the label.
        NoGrasp: None reaches the minimum quality.

    Source of random_above: Asif, Tang, Harrer, "Densely supervised grasp detector (DSGD)",
    AAAI 2019.
    """
    labelled = with_label(grasps, goal.label)
    good = [g for g in labelled if g.quality >= goal.min_quality]
    if not good:
        raise NoGrasp(
            f"the best of {len(labelled)} candidates has quality {labelled[0].quality:.2f}, below "
            f"the minimum of {goal.min_quality:.2f}"
        )
    if goal.policy is Policy.BEST:
        return good
    above = [g for g in good if g.quality > threshold]
    rest = [g for g in good if g.quality <= threshold]
    return [above[i] for i in rng.permutation(len(above))] + rest
