"""Who takes part: detectors with their weights, and the oracle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from grasp_benchmark.closed_loop.code import digest_of
from grasp_core.cell import Cell
from grasp_core.errors import ConfigError
from grasp_core.robot import GripperProfile
from grasp_detection.detector import Detector
from grasp_detection.learned.weights import DEFAULT, find_weights
from grasp_detection.registry import (
    create_detector,
    find_detector,
    has_weights,
    resolve,
    split_label,
    weights_of,
)
from grasp_executor.config import PickConfig

ORACLE = "oracle"
_ORACLE_DETECTOR = "antipodal"


@dataclass(frozen=True)
class Contestant:
    """One row of the results.

    Attributes:
        label: As asked for, ``D`` or ``D:WEIGHTS``, with ``@TILT`` behind it where the camera is
            tilted, or ``oracle``.
        detector: Name in the registry.
        weights: Shipped name or path; ``default`` also for detectors that learn nothing.
        weights_digest: Of the weights' files, numbers and metadata; empty where there are none.
        camera_tilt_deg: Of the camera that it sees through, from straight down.
    """

    label: str
    detector: str
    weights: str = DEFAULT
    weights_digest: str = ""
    camera_tilt_deg: float = 0.0

    @property
    def is_oracle(self) -> bool:
        """Whether it is the reference instead of a detector."""
        return self.label == ORACLE

    @property
    def is_learned(self) -> bool:
        """Whether it computes with torch."""
        return has_weights(self.detector)


def parse_contestants(
    text: str, *, oracle: bool = True, tilts_deg: Sequence[float] = (0.0,)
) -> tuple[Contestant, ...]:
    """Detectors from ``D[:WEIGHTS][,D2...]``, each at every tilt, followed by the oracle.

    Args:
        text: The detectors.
        oracle: Whether the oracle takes part; it looks straight down.
        tilts_deg: Angles of the camera from straight down.

    Raises:
        ConfigError: No or an unknown detector, or the same one or the same tilt twice.
        WeightsError: A detector has no such weights, or none at all.
    """
    found = [_contestant(part.strip()) for part in text.split(",")]
    if len({(one.detector, one.weights_digest) for one in found}) < len(found):
        raise ConfigError(f"--detector {text!r} names a detector twice")
    if len(set(tilts_deg)) < len(tilts_deg) or not tilts_deg:
        raise ConfigError(f"--camera-tilt {list(tilts_deg)} must name each tilt once")
    tilted = tuple(
        replace(one, label=f"{one.label}@{tilt:g}", camera_tilt_deg=tilt) if tilt else one
        for one in found
        for tilt in tilts_deg
    )
    return (*tilted, Contestant(ORACLE, _ORACLE_DETECTOR)) if oracle else tilted


def _contestant(label: str) -> Contestant:
    name, asked = split_label(label)
    weights = weights_of(name, asked)
    if not weights:
        return Contestant(label, resolve(name))
    path = find_weights(find_detector(name).name, weights)
    # Calibration, size and scale stand in the metadata: they decide what is picked, too.
    files = [one for one in (path, path.with_suffix(".json")) if one.exists()]
    return Contestant(label, resolve(name), weights, digest_of(files))


def build_detector(contestant: Contestant, gripper: GripperProfile, cell: Cell) -> Detector:
    """Make a contestant's detector.

    The oracle's takes objects as wide as the executor does: noise-free widths need no reserve.

    Args:
        contestant: Whose detector.
        gripper: Gripper that will execute the grasps.
        cell: Whose workspace a learned detector looks at.

    Raises:
        WeightsError: The weights are broken or made for another detector.
        MissingDependency: A library that it needs is not installed.
    """
    if contestant.is_oracle:
        values: dict[str, Any] = {"gap_clearance_m": PickConfig().min_opening_margin_m}
    else:
        values = {"weights": contestant.weights} if contestant.is_learned else {}
    return create_detector(contestant.detector, gripper, values, cell)
