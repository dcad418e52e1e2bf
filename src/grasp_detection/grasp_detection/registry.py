"""Detectors by name: a new one is a file of its own and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from grasp_core.config import build
from grasp_core.errors import ConfigError
from grasp_core.robot import GripperProfile
from grasp_detection.antipodal.config import AntipodalConfig
from grasp_detection.antipodal.detector import AntipodalDetector
from grasp_detection.detector import Detector

Factory = Callable[[GripperProfile, Mapping[str, Any]], Detector]


def _antipodal(gripper: GripperProfile, values: Mapping[str, Any]) -> Detector:
    return AntipodalDetector(gripper, build(AntipodalConfig, values, "detector antipodal"))


_FACTORIES: dict[str, Factory] = {
    "antipodal": _antipodal,
}


def detector_names() -> list[str]:
    """Names of all detectors, sorted."""
    return sorted(_FACTORIES)


def create_detector(
    name: str, gripper: GripperProfile, values: Mapping[str, Any] | None = None
) -> Detector:
    """Build a detector by name.

    Args:
        name: One of :func:`detector_names`.
        gripper: Gripper that will execute the grasps.
        values: Fields of the detector's own configuration; missing ones keep their default.

    Raises:
        ConfigError: No such detector, or a value is wrong.
    """
    factory = _FACTORIES.get(name)
    if factory is None:
        raise ConfigError(f"no detector {name!r}; valid names are {', '.join(detector_names())}")
    return factory(gripper, values or {})
