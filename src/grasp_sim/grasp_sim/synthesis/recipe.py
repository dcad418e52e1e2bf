"""What one synthetic scene is made of, drawn from a seed and its number alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from grasp_core.cell import load_cell
from grasp_sim.config import SimConfig
from grasp_sim.objects import ObjectSet
from grasp_sim.synthesis.depth_faults import DepthFaults, draw_faults
from grasp_sim.synthesis.surroundings import Surroundings, draw_surroundings

MAX_OBJECTS = 8
VIEWS = 3  # of each scene: seeing it once more costs a fraction of making and labelling it
CAMERA_HEIGHT_M = (0.35, 1.1)
MAX_TILT_DEG = 60.0
_SINGLE_SHARE = 0.2  # of scenes; the other numbers of objects are equally frequent
_STEEP_SHARE, _STEEP_DEG = 0.4, 15.0  # of views look nearly straight down, as cells are built
_CUT_SHARE = 0.25  # of views look past the objects, and the picture's edge cuts the scene
# Below the simulated cell's 0.5: a grasp that holds here holds there, and which ones do not tells
# something.
_FRICTION = 0.4
_STREAM = 43  # keeps these draws apart from others with the same seed


@dataclass(frozen=True)
class ViewRecipe:
    """One look at a scene.

    Attributes:
        config: Simulated cell with this view's camera.
        faults: Of the depth camera.
        seed: Of texture, light and noise.
    """

    config: SimConfig
    faults: DepthFaults
    seed: int

    @property
    def camera_height_m(self) -> float:
        """Of the camera above its target."""
        tilt = math.radians(self.config.camera_tilt_deg)
        return self.config.camera_distance_m * math.cos(tilt)


@dataclass(frozen=True)
class SceneRecipe:
    """Everything that decides a scene and its pictures.

    Attributes:
        index: Number of the scene.
        objects: Names in the object set.
        seed: Of places, orientations and colours.
        surroundings: What stands round the objects.
        views: How the scene is looked at.
    """

    index: int
    objects: tuple[str, ...]
    seed: int
    surroundings: Surroundings
    views: tuple[ViewRecipe, ...]

    def elsewhere(self) -> SceneRecipe:
        """The same with every object in another place."""
        return replace(self, seed=(self.seed + 1) % 2**31)


def draw_recipe(
    objects: ObjectSet,
    base: SimConfig,
    seed: int,
    index: int,
    redraw: int = 0,
    views: int = VIEWS,
) -> SceneRecipe:
    """Draw a scene: one to eight objects, surroundings, cameras and their faults.

    Args:
        objects: Where the objects come from.
        base: What is not varied, in its cell.
        seed: Of the whole set of scenes.
        index: Number of the scene.
        redraw: Another draw for the same number, where the one before cannot be built.
        views: How often it is looked at.
    """
    rng = np.random.default_rng([abs(seed), index, _STREAM, *([redraw] if redraw else [])])
    count = 1 if rng.random() < _SINGLE_SHARE else int(rng.integers(2, MAX_OBJECTS + 1))
    chosen = _choose(objects, count, rng)
    surroundings = draw_surroundings(load_cell(base.cell), rng)
    scene_seed = int(rng.integers(2**31))
    looks = tuple(_draw_view(base, surroundings, rng) for _ in range(views))
    return SceneRecipe(index, chosen, scene_seed, surroundings, looks)


def _choose(objects: ObjectSet, count: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Different objects; of a set of several, each set and the mixture have a share of scenes."""
    sets = [list(part.paths) for part in objects.members]
    which = int(rng.integers(len(sets) + 1))
    allowed = sets if which == len(sets) else [sets[which]]
    chosen: list[str] = []
    for _ in range(count):
        names = allowed[int(rng.integers(len(allowed)))]
        name = names[int(rng.integers(len(names)))]
        if name not in chosen:
            chosen.append(name)
    return tuple(chosen)


def _draw_view(
    base: SimConfig, surroundings: Surroundings, rng: np.random.Generator
) -> ViewRecipe:
    low, high = np.log(CAMERA_HEIGHT_M)
    height_m = math.exp(rng.uniform(low, high))
    steep = rng.random() < _STEEP_SHARE
    tilt_deg = float(rng.uniform(0.0, _STEEP_DEG if steep else MAX_TILT_DEG))
    reach = 0.9 if rng.random() < _CUT_SHARE else 0.3
    x, y = np.array(surroundings.middle) + rng.uniform(-reach, reach, 2) * surroundings.half
    focal = float(base.camera_fx * rng.uniform(0.75, 1.12))
    config = replace(
        base,
        object_friction=_FRICTION,
        camera_fx=focal,
        camera_fy=focal * float(rng.uniform(0.99, 1.01)),
        camera_cx=float(base.camera_cx + rng.uniform(-8.0, 8.0)),
        camera_cy=float(base.camera_cy + rng.uniform(-8.0, 8.0)),
        camera_target=(float(x), float(y), 0.0),
        camera_distance_m=height_m / math.cos(math.radians(tilt_deg)),
        camera_tilt_deg=tilt_deg,
        camera_azimuth_deg=float(rng.uniform(-180.0, 180.0)),
        noise="none",
    )
    return ViewRecipe(config, draw_faults(rng), int(rng.integers(2**31)))
