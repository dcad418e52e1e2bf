"""Obstacles as the planner sees them."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.transform import Transform

ATTACHED = "attached"
"""Stands for the carried box in :attr:`CollisionScene.contacts`."""

UNKNOWN = "unknown"
"""Begins the names of boxes that stand for space that nobody has seen."""


@dataclass(frozen=True)
class Box:
    """A solid box.

    Attributes:
        name: Unique in its scene.
        size_m: Full extents along its own x, y, z, metres.
        pose: Pose of its centre in the base frame (scene) or the tcp frame (attached).
        padded: Whether the planner adds its safety padding.
    """

    name: str
    size_m: tuple[float, float, float]
    pose: Transform
    padded: bool = True


@dataclass(frozen=True)
class CollisionScene:
    """Everything the arm must not touch.

    Attributes:
        boxes: Obstacles in the base frame.
        contacts: Pairs (robot link, box name) that may touch; the link ``ATTACHED`` is the box
            carried by the hand, if any.
    """

    boxes: tuple[Box, ...] = ()
    contacts: tuple[tuple[str, str], ...] = ()
