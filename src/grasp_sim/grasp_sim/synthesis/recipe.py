"""What one synthetic scene is made of, drawn from a seed and its number alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from grasp_sim.config import SimConfig
from grasp_sim.noise import PRESETS, StereoNoise
from grasp_sim.objects import ObjectSet

MAX_OBJECTS = 8
_SINGLE_SHARE = 0.3  # of scenes; the other numbers of objects are equally frequent
# Below the simulated cell's 0.5: a grasp that holds here holds there, and which ones do not tells
# something.
_FRICTION = 0.4
_STREAM = 41  # keeps these draws apart from others with the same seed


@dataclass(frozen=True)
class SceneRecipe:
    """Everything that decides a scene and its pictures.

    Attributes:
        index: Number of the scene.
        objects: Names in the object set.
        seed: Of places, orientations, colours, texture and light.
        config: Simulated cell with this scene's camera.
        noise: Of the depth camera.
    """

    index: int
    objects: tuple[str, ...]
    seed: int
    config: SimConfig
    noise: StereoNoise

    def elsewhere(self) -> SceneRecipe:
        """The same with everything in another place."""
        return replace(self, seed=(self.seed + 1) % 2**31)


def draw_recipe(
    objects: ObjectSet, base: SimConfig, seed: int, index: int, redraw: int = 0
) -> SceneRecipe:
    """Draw a scene: one to eight objects, camera pose and intrinsics, depth noise.

    Args:
        objects: Where the objects come from.
        base: What is not varied, in its cell.
        seed: Of the whole set of scenes.
        index: Number of the scene.
        redraw: Another draw for the same number, where the one before cannot be built.
    """
    rng = np.random.default_rng([abs(seed), index, _STREAM, *([redraw] if redraw else [])])
    count = 1 if rng.random() < _SINGLE_SHARE else int(rng.integers(2, MAX_OBJECTS + 1))
    names = list(objects.paths)
    chosen = rng.choice(len(names), min(count, len(names)), replace=False)
    focal = float(base.camera_fx * rng.uniform(0.9, 1.12))
    x, y, z = base.camera_target
    config = replace(
        base,
        object_friction=_FRICTION,
        camera_fx=focal,
        camera_fy=focal * float(rng.uniform(0.99, 1.01)),
        camera_cx=float(base.camera_cx + rng.uniform(-8.0, 8.0)),
        camera_cy=float(base.camera_cy + rng.uniform(-8.0, 8.0)),
        camera_target=(
            x + float(rng.uniform(-0.04, 0.04)),
            y + float(rng.uniform(-0.04, 0.04)),
            z,
        ),
        camera_distance_m=float(base.camera_distance_m * rng.uniform(0.85, 1.2)),
        # Mostly from above, as cells are built.
        camera_tilt_deg=float(30.0 * rng.random() ** 2),
        camera_azimuth_deg=float(rng.uniform(-180.0, 180.0)),
        noise="none",
    )
    typical = PRESETS["d435"]
    noise = replace(
        typical,
        subpixel_rms_px=typical.subpixel_rms_px * float(rng.uniform(0.5, 1.8)),
        correlation_px=typical.correlation_px * float(rng.uniform(0.7, 1.5)),
    )
    return SceneRecipe(
        index, tuple(names[i] for i in chosen), int(rng.integers(2**31)), config, noise
    )
