"""Synthetic scenes: a recipe gives one scene alone, and the free hand tells good from bad."""

from __future__ import annotations

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
from grasp_sim.objects import joined_sets
from grasp_sim.synthesis.appearance import lit
from grasp_sim.synthesis.classes import CLASSES, class_of, shape_class
from grasp_sim.synthesis.depth_faults import draw_faults
from grasp_sim.synthesis.free_hand import JOINTS, PARKED, free_hand, joints_at
from grasp_sim.synthesis.hold import Hold
from grasp_sim.synthesis.recipe import CAMERA_HEIGHT_M, MAX_TILT_DEG, SceneRecipe, draw_recipe
from grasp_sim.synthesis.scene_builder import SceneBuilder
from grasp_sim.synthesis.surroundings import BIN, KINDS, TABLE, draw_surroundings
from grasp_sim.synthesis.trials import GraspTrials, park_hand
from grasp_sim.world import World


def _config() -> SimConfig:
    return SimConfig(
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
    builder = SceneBuilder(_config(), "dev", load_robot("panda"))
    yield builder
    builder.close()


def _recipe(builder: SceneBuilder, index: int, seed: int = 3) -> SceneRecipe:
    return builder.recipe(seed, index, views=2)


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
    recipe = _recipe(builder, 11)
    builder.build(recipe)
    builder.show_robot(recipe)
    first = builder.photograph(recipe, 1)
    other = _recipe(builder, 12)
    assert other != recipe
    builder.build(other)
    builder.build(_recipe(builder, 11))
    builder.show_robot(recipe)
    again = builder.photograph(recipe, 1)
    np.testing.assert_array_equal(first.color, again.color)
    np.testing.assert_array_equal(first.noisy_depth_m, again.noisy_depth_m)
    np.testing.assert_array_equal(first.instances, again.instances)


def test_a_view_shows_its_objects_above_the_support(builder: SceneBuilder) -> None:
    recipe = _recipe(builder, 11)
    builder.build(recipe)
    for view in (builder.photograph(recipe, 0), builder.look_from_above(recipe)):
        numbers = set(np.unique(view.instances)) - {0}
        assert numbers
        assert numbers <= view.names.keys()
        assert len(view.names) <= len(recipe.objects)
        v, u = np.nonzero(view.instances)
        points = view.camera.rays(np.column_stack([u, v])) * view.depth_m[v, u][:, None]
        height = view.T_base_camera.apply(points)[:, 2]
        assert np.median(height) > 0.005
        assert height.max() < 0.3


def test_what_is_seen_of_a_robot_hides_things_and_touches_none(builder: SceneBuilder) -> None:
    recipe = next(
        recipe
        for recipe in (_recipe(builder, index) for index in range(50))
        if recipe.surroundings.robot
    )
    trials = builder.build(recipe)
    before = builder.look_from_above(recipe)
    builder.show_robot(recipe)
    after = builder.look_from_above(recipe)
    assert isinstance(trials, GraspTrials)
    nearer = after.depth_m < before.depth_m - 0.01
    assert nearer.sum() > 100
    assert not after.instances[nearer].any()
    np.testing.assert_array_equal(after.instances[~nearer], before.instances[~nearer])


def test_the_pattern_lies_on_the_table_at_any_height() -> None:
    camera, config = intrinsics(_config()), _config()
    color = np.full((camera.height, camera.width, 3), 128, np.uint8)
    table = np.ones(color.shape[:2], bool)

    def seen(raised_m: float, support_z_m: float) -> np.ndarray:
        pose = Transform.from_translation(0.0, 0.0, raised_m) @ camera_pose(config)
        rng = np.random.default_rng(4)
        flat = np.full(table.shape, 0.75, np.float32)
        seen = lit(color, flat, table, (0.5, 0.5, 0.5), camera, pose, support_z_m, rng)
        return seen.astype(int)

    assert np.abs(seen(0.1, 0.1) - seen(0.0, 0.0)).max() <= 1
    assert np.abs(seen(0.1, 0.0) - seen(0.0, 0.0)).max() > 1


def test_the_hand_is_never_in_the_picture(builder: SceneBuilder) -> None:
    assert PARKED[2] > 1.5 * CAMERA_HEIGHT_M[1]
    assert PARKED[2] > builder.look_from_above(_recipe(builder, 11)).T_base_camera.translation[2]


def test_recipes_differ_and_stay_in_bounds(builder: SceneBuilder) -> None:
    recipes = [_recipe(builder, index, seed=1) for index in range(200)]
    assert {len(recipe.objects) for recipe in recipes} == set(range(1, 9))
    assert {recipe.surroundings.kind for recipe in recipes} == set(KINDS)
    assert all(len(set(recipe.objects)) == len(recipe.objects) for recipe in recipes)
    views = [view for recipe in recipes for view in recipe.views]
    tilts = [view.config.camera_tilt_deg for view in views]
    heights = [view.camera_height_m for view in views]
    assert len(set(tilts)) == 400
    assert 55.0 < max(tilts) <= MAX_TILT_DEG
    assert CAMERA_HEIGHT_M[0] - 1e-9 <= min(heights) < 0.4
    assert 1.0 < max(heights) <= CAMERA_HEIGHT_M[1] + 1e-9


def test_a_scene_draws_from_one_set_or_from_several() -> None:
    sets = joined_sets("dev,household")
    recipes = [draw_recipe(sets, _config().in_cell(), 1, index, views=1) for index in range(60)]
    kinds = [{name[0].isdigit() for name in recipe.objects} for recipe in recipes]
    assert {True} in kinds
    assert {False} in kinds
    assert {True, False} in kinds
    assert sets.paints("000")
    assert not sets.paints(next(name for name in sets.paths if not name[0].isdigit()))
    with pytest.raises(ConfigError, match="more than one holds"):
        joined_sets("dev,dev")


def test_walls_stand_round_the_objects_and_nothing_stands_above_their_support() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_surroundings(load_cell("tabletop"), rng) for _ in range(100)]
    for around in drawn:
        table = around.solids[0]
        assert table.name == "table"
        assert table.center[2] + table.size_m[2] / 2 == pytest.approx(0.0)
        low, high = np.array(around.cell.workspace_min), np.array(around.cell.workspace_max)
        for solid in around.solids:
            center, half = np.array(solid.center), np.array(solid.size_m) / 2
            if center[2] + half[2] > 1e-6:
                overlap = np.minimum(high, center + half) - np.maximum(low, center - half)
                assert overlap[:2].min() < 1e-6, (around.kind, solid)
        walls = [solid for solid in around.solids if solid.name.startswith("wall")]
        assert len(walls) == (0 if around.kind in (TABLE, "platform") else 4)
    tallest = max(s.center[2] + s.size_m[2] / 2 for a in drawn if a.kind == BIN for s in a.solids)
    assert tallest > 0.15


