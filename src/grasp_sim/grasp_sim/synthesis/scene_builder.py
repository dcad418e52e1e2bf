"""Synthetic scenes, built and photographed one after another in one world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pybullet
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_sim.camera import camera_pose, intrinsics
from grasp_sim.config import SimConfig
from grasp_sim.objects import joined_sets
from grasp_sim.picture import draw
from grasp_sim.synthesis.appearance import lit
from grasp_sim.synthesis.classes import class_of
from grasp_sim.synthesis.free_hand import free_hand
from grasp_sim.synthesis.pile import pile
from grasp_sim.synthesis.recipe import SceneRecipe, draw_recipe
from grasp_sim.synthesis.surroundings import RobotPart
from grasp_sim.synthesis.trials import GraspTrials, park_hand
from grasp_sim.world import TABLE_RGBA, World

_TOP_TOLERANCE_M = 0.002
_MIN_PIXELS = 50  # of an object that counts as seen
# The labels' camera: high above, so that it looks straight down on all of the objects' area.
_ABOVE_M = 2.0
_ABOVE_PX = 480
_ABOVE_SHOWS_M = 0.76  # at the support


@dataclass(frozen=True, eq=False)
class TrueView:
    """A scene from straight above its support, exact.

    Attributes:
        depth_m: Shape (H, W), float32, metres; NaN where there is nothing.
        instances: Shape (H, W), uint8, number of the object, 0 elsewhere.
        names: Name on the table by number, of all objects.
        camera: Intrinsics.
        T_base_camera: Pose of the optical frame.
    """

    depth_m: NDArray[np.float32]
    instances: NDArray[np.uint8]
    names: dict[int, str]
    camera: PinholeCamera
    T_base_camera: Transform


@dataclass(frozen=True, eq=False)
class SyntheticView:
    """One scene as a camera sees it, and as it is.

    Attributes:
        color: Shape (H, W, 3), uint8, RGB.
        depth_m: Shape (H, W), float32, metres, exact; NaN where there is nothing.
        noisy_depth_m: The same as the camera measures it; NaN where it measures nothing.
        instances: Shape (H, W), uint8, number of the object, 0 elsewhere.
        names: Name on the table by number, of what is seen.
        classes: Class name by number.
        camera: Intrinsics.
        T_base_camera: Pose of the optical frame.
    """

    color: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    noisy_depth_m: NDArray[np.float32]
    instances: NDArray[np.uint8]
    names: dict[int, str]
    classes: dict[int, str]
    camera: PinholeCamera
    T_base_camera: Transform


class SceneBuilder:
    """One world in which scene after scene is built; the same recipe gives the same scene."""

    def __init__(self, config: SimConfig, objects: str, robot: RobotModel) -> None:
        """Build an empty world.

        Args:
            config: Cell and renderer.
            objects: Object sets, with commas between them.
            robot: Whose hand tries the grasps.

        Raises:
            ConfigError: No such object set.
            MissingDependency: The renderer does not work here.
        """
        self._config = config.in_cell()
        self.objects = joined_sets(objects)
        self._world = World(config, free_hand(robot))

    @property
    def renderer(self) -> str:
        """What draws the pictures: ``egl`` or ``tiny``."""
        return self._world.renderer

    def close(self) -> None:
        """Release PyBullet."""
        self._world.close()

    def recipe(self, seed: int, index: int, redraw: int = 0, *, views: int) -> SceneRecipe:
        """Draw what a scene is made of; see :func:`draw_recipe`."""
        return draw_recipe(self.objects, self._config, seed, index, redraw, views)

    def build(self, recipe: SceneRecipe) -> GraspTrials:
        """Build a scene and let it come to rest; the robot is not in the picture yet.

        Raises:
            ConfigError: No object stays between the walls.
        """
        world, around = self._world, recipe.surroundings
        world.config = recipe.views[0].config
        world.cell, world.solids, world.colors = around.cell, around.solids, around.colors
        world.rebuild()
        park_hand(world)
        pile(world, self.objects, recipe.objects, around, recipe.seed)
        return GraspTrials(world)

    def look_from_above(self, recipe: SceneRecipe) -> TrueView:
        """What is there to be grasped from above, without a robot in the way."""
        world, (x, y) = self._world, recipe.surroundings.middle
        focal, middle = _ABOVE_PX * _ABOVE_M / _ABOVE_SHOWS_M, (_ABOVE_PX - 1) / 2.0
        camera = PinholeCamera(_ABOVE_PX, _ABOVE_PX, focal, focal, middle, middle)
        T_base_camera = Transform.from_rotation(np.diag([1.0, -1.0, -1.0]), (x, y, _ABOVE_M))
        _, depth_m, bodies = draw(world, camera, T_base_camera)
        names = dict(enumerate(world.objects, 1))
        return TrueView(depth_m, self._instances(bodies), names, camera, T_base_camera)

    def show_robot(self, recipe: SceneRecipe) -> None:
        """Bring what is seen of a robot into the picture; nothing collides with it."""
        for part in recipe.surroundings.robot:
            _show(self._world, part)

    def photograph(self, recipe: SceneRecipe, view: int) -> SyntheticView:
        """Draw the scene that stands, as one of the recipe's views."""
        world, look = self._world, recipe.views[view]
        camera, T_base_camera = intrinsics(look.config), camera_pose(look.config)
        rng = np.random.default_rng([look.seed, 2])
        color, depth_m, bodies = draw(world, camera, T_base_camera)
        on_table = (bodies == world.table_body) & _at_height(0.0, depth_m, camera, T_base_camera)
        instances = self._instances(bodies)
        counts = np.bincount(instances.ravel(), minlength=len(world.objects) + 1)
        seen = {
            number: thing
            for number, thing in enumerate(world.objects.values(), 1)
            if counts[number] >= _MIN_PIXELS
        }
        instances[~np.isin(instances, list(seen))] = 0
        return SyntheticView(
            lit(color, depth_m, on_table, TABLE_RGBA[:3], camera, T_base_camera, 0.0, rng),
            depth_m,
            look.faults.apply(depth_m, bodies, camera, rng),
            instances,
            {number: thing.name for number, thing in seen.items()},
            {number: class_of(thing.name, thing.size_m) for number, thing in seen.items()},
            camera,
            T_base_camera,
        )

    def _instances(self, bodies: NDArray[np.int32]) -> NDArray[np.uint8]:
        things = self._world.objects.values()
        number_of = np.zeros(max(int(bodies.max()), *(one.body for one in things)) + 2, np.uint8)
        for number, thing in enumerate(things, 1):
            number_of[thing.body] = number
        return np.asarray(number_of[bodies])  # body -1, nothing, is the last


