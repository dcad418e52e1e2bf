"""What a folder of synthetic scenes holds, from the files that each scene leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from grasp_benchmark.synthesis.files import read_scene
from grasp_sim.synthesis.hold import Hold


@dataclass
class Statistics:
    """Counts over scenes.

    Attributes:
        scenes: How many are finished.
        unlabelled: Scenes in which nothing can be grasped.
        by_objects: Scenes by number of objects.
        classes: Objects that can be seen, by class.
        object_names: Different objects.
        grasps: Labels.
        candidates: What geometry found, before trials and estimates dropped some.
        trials: Tried grasps by outcome.
        tilts_deg: Camera tilt of each scene.
    """

    scenes: int = 0
    unlabelled: int = 0
    by_objects: Counter[int] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    object_names: set[str] = field(default_factory=set)
    grasps: int = 0
    candidates: int = 0
    trials: Counter[str] = field(default_factory=Counter)
    tilts_deg: list[float] = field(default_factory=list)

    def add(self, about: dict[str, Any]) -> None:
        """Count a scene's ``_scene.json``."""
        self.scenes += 1
        self.unlabelled += not about["grasps"]
        self.by_objects[len(about["objects"])] += 1
        self.classes.update(about["classes"].values())
        self.object_names.update(about["objects"])
        self.grasps += about["grasps"]
        self.candidates += about["candidates"]
        self.trials.update(outcome for _, outcome in about["trials"])
        self.tilts_deg.append(about["camera_tilt_deg"])

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        values = asdict(self)
        values["object_names"] = len(self.object_names)
        del values["tilts_deg"]
        return values

    def rows(self) -> list[tuple[str, str]]:
        """What and how many, for a table."""
        tried = sum(self.trials.values())
        rows = [
            ("scenes", str(self.scenes)),
            ("scenes without a grasp", str(self.unlabelled)),
            ("different objects", str(len(self.object_names))),
            ("objects seen", str(sum(self.classes.values()))),
            *((f"  of class {name}", str(count)) for name, count in sorted(self.classes.items())),
            ("grasps found by geometry", str(self.candidates)),
            ("grasps labelled", str(self.grasps)),
            ("grasps tried", str(tried)),
        ]
        for outcome in (hold.value for hold in Hold):
            count = self.trials[outcome]
            rows.append((f"  {outcome}", f"{count} ({100.0 * count / max(tried, 1):.1f} %)"))
        return rows


def statistics_of(root: Path, indices: Iterable[int]) -> Statistics:
    """Count the scenes that are finished.

    Raises:
        ConfigError: A scene's file is broken.
    """
    found = Statistics()
    for index in indices:
        about = read_scene(root, index)
        if about is not None:
            found.add(about)
    return found
