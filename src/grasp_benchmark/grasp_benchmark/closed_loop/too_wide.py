"""Which objects nobody can hold, because they are wider than the jaws, always or as they lie.

Geometry alone decides, never what was picked: else an object at the limit would count as too wide
in just those scenes in which a detector failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grasp_benchmark.closed_loop.object_width import narrowest_m
from grasp_benchmark.closed_loop.record import TrialRecord
from grasp_sim.objects import object_set


def too_wide_objects(
    objects: str, by_label: Mapping[str, Sequence[TrialRecord]], widest_m: float
) -> list[str]:
    """Objects that are wider than the jaws open even at their narrowest.

    Args:
        objects: Name of the object set.
        by_label: Finished trials of each contestant.
        widest_m: How far the jaws open, metres.
    """
    names = {name for found in by_label.values() for record in found for name in record.objects}
    known = object_set(objects).usable(sorted(names))
    return [name for name, thing in known.items() if narrowest_m(thing.parts) > widest_m]


def too_wide_placements(
    by_label: Mapping[str, Sequence[TrialRecord]], widest_m: float
) -> set[int]:
    """Scenes in which everything is too wide for jaws from above as it lies.

    Args:
        by_label: Finished trials of each contestant.
        widest_m: How far the jaws open, metres.
    """
    return {
        record.trial
        for found in by_label.values()
        for record in found
        if record.widths_m
        and all(width is not None and width > widest_m for width in record.widths_m)
    }
