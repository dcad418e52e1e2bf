"""Which objects nobody can hold, because they are wider than the jaws, always or as they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grasp_bringup.benchmark.object_width import narrowest_m
from grasp_bringup.benchmark.record import TrialRecord
from grasp_core.robot import load_robot
from grasp_executor.config import PickConfig
from grasp_sim.objects import object_set

_ROBOT = "panda"


def too_wide_objects(objects: str, by_label: Mapping[str, Sequence[TrialRecord]]) -> list[str]:
    """Objects that leave the jaws no margin at their narrowest, less those that somebody picked.

    Args:
        objects: Name of the object set.
        by_label: Finished trials of each contestant.
    """
    records = [record for found in by_label.values() for record in found]
    picked = {name for record in records for name in record.cleared}
    failed = {name for record in records for name in record.objects} - picked
    known, widest_m = object_set(objects), widest_object_m()
    return sorted(name for name in failed if narrowest_m(known.path(name)) > widest_m)


def too_wide_placements(by_label: Mapping[str, Sequence[TrialRecord]]) -> set[int]:
    """Scenes in which everything is too wide for jaws from above as it lies, and none picked it.

    Args:
        by_label: Finished trials of each contestant.
    """
    records = [record for found in by_label.values() for record in found]
    picked = {record.trial for record in records if record.cleared}
    widest_m = widest_object_m()
    wide = {
        record.trial
        for record in records
        if record.widths_m
        and all(width is not None and width > widest_m for width in record.widths_m)
    }
    return wide - picked


def widest_object_m() -> float:
    """What the executor takes at most, metres."""
    return load_robot(_ROBOT).gripper.max_gap_m - PickConfig().min_opening_margin_m
