"""The networks of a family by name, without importing what carries them out."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from grasp_core.cell import Cell
from grasp_core.optional import needed_by
from grasp_core.robot import GripperProfile
from grasp_detection.detector import Detector
from grasp_detection.entry import Entry
from grasp_detection.learned.config import LearnedConfig

if TYPE_CHECKING:
    from grasp_detection.learned.family import Family


@dataclass(frozen=True)
class Members:
    """A family's networks.

    Attributes:
        group: Name of the family: prefix of its detectors' parameters.
        config_class: Settings of its detectors.
        places: Where each network's :class:`~grasp_detection.learned.family.Family` object is,
            ``module:name``, by the name of its detector.
    """

    group: str
    config_class: type[LearnedConfig]
    places: Mapping[str, str]

    def entries(self) -> Iterator[Entry]:
        """What the registry of detectors has to know of each."""
        for name, place in self.places.items():
            yield learned_entry(name, self.group, self.config_class, partial(_family, name, place))


def learned_entry(name: str, group: str, config_class: type[LearnedConfig], family: Any) -> Entry:
    """A learned detector's entry.

    Args:
        name: Of the detector.
        group: Prefix of its parameters.
        config_class: Its settings.
        family: Called without arguments, gives the Family object.
    """
    return Entry(name, group, config_class, partial(_detector, name, family), family)


def _family(name: str, place: str) -> Family:
    module, _, attribute = place.partition(":")
    with needed_by(f"detector {name}", "torch safetensors"):
        found: Family = getattr(importlib.import_module(module), attribute)
    return found


def _detector(
    name: str, family: Any, gripper: GripperProfile, config: LearnedConfig, cell: Cell | None
) -> Detector:
    with needed_by(f"detector {name}", "torch safetensors"):
        from grasp_detection.learned.detector import LearnedDetector
    return LearnedDetector(name, family(), gripper, config, cell)
