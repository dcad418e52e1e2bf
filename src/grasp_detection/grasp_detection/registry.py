"""Detectors by name: a new one is a file of its own and one line here.

A family of learned detectors brings its own list. What lies outside this tree is named by its
file, ``FILE.py:CLASS``, or is found as an entry point of an installed package; see
:mod:`grasp_detection.external`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grasp_core.cell import Cell
from grasp_core.config import build
from grasp_core.errors import ConfigError
from grasp_core.robot import GripperProfile
from grasp_detection.antipodal.config import AntipodalConfig
from grasp_detection.antipodal.detector import AntipodalDetector
from grasp_detection.det_seg_refine.members import DET_SEG_REFINE
from grasp_detection.detector import Detector
from grasp_detection.dsgd.members import DSGD
from grasp_detection.entry import Entry
from grasp_detection.external import (
    entry_from_file,
    installed_entry,
    installed_names,
    is_file_name,
)
from grasp_detection.grasp_scorer.members import GRASP_SCORERS
from grasp_detection.learned.weights import (
    DEFAULT as DEFAULT_WEIGHTS,
)
from grasp_detection.learned.weights import (
    WeightsError,
    default_weights,
    find_weights,
    shipped_names,
)
from grasp_detection.maps.members import MAPS
from grasp_detection.ranking import PictureDetector

DEFAULT = "default"
_DEFAULT_DETECTOR = "dsc_graspnet"  # what picks best in closed loop on development objects
_ANTIPODAL = Entry("antipodal", "antipodal", AntipodalConfig, AntipodalDetector)
_LEARNED = (MAPS, GRASP_SCORERS, DET_SEG_REFINE, DSGD)
_ENTRIES = {
    entry.name: entry
    for entry in (_ANTIPODAL, *(entry for members in _LEARNED for entry in members.entries()))
}


def resolve(name: str) -> str:
    """The detector that a name means.

    ``default`` is the one that picks best; hyphens are as good as underscores; a file is named by
    its whole path, so that every process finds it.
    """
    if is_file_name(name):
        return entry_from_file(name)[0]
    return _DEFAULT_DETECTOR if name == DEFAULT else name.replace("-", "_")


def own_detectors() -> list[str]:
    """Names of the detectors that come with this stack, sorted."""
    return sorted(_ENTRIES)


def detector_names() -> list[str]:
    """Names of all detectors that come with this stack or are installed beside it, sorted."""
    return sorted({*installed_names(), *_ENTRIES})


def find_detector(name: str) -> Entry:
    """Look a detector up.

    Raises:
        ConfigError: No such detector.
    """
    if is_file_name(name):
        return entry_from_file(name)[1]
    resolved = resolve(name)
    if resolved in _ENTRIES:
        return _ENTRIES[resolved]
    for installed in installed_names():
        if resolved == resolve(installed):
            return installed_entry(installed)
    names = ", ".join([*detector_names(), DEFAULT])
    raise ConfigError(
        f"no detector {name!r}; valid names are {names}, or FILE.py:CLASS for one of your own"
    )


def find_learned(name: str) -> Entry:
    """Look a learned detector up.

    Raises:
        ConfigError: No such detector, or it learns nothing.
    """
    entry = find_detector(name)
    if not entry.is_learned:
        learned = [one for one in detector_names() if find_detector(one).is_learned]
        raise ConfigError(
            f"detector {entry.name} is not learned; learned ones are {', '.join(learned)}"
        )
    return entry


def has_weights(name: str) -> bool:
    """Whether a detector is a learned one.

    Raises:
        ConfigError: No such detector.
    """
    return find_detector(name).is_learned


def split_label(label: str) -> tuple[str, str]:
    """Detector and weights of ``D`` or ``D:WEIGHTS``; empty weights where none are named."""
    file, is_file, rest = label.partition(".py:")
    if not is_file:
        name, _, weights = label.partition(":")
        return name, weights
    attribute, _, weights = rest.partition(":")
    return f"{file}.py:{attribute}", weights


def weights_of(name: str, weights: str, *, depth: bool = True) -> str:
    """Weights of a detector as every process finds them: a shipped name, or a whole path.

    Args:
        name: Of the detector.
        weights: Shipped name, ``default`` or empty for the best ones, or a path.
        depth: Whether there will be depth to look at, not colour alone.

    Returns:
        Empty for detectors that learn nothing.

    Raises:
        ConfigError: No such detector.
        WeightsError: It has no such weights, or none at all.
    """
    entry = find_detector(name)
    wanted = weights or DEFAULT_WEIGHTS
    if not entry.is_learned:
        if wanted != DEFAULT_WEIGHTS:
            raise WeightsError(
                f"detector {entry.name} is not learned: it has no weights {weights!r}"
            )
        return ""
    if wanted == DEFAULT_WEIGHTS:
        wanted = default_weights(entry.name, depth=depth)
    path = find_weights(entry.name, wanted)
    return wanted if wanted in shipped_names(entry.name) else str(path.resolve())


def create_detector(
    name: str,
    gripper: GripperProfile,
    values: Mapping[str, Any] | None = None,
    cell: Cell | None = None,
) -> Detector:
    """Build a detector by name.

    Args:
        name: One of :func:`detector_names`, ``default``, or ``FILE.py:CLASS``.
        gripper: Gripper that will execute the grasps.
        values: Settings of the detector; missing ones keep their default.
        cell: Where it will be used, if known.

    Raises:
        ConfigError: No such detector, or a value is wrong.
    """
    entry = find_detector(name)
    config = build(entry.config_class, values or {}, f"detector {entry.name}")
    return entry.build(gripper, config, cell)


def create_picture_detector(name: str, values: Mapping[str, Any] | None = None) -> PictureDetector:
    """Build a detector for bare pictures, without camera and gripper, as datasets need it.

    Args:
        name: See :func:`create_detector`.
        values: Settings of the detector; missing ones keep their default.

    Raises:
        ConfigError: No such detector, a value is wrong, or it needs more than a picture.
        MissingDependency: A library that it needs is not installed.
        WeightsError: The weights are missing, broken or made for another network.
    """
    entry = find_detector(name)
    config = build(entry.config_class, values or {}, f"detector {entry.name}")
    if entry.family is None:
        raise ConfigError(
            f"detector {entry.name} needs a camera's intrinsics and a gripper: on bare pictures "
            "only learned detectors can be measured"
        )
    family = entry.family()
    from grasp_detection.learned.model import LearnedModel

    return LearnedModel.load(entry.name, family, config)
