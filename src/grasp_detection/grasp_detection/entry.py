"""What the registry knows of a detector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grasp_core.cell import Cell
from grasp_core.robot import GripperProfile
from grasp_detection.detector import Detector

if TYPE_CHECKING:
    from grasp_detection.learned.family import Family


@dataclass(frozen=True)
class Entry:
    """A detector before it is built.

    Attributes:
        name: Of the detector.
        group: Prefix of its parameters in the node; networks of one family share one.
        config_class: Configuration dataclass of its settings.
        build: Makes the detector for a gripper, from such a configuration, in a cell if known.
        family: Gives a learned detector's network and what is particular to it; None for others.
    """

    name: str
    group: str
    config_class: type[Any]
    build: Callable[[GripperProfile, Any, Cell | None], Detector]
    family: Callable[[], Family] | None = None

    @property
    def is_learned(self) -> bool:
        """Whether it needs weights."""
        return self.family is not None