def _show(world: World, part: RobotPart) -> None:
    p, size = world.client, part.size_m
    shape = (
        {"shapeType": pybullet.GEOM_CYLINDER, "radius": size[0] / 2, "length": size[2]}
        if part.round
        else {"shapeType": pybullet.GEOM_BOX, "halfExtents": [side / 2 for side in size]}
    )
    p.createMultiBody(
        0.0,
        -1,
        p.createVisualShape(rgbaColor=part.rgba, specularColor=(0, 0, 0), **shape),
        basePosition=part.T_base_part.translation.tolist(),
        baseOrientation=part.T_base_part.quaternion.tolist(),
    )


def _at_height(
    z_m: float, depth_m: NDArray[np.float32], camera: PinholeCamera, T_base_camera: Transform
) -> NDArray[np.bool_]:
    """Pixels whose surface lies at a height of the base frame: on the table, not on its sides."""
    axis = T_base_camera.rotation[2]
    across = axis[0] * (np.arange(camera.width) - camera.cx) / camera.fx + axis[2]
    down = axis[1] * (np.arange(camera.height) - camera.cy) / camera.fy
    along = across.astype(np.float32) + down.astype(np.float32)[:, None]
    height = along * depth_m + np.float32(T_base_camera.translation[2] - z_m)
    return np.asarray(np.abs(height) < _TOP_TOLERANCE_M)
