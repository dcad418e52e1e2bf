"""Detectors by name: a new one is a file of its own and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from grasp_core.config import build, settings_of
from grasp_core.errors import ConfigError
from grasp_core.optional import needed_by
from grasp_core.robot import GripperProfile
from grasp_detection.antipodal.config import AntipodalConfig
from grasp_detection.antipodal.detector import AntipodalDetector
from grasp_detection.detector import Detector
from grasp_detection.learned.config import GenerativeConfig


@dataclass(frozen=True)
class Entry:
    """What the registry knows of a detector.

    Attributes:
        config_class: Configuration dataclass of its settings.
        build: Makes the detector for a gripper from such a configuration.
    """

    config_class: type
    build: Callable[[GripperProfile, Any], Detector]


def _generative(name: str) -> Entry:
    def build_one(gripper: GripperProfile, config: GenerativeConfig) -> Detector:
        with needed_by(f"detector {name}", "torch safetensors"):
            from grasp_detection.learned.detector import GenerativeDetector
        return GenerativeDetector(name, gripper, config)

    return Entry(GenerativeConfig, build_one)


# The networks of grasp_detection.maps.networks.registry, which is not read before one is wanted.
_GENERATIVE = ("dsc_graspnet", "efcn", "efcn_angle", "efcn_full", "fast", "gg_cnn2", "gr_convnet")
_DETECTORS: dict[str, Entry] = {
    "antipodal": Entry(AntipodalConfig, AntipodalDetector),
    **{name: _generative(name) for name in _GENERATIVE},
}

DEFAULT = "default"
_DEFAULT_DETECTOR = "dsc_graspnet"  # what picks best in closed loop on development objects


def resolve(name: str) -> str:
    """The detector that a name means.

    ``default`` is the one that picks best; hyphens are as good as underscores.
    """
    return _DEFAULT_DETECTOR if name == DEFAULT else name.replace("-", "_")


def has_weights(name: str) -> bool:
    """Whether a detector is a learned one.

    Raises:
        ConfigError: No such detector.
    """
    return "weights" in settings_of(find_detector(name).config_class)


def detector_names() -> list[str]:
    """Names of all detectors, sorted."""
    return sorted(_DETECTORS)


def find_detector(name: str) -> Entry:
    """Look a detector up.

    Raises:
        ConfigError: No such detector.
    """
    entry = _DETECTORS.get(resolve(name))
    if entry is None:
        names = ", ".join([*detector_names(), DEFAULT])
        raise ConfigError(f"no detector {name!r}; valid names are {names}")
    return entry


def create_detector(
    name: str, gripper: GripperProfile, values: Mapping[str, Any] | None = None
) -> Detector:
    """Build a detector by name.

    Args:
        name: One of :func:`detector_names`, or ``default``.
        gripper: Gripper that will execute the grasps.
        values: Settings of the detector; missing ones keep their default.

    Raises:
        ConfigError: No such detector, or a value is wrong.
    """
    entry = find_detector(name)
    return entry.build(gripper, build(entry.config_class, values or {}, f"detector {name}"))
