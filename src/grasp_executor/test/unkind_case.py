"""A row of the catalogue of misbehaviours: what goes wrong, and what has to come of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from grasp_core.errors import Code


class Part(enum.Enum):
    """What misbehaves."""

    HAND = "Hand"
    ARM = "Arm"
    TIME = "Time"
    CAMERA = "Camera and detector"


class ArmDoes(enum.Enum):
    """What the arm does in the end."""

    FINISHES = "finishes"
    RESTS = "stops and rests"
    RETURNS = "rests at its place to look from"
    STAYS = "does not start"
    UNSURE = "is told to stop; whether it has is not known, which the message says"


class HandDoes(enum.Enum):
    """What the hand does in the end."""

    DELIVERS = "lets go over the bin"
    EMPTY = "is empty, open or shut to its empty width"
    SHUT = "stays shut on the object"
    MAY_HOLD = "is not opened: it may hold something"
    WAITS = "is left as it is"

    @property
    def holding(self) -> bool | None:
        """What the result says of it; None where either is right."""
        if self is HandDoes.WAITS:
            return None
        return self in (HandDoes.SHUT, HandDoes.MAY_HOLD)


@dataclass(frozen=True)
class Case:
    """One misbehaviour and what is promised of it; a test asserts it, a page shows it.

    Attributes:
        name: Of the test.
        part: What misbehaves.
        says: How, in words.
        arm: What the arm does.
        hand: What the hand does.
        code: How the pick ends.
    """

    name: str
    part: Part
    says: str
    arm: ArmDoes
    hand: HandDoes
    code: Code
