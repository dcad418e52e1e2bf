"""Synthetic scenes, built and photographed one after another in one world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_sim.camera import camera_pose, intrinsics
from grasp_sim.config import SimConfig
from grasp_sim.objects import object_set
from grasp_sim.picture import draw
from grasp_sim.scenes import build_scene
from grasp_sim.synthesis.appearance import lit
from grasp_sim.synthesis.free_hand import free_hand
from grasp_sim.synthesis.recipe import SceneRecipe, draw_recipe
from grasp_sim.synthesis.shapes import shape_class
from grasp_sim.synthesis.trials import GraspTrials, park_hand
from grasp_sim.world import TABLE_RGBA, World

_TOP_TOLERANCE_M = 0.002
_MIN_PIXELS = 50  # of an object that counts as seen


@dataclass(frozen=True, eq=False)
class SyntheticView:
    """One scene as the camera sees it, and as it is.

    Attributes:
        color: Shape (H, W, 3), uint8, RGB.
        depth_m: Shape (H, W), float32, metres, exact; NaN where there is nothing.
        noisy_depth_m: The same as the camera measures it; NaN also in shadows.
        instances: Shape (H, W), uint8, number of the object, 0 elsewhere.
        names: Name on the table by number.
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

    def __init__(self, config: SimConfig, robot: RobotModel) -> None:
        """Build an empty world.

        Args:
            config: Cell, object set and renderer.
            robot: Whose hand tries the grasps.

        Raises:
            ConfigError: No such object set.
            MissingDependency: The renderer does not work here.
        """
        self._config = config.in_cell()
        self.objects = object_set(config.objects)
        self._world = World(config, free_hand(robot))

    @property
    def renderer(self) -> str:
        """What draws the pictures: ``egl`` or ``tiny``."""
        return self._world.renderer

    def close(self) -> None:
        """Release PyBullet."""
        self._world.close()

    def recipe(self, seed: int, index: int, redraw: int = 0) -> SceneRecipe:
        """Draw what a scene is made of; see :func:`draw_recipe`."""
        return draw_recipe(self.objects, self._config, seed, index, redraw)

    def build(self, recipe: SceneRecipe) -> GraspTrials:
        """Build a scene and let it come to rest.

        Raises:
            ConfigError: An object does not stay in the workspace.
        """
        world = self._world
        world.config = recipe.config
        world.rebuild()
        park_hand(world)
        build_scene(world, self.objects, recipe.objects, recipe.seed, world.step)
        return GraspTrials(world)

    def photograph(self, recipe: SceneRecipe) -> SyntheticView:
        """Draw the scene that stands."""
        world, config = self._world, recipe.config
        camera, T_base_camera = intrinsics(config), camera_pose(config)
        rng = np.random.default_rng([recipe.seed, 2])
        color, depth_m, bodies = draw(world, camera, T_base_camera)
        support_z_m = world.cell.support_z_m
        on_table = (bodies == world.table_body) & _at_height(
            support_z_m, depth_m, camera, T_base_camera
        )
        instances = np.zeros(depth_m.shape, np.uint8)
        names: dict[int, str] = {}
        classes: dict[int, str] = {}
        for number, thing in enumerate(world.objects.values(), 1):
            mine = bodies == thing.body
            if np.count_nonzero(mine) >= _MIN_PIXELS:
                instances[mine] = number
                names[number], classes[number] = thing.name, shape_class(thing.size_m)
        return SyntheticView(
            lit(color, on_table, TABLE_RGBA[:3], camera, T_base_camera, support_z_m, rng),
            depth_m,
            recipe.noise.apply(depth_m, camera.fx, rng),
            instances,
            names,
            classes,
            camera,
            T_base_camera,
        )


def _at_height(
    z_m: float, depth_m: NDArray[np.float32], camera: PinholeCamera, T_base_camera: Transform
) -> NDArray[np.bool_]:
    """Pixels whose surface lies at a height of the base frame: on the table, not on its sides."""
    v, u = np.mgrid[: camera.height, : camera.width]
    rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(u.shape)])
    height = np.einsum("j,jvu->vu", T_base_camera.rotation[2], rays) * depth_m
    return np.abs(height + T_base_camera.translation[2] - z_m) < _TOP_TOLERANCE_M
