"""Posts: columns that stand beside the ways of the hand, as a cell that nobody has tidied."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pybullet
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.errors import ConfigError
from grasp_core.transform import Transform
from grasp_sim.world import World

RADIUS_M = (0.015, 0.025)
HEIGHT_M = (0.05, 0.30)
_BEYOND_M = (0.005, 0.045)  # between workspace and post: what can be grasped is not a post
_BESIDE_WAY_M = (0.06, 0.16)  # from a way's middle line to the post's axis
_ALONG_OBJECT_M = 0.08  # how far a post may stand along the workspace's edge from an object
_OBJECT_GAP_M = 0.03
_BIN_GAP_M = 0.02
_POST_GAP_M = 0.06
_ROBOT_GAP_M = 0.05
_IMAGE_MARGIN_PX = 3
_TRIES = 2000
_RGBA = (0.75, 0.74, 0.70, 1.0)


@dataclass(frozen=True)
class Post:
    """A column on the table: axis x, y, radius and height, metres."""

    x: float
    y: float
    radius_m: float
    height_m: float


def place_posts(
    world: World, camera: PinholeCamera, T_base_camera: Transform, count: int, seed: int
) -> tuple[Post, ...]:
    """Put posts around the objects on the table.

    The first stands beside the way from the objects to the drop bin, every second one after it as
    well; the others near an object, where the arm comes down and goes up. All stand outside the
    workspace, with their feet in the camera's view, away from bin, objects, robot and each other.

    Args:
        world: With its objects at rest and the arm where picks begin.
        camera: Intrinsics.
        T_base_camera: Pose of the optical frame.
        count: How many.
        seed: Of places and sizes.

    Returns:
        The posts, in the order of their names ``post_0``, ``post_1``, ...

    Raises:
        ConfigError: There is no place for so many.
    """
    rng = np.random.default_rng([abs(seed), 2])
    centers = np.array([world.pose(thing).translation[:2] for thing in world.objects.values()])
    posts: list[Post] = []
    for _ in range(_TRIES):
        if len(posts) == count:
            break
        radius, height = float(rng.uniform(*RADIUS_M)), float(rng.uniform(*HEIGHT_M))
        target = centers[rng.integers(len(centers))]
        if len(posts) % 2 == 0:
            x, y = _beside_way(world, target, rng)
        else:
            x, y = _near(world, target, radius, rng)
        post = Post(float(x), float(y), radius, height)
        seen = _foot_in_view(post, world.cell.support_z_m, camera, T_base_camera)
        if seen and _is_free(world, post, posts):
            add_post(world, f"post_{len(posts)}", post)
            posts.append(post)
    else:
        raise ConfigError(
            f"no place for {count} posts beside {len(centers)} objects after {_TRIES} tries: ask "
            "for fewer posts, or choose another seed"
        )
    return tuple(posts)


def add_post(world: World, name: str, post: Post) -> None:
    """Stand a column on the table that nothing moves."""
    p, radius, height = world.client, post.radius_m, post.height_m
    body = p.createMultiBody(
        0.0,
        p.createCollisionShape(pybullet.GEOM_CYLINDER, radius=radius, height=height),
        p.createVisualShape(
            pybullet.GEOM_CYLINDER,
            radius=radius,
            length=height,
            rgbaColor=_RGBA,
            specularColor=(0, 0, 0),
        ),
        basePosition=(post.x, post.y, world.cell.support_z_m + height / 2),
    )
    p.changeDynamics(body, -1, lateralFriction=1.0)
    world.fixed[name] = int(body)


def _beside_way(
    world: World, start: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """A point beside the straight line from an object to the middle of the bin."""
    way = np.array(world.cell.bin_center) - start
    along, across = way * rng.uniform(0.2, 0.9), np.array([-way[1], way[0]])
    across /= np.linalg.norm(across)
    return start + along + across * rng.uniform(*_BESIDE_WAY_M) * rng.choice([-1.0, 1.0])


def _near(
    world: World, target: NDArray[np.float64], radius: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """A point just beyond the nearest edges of the workspace, about where an object lies."""
    low, high = np.array(world.cell.workspace_min[:2]), np.array(world.cell.workspace_max[:2])
    axis, side = int(rng.integers(2)), int(rng.integers(2))
    beyond = radius + rng.uniform(*_BEYOND_M)
    point = target + rng.uniform(-_ALONG_OBJECT_M, _ALONG_OBJECT_M, 2)
    point[axis] = high[axis] + beyond if side else low[axis] - beyond
    return point


def _foot_in_view(
    post: Post, support_z_m: float, camera: PinholeCamera, T_base_camera: Transform
) -> bool:
    """Whether the post's foot lies in the image; its head may be cut off."""
    turns = np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False)
    rim = np.column_stack(
        [
            post.x + post.radius_m * np.cos(turns),
            post.y + post.radius_m * np.sin(turns),
            np.full(len(turns), support_z_m),
        ]
    )
    pixels = camera.project(T_base_camera.inverse().apply(rim))
    margin = _IMAGE_MARGIN_PX
    most = np.array([camera.width, camera.height]) - 1 - margin
    return bool(np.all((pixels >= margin) & (pixels <= most)))


def _is_free(world: World, post: Post, others: list[Post]) -> bool:
    """Whether nothing stands or lies where the post would."""
    cell, place, radius = world.cell, np.array([post.x, post.y]), post.radius_m
    low, high = np.array(cell.workspace_min[:2]), np.array(cell.workspace_max[:2])
    if _distance(place, low, high) < radius + _BEYOND_M[0] - 1e-9:
        return False
    half = cell.bin_size_m / 2 + cell.bin_wall_m
    center = np.array(cell.bin_center)
    if _distance(place, center - half, center + half) < radius + _BIN_GAP_M:
        return False
    for other in others:
        apart = float(np.hypot(post.x - other.x, post.y - other.y))
        if apart < radius + other.radius_m + _POST_GAP_M:
            return False
    for thing in world.objects.values():
        bounds = world.bounds(thing)
        if _distance(place, bounds[0, :2], bounds[1, :2]) < radius + _OBJECT_GAP_M:
            return False
    return _robot_is_clear(world, post)


def _robot_is_clear(world: World, post: Post) -> bool:
    """Whether the robot, as it stands, is away from the post; by bounding boxes."""
    p, z = world.client, world.cell.support_z_m
    reach = post.radius_m + _ROBOT_GAP_M
    p.performCollisionDetection()
    touched = p.getOverlappingObjects(
        (post.x - reach, post.y - reach, z),
        (post.x + reach, post.y + reach, z + post.height_m + _ROBOT_GAP_M),
    )
    return not any(body == world.robot_body for body, _ in touched or ())


def _distance(
    place: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> float:
    """Distance of a point from a rectangle, 0 inside, metres."""
    return float(np.linalg.norm(np.maximum(np.maximum(low - place, place - high), 0.0)))