def test_faults_lose_pixels_and_let_some_fly_at_edges() -> None:
    camera = intrinsics(SimConfig())
    depth_m = np.full((camera.height, camera.width), 0.8, np.float32)
    bodies = np.zeros(depth_m.shape, np.int32)
    depth_m[200:280, 260:380] = 0.7
    bodies[200:280, 260:380] = 1
    drawn = [draw_faults(np.random.default_rng(seed)) for seed in range(20)]
    measured = [
        faults.apply(depth_m, bodies, camera, np.random.default_rng(0)) for faults in drawn
    ]
    shares = [float(np.isfinite(one).mean()) for one in measured]
    assert min(shares) < 0.9
    assert max(shares) > 0.97
    for faults, one in zip(drawn, measured, strict=True):
        flying = (one > 0.72) & (one < 0.78)
        v, u = np.nonzero(flying)
        assert len(v) > 0 or faults.flying < 0.02
        near_edge = (np.abs(v - 199.5) < 5) | (np.abs(v - 279.5) < 5)
        near_edge |= (np.abs(u - 259.5) < 5) | (np.abs(u - 379.5) < 5)
        assert np.count_nonzero(near_edge) >= 0.95 * len(v)
    # The same seed, the same faults.
    again = drawn[0].apply(depth_m, bodies, camera, np.random.default_rng(0))
    np.testing.assert_array_equal(again, measured[0])


def test_names_tell_the_class_of_household_objects() -> None:
    assert class_of("mug_014", (0.1, 0.1, 0.1)) == "mug"
    assert class_of("123", (0.02, 0.1, 0.02)) == "bar"
    assert len(set(CLASSES)) == len(CLASSES) == 12


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
