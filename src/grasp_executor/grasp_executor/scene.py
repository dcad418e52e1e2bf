"""Obstacles as the planner sees them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from grasp_core.errors import ConfigError
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

    def require_consistent(self, robot: str, links: Iterable[str]) -> None:
        """Refuse a scene that contradicts itself or the robot of this name and these links.

        Raises:
            ConfigError: Two boxes share a name, a size is not above 0, or a contact names a link
                or box that does not exist.
        """
        names = [box.name for box in self.boxes]
        known_boxes, known_links = set(names), {*links, ATTACHED}
        if len(known_boxes) < len(names):
            doubled = sorted({name for name in names if names.count(name) > 1})
            raise ConfigError(f"box names must differ, {', '.join(doubled)} occur more than once")
        for box in self.boxes:
            require_volume(box)
        for link, box_name in self.contacts:
            if box_name not in known_boxes or link not in known_links:
                raise ConfigError(
                    f"contact ({link}, {box_name}) names no link of {robot} or no box of the "
                    f"scene; boxes are {', '.join(names) or 'none'}"
                )


def require_volume(box: Box) -> None:
    """Refuse a box without one.

    Raises:
        ConfigError: A side is not above 0.
    """
    if len(box.size_m) != 3 or not all(math.isfinite(side) and side > 0.0 for side in box.size_m):
        raise ConfigError(f"box {box.name} has size {box.size_m} m; all three must be above 0")
