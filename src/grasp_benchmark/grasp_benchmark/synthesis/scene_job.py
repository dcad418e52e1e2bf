"""Making one scene, in whatever process: built, labelled, photographed, written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grasp_core.errors import GraspStackError
from grasp_sim.config import SimConfig


@dataclass(frozen=True)
class SceneJob:
    """One scene to be made.

    Attributes:
        root: Folder of the dataset, absolute.
        config: Cell and renderer.
        objects: Object sets, with commas between them.
        seed: Of the dataset.
        index: Number of the scene.
        views: How many pictures are taken of it.
    """

    root: Path
    config: SimConfig
    objects: str
    seed: int
    index: int
    views: int


def attempt_scene(job: SceneJob) -> str:
    """Make a scene; what went wrong, in one sentence, empty for nothing."""
    # Not above: PyBullet greets whoever imports it, and only workers need it.
    from grasp_benchmark.synthesis.scene_maker import make_scene

    try:
        make_scene(job)
    except GraspStackError as error:
        return str(error)
    return ""
