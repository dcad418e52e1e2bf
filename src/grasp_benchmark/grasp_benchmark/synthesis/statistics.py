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
        pictures: Of them.
        unlabelled: Pictures in which nothing can be grasped.
        by_objects: Scenes by number of objects.
        surroundings: Scenes by what stands round the objects.
        with_robot: Scenes with parts of a robot in the picture.
        classes: Objects that can be seen, by class.
        object_names: Different objects.
        grasps: Labels of all pictures.
        candidates: What geometry found, before trials and estimates dropped some.
        trials: Tried grasps by outcome.
        tilts_deg: Camera tilt of each picture.
        heights_m: Camera height of each picture.
        measured: Share of each picture's pixels with depth.
    """

    scenes: int = 0
    pictures: int = 0
    unlabelled: int = 0
    by_objects: Counter[int] = field(default_factory=Counter)
    surroundings: Counter[str] = field(default_factory=Counter)
    with_robot: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    object_names: set[str] = field(default_factory=set)
    grasps: int = 0
    candidates: int = 0
    trials: Counter[str] = field(default_factory=Counter)
    tilts_deg: list[float] = field(default_factory=list)
    heights_m: list[float] = field(default_factory=list)
    measured: list[float] = field(default_factory=list)

    def add(self, about: dict[str, Any]) -> None:
        """Count a scene's file."""
        self.scenes += 1
        self.by_objects[len(about["objects"])] += 1
        self.surroundings[about["surroundings"]] += 1
        self.with_robot += about["robot"]
        self.object_names.update(about["objects"])
        self.candidates += about["candidates"]
        self.trials.update(outcome for _, outcome in about["trials"])
        for view in about["views"]:
            self.pictures += 1
            self.unlabelled += not view["grasps"]
            self.classes.update(view["classes"].values())
            self.grasps += view["grasps"]
            self.tilts_deg.append(view["camera_tilt_deg"])
            self.heights_m.append(view["camera_height_m"])
            self.measured.append(view["measured"])

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        values = asdict(self)
        values["object_names"] = len(self.object_names)
        for name in ("tilts_deg", "heights_m", "measured"):
            del values[name]
        return values

    def rows(self) -> list[tuple[str, str]]:
        """What and how many, for a table."""
        tried = sum(self.trials.values())
        rows = [
            ("scenes", str(self.scenes)),
            *((f"  {name}", str(count)) for name, count in sorted(self.surroundings.items())),
            ("  with a robot", str(self.with_robot)),
            ("pictures", str(self.pictures)),
            ("pictures without a grasp", str(self.unlabelled)),
            ("pixels with depth", f"{100.0 * sum(self.measured) / max(self.pictures, 1):.0f} %"),
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
