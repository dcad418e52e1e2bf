"""Which objects lie in which scene: a function of the settings, the same for every detector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grasp_benchmark.closed_loop.settings import DSC, BenchmarkSettings
from grasp_sim.objects import ObjectSet
from grasp_sim.scene_seed import scene_seed

_SCENE_TRIES = 5


@dataclass(frozen=True)
class Trial:
    """One scene.

    Attributes:
        index: From 0.
        objects: Names in the object set; one may come twice.
        seed: Of the benchmark.
    """

    index: int
    objects: tuple[str, ...]
    seed: int

    def scene_seeds(self) -> Iterator[int]:
        """Seeds to try in turn until the objects come to rest."""
        for redraw in range(_SCENE_TRIES):
            yield scene_seed(self.seed, self.index, redraw)


def plan_trials(settings: BenchmarkSettings, objects: ObjectSet) -> list[Trial]:
    """All scenes of a benchmark; a longer benchmark begins with those of a shorter one."""
    if settings.protocol == DSC:
        every = list(objects.paths) * settings.trials
        return [Trial(index, (name,), settings.seed) for index, name in enumerate(every)]
    size = settings.clutter
    names = objects.draw(settings.trials * size, settings.seed)
    return [
        Trial(index, tuple(names[index * size : (index + 1) * size]), settings.seed)
        for index in range(settings.trials)
    ]
