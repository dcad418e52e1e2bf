"""Synthetic scenes: a recipe gives one scene alone, and the free hand tells good from bad."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
import pytest

from grasp_core.cell import load_cell
from grasp_core.errors import ConfigError
from grasp_core.robot import load_robot
from grasp_core.transform import Transform
from grasp_sim.camera import camera_pose, intrinsics
from grasp_sim.config import SimConfig
from grasp_sim.synthesis.appearance import lit
from grasp_sim.synthesis.free_hand import JOINTS, PARKED, free_hand, joints_at
from grasp_sim.synthesis.hold import Hold
from grasp_sim.synthesis.scene_builder import SceneBuilder
from grasp_sim.synthesis.shapes import shape_class
from grasp_sim.synthesis.trials import GraspTrials, park_hand
from grasp_sim.world import World


def _config() -> SimConfig:
    return SimConfig(
        objects="dev",
        renderer="tiny",
        image_width=160,
        image_height=120,
        camera_fx=154.0,
        camera_fy=154.0,
        camera_cx=79.5,
        camera_cy=59.5,
    )


@pytest.fixture(scope="module")
def builder() -> Iterator[SceneBuilder]:
    builder = SceneBuilder(_config(), load_robot("panda"))
    yield builder
    builder.close()


@pytest.fixture
def hand_world() -> Iterator[World]:
    world = World(SimConfig(renderer="tiny"), free_hand(load_robot("panda")))
    yield world
    world.close()


def _grasp(x: float, y: float, z: float, closing: float) -> Transform:
    turned = Transform.from_rpy((0.0, 0.0, closing - math.pi / 2)).rotation
    down = turned @ np.diag([1.0, -1.0, -1.0])
    return Transform.from_rotation(down, (x, y, z))


@pytest.mark.parametrize("closing", [0.0, 0.7, -1.2, 2.9])
def test_the_free_hand_reaches_any_pose_from_above(hand_world: World, closing: float) -> None:
    wanted = _grasp(0.4, -0.1, 0.2, closing)
    for name, value in zip(JOINTS, joints_at(wanted), strict=True):
        hand_world.client.resetJointState(hand_world.robot_body, hand_world.joints[name], value)
    distance, turn = hand_world.link_pose("panda_hand_tcp").distance_to(wanted)
    assert distance < 1e-4
    assert turn < 1e-3


def test_a_slanting_approach_is_refused() -> None:
    slanting = Transform.from_rpy((2.6, 0.0, 0.0), (0.5, 0.0, 0.1))
    with pytest.raises(ConfigError, match="straight above"):
        joints_at(slanting)


def _bar(world: World) -> GraspTrials:
    """A bar of 3 x 12 x 3 cm along y, on the table."""
    world.add_box("bar", (0.03, 0.12, 0.03), Transform.from_translation(0.5, 0.0, 0.015))
    park_hand(world)
    for _ in range(30):
        world.step()
    return GraspTrials(world)


def test_a_grasp_across_a_bar_holds_and_one_along_it_collides(hand_world: World) -> None:
    trials = _bar(hand_world)
    rest = hand_world.pose(hand_world.object("bar"))
    assert trials.try_grasp("bar", _grasp(0.5, 0.0, 0.01, 0.0), 0.05) is Hold.HELD
    assert trials.try_grasp("bar", _grasp(0.5, 0.0, 0.01, math.pi / 2), 0.08) is Hold.COLLIDES
    assert trials.try_grasp("bar", _grasp(0.6, 0.0, 0.01, 0.0), 0.05) is Hold.EMPTY
    assert hand_world.pose(hand_world.object("bar")).distance_to(rest)[0] < 1e-6


def test_a_neighbour_in_the_way_is_a_collision_and_lies_where_it_lay(hand_world: World) -> None:
    hand_world.add_box("wall", (0.02, 0.1, 0.08), Transform.from_translation(0.54, 0.0, 0.04))
    trials = _bar(hand_world)
    assert trials.try_grasp("bar", _grasp(0.5, 0.0, 0.01, 0.0), 0.05) is Hold.COLLIDES
    wall = hand_world.object("wall")
    assert hand_world.client.getDynamicsInfo(wall.body, -1)[0] == pytest.approx(wall.mass_kg)


def test_the_same_recipe_gives_the_same_view_whatever_was_built_before(
    builder: SceneBuilder,
) -> None:
    recipe = builder.recipe(seed=3, index=11)
    builder.build(recipe)
    first = builder.photograph(recipe)
    other = builder.recipe(seed=3, index=12)
    assert other != recipe
    builder.build(other)
    builder.build(builder.recipe(seed=3, index=11))
    again = builder.photograph(recipe)
    np.testing.assert_array_equal(first.color, again.color)
    np.testing.assert_array_equal(first.noisy_depth_m, again.noisy_depth_m)
    np.testing.assert_array_equal(first.instances, again.instances)


def test_a_view_shows_its_objects_above_the_table(builder: SceneBuilder) -> None:
    recipe = builder.recipe(seed=3, index=11)
    builder.build(recipe)
    view = builder.photograph(recipe)
    assert set(np.unique(view.instances)) == {0, *view.names}
    assert len(view.names) <= len(recipe.objects)
    assert view.classes.keys() == view.names.keys()
    # Objects are nearer than the table around them.
    v, u = np.nonzero(view.instances)
    z = view.depth_m[v, u]
    rays = np.stack(
        [(u - view.camera.cx) / view.camera.fx, (v - view.camera.cy) / view.camera.fy, 0 * u + 1]
    )
    height = view.T_base_camera.apply((rays * z).T)[:, 2]
    assert np.median(height) > 0.005
    assert height.max() < 0.3


def test_a_table_at_another_height_is_repainted_as_a_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell = dataclasses.replace(load_cell("tabletop"), support_z_m=0.1)
    monkeypatch.setattr("grasp_sim.world.load_cell", lambda name: cell)
    given = {}

    def painted(color, on_table, rgb, camera, T_base_camera, support_z_m, rng):
        given.update(on_table=on_table, support_z_m=support_z_m)
        return color

    monkeypatch.setattr("grasp_sim.synthesis.scene_builder.lit", painted)
    builder = SceneBuilder(_config(), load_robot("panda"))
    try:
        recipe = builder.recipe(seed=3, index=11)
        builder.build(recipe)
        view = builder.photograph(recipe)
    finally:
        builder.close()
    assert given["support_z_m"] == 0.1
    empty = view.instances == 0
    assert given["on_table"][empty].mean() > 0.9  # the table fills the picture
    assert not given["on_table"][~empty].any()


def test_the_pattern_lies_on_the_table_at_any_height() -> None:
    camera, config = intrinsics(_config()), _config()
    color = np.full((camera.height, camera.width, 3), 128, np.uint8)
    table = np.ones(color.shape[:2], bool)

    def seen(raised_m: float, support_z_m: float) -> np.ndarray:
        pose = Transform.from_translation(0.0, 0.0, raised_m) @ camera_pose(config)
        rng = np.random.default_rng(4)
        return lit(color, table, (0.5, 0.5, 0.5), camera, pose, support_z_m, rng).astype(int)

    assert np.abs(seen(0.1, 0.1) - seen(0.0, 0.0)).max() <= 1
    assert np.abs(seen(0.1, 0.0) - seen(0.0, 0.0)).max() > 1


def test_the_hand_is_never_in_the_picture() -> None:
    assert PARKED[2] > 2.0 * SimConfig().camera_distance_m


def test_recipes_differ_and_stay_in_bounds(builder: SceneBuilder) -> None:
    recipes = [builder.recipe(seed=1, index=index) for index in range(200)]
    assert {len(recipe.objects) for recipe in recipes} == set(range(1, 9))
    assert len({recipe.config.camera_tilt_deg for recipe in recipes}) == 200
    assert max(recipe.config.camera_tilt_deg for recipe in recipes) <= 30.0
    assert all(len(set(recipe.objects)) == len(recipe.objects) for recipe in recipes)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((0.02, 0.1, 0.02), "bar"),
        ((0.1, 0.02, 0.11), "plate"),
        ((0.05, 0.06, 0.07), "block"),
        ((0.2, 0.05, 0.01), "lath"),
    ],
)
def test_shapes_have_names(size: tuple[float, ...], expected: str) -> None:
    assert shape_class(size) == expected
