"""Posts beside the ways, and the record of what was touched."""

from __future__ import annotations

import numpy as np
import pytest
from simulated_hand import HIGH, LOW, close, go, wait

from grasp_core.errors import ConfigError
from grasp_core.transform import Transform
from grasp_sim.contacts import ContactRecorder
from grasp_sim.posts import HEIGHT_M, RADIUS_M, Post, add_post, place_posts
from grasp_sim.simulation import Simulation

NAMES = ["417", "171", "205"]


def posts_in(simulation: Simulation, count: int, seed: int) -> tuple[Post, ...]:
    return place_posts(simulation.world, simulation.camera, simulation.T_base_camera, count, seed)


def outside(post: Post, low: np.ndarray, high: np.ndarray) -> float:
    """Distance between a post and a rectangle, metres."""
    place = np.array([post.x, post.y])
    return float(np.linalg.norm(np.maximum(np.maximum(low - place, place - high), 0.0))) - (
        post.radius_m
    )


def test_posts_are_seeded(simulation: Simulation):
    found = []
    for seed in (3, 3, 4):
        simulation.new_scene(NAMES, seed=1)
        found.append(posts_in(simulation, 3, seed))
    assert found[0] == found[1]
    assert found[0] != found[2]


@pytest.mark.parametrize("seed", range(4))
def test_posts_stand_in_view_and_away_from_bin_objects_and_robot(
    simulation: Simulation, seed: int
):
    simulation.new_scene(NAMES, seed=seed)
    posts = posts_in(simulation, 4, seed)
    world, cell = simulation.world, simulation.world.cell
    center, half = np.array(cell.bin_center), cell.bin_size_m / 2 + cell.bin_wall_m
    simulation.step()
    for index, post in enumerate(posts):
        assert RADIUS_M[0] <= post.radius_m <= RADIUS_M[1]
        assert HEIGHT_M[0] <= post.height_m <= HEIGHT_M[1]
        assert outside(post, center - half, center + half) > 0.019
        workspace = np.array([cell.workspace_min[:2], cell.workspace_max[:2]])
        assert outside(post, *workspace) > 0.0
        foot = simulation.T_base_camera.inverse().apply(np.array([[post.x, post.y, 0.0]]))
        assert simulation.camera.project(foot)[0] == pytest.approx((320.0, 240.0), abs=320.0)
        for thing in world.objects.values():
            bounds = world.bounds(thing)[:, :2]
            assert outside(post, bounds[0], bounds[1]) > 0.029
        body = world.fixed[f"post_{index}"]
        assert not world.client.getClosestPoints(body, world.robot_body, 0.049)
    simulation.render()
    assert all(simulation.has_seen(f"post_{index}") for index in range(4))


def test_too_many_posts_are_refused(simulation: Simulation):
    simulation.new_scene(NAMES, seed=1)
    with pytest.raises(ConfigError, match="no place for 40 posts"):
        posts_in(simulation, 40, 1)


def test_what_no_image_showed_is_not_seen(simulation: Simulation):
    pose = Transform.from_translation(0.5, 0.0, 0.03)
    simulation.world.add_box("box", (0.04, 0.04, 0.06), pose)
    add_post(simulation.world, "post_0", Post(1.0, 0.6, 0.02, 0.1))
    assert not simulation.has_seen("box")
    assert simulation.has_seen("table")  # the cell's file tells of it
    simulation.render()
    assert simulation.has_seen("box")
    assert not simulation.has_seen("post_0")
    simulation.clear()
    simulation.world.add_box("box", (0.04, 0.04, 0.06), pose)
    assert not simulation.has_seen("box")


def test_a_pushed_post_is_recorded_and_what_belongs_to_the_grasp_is_not(simulation: Simulation):
    go(simulation, HIGH, 2.0)
    pose = Transform.from_translation(0.5, 0.0, 0.03)
    simulation.world.add_box("box", (0.04, 0.04, 0.06), pose, mass_kg=0.2)
    # Beside the hand, which turns about the base into it.
    add_post(simulation.world, "post_0", Post(0.5, 0.17, 0.02, 0.3))
    wait(simulation, 0.1)
    recorder = ContactRecorder(simulation.world)
    with simulation.watched_by(recorder.step):
        go(simulation, LOW, 2.0)
        close(simulation)
        go(simulation, HIGH, 2.0)
        assert recorder.gripped == {"box"}
        assert recorder.touches("box") == []
        turned = HIGH.copy()
        turned[0] += 0.3
        go(simulation, turned, 1.0)
    hardest = recorder.touches("box")[0]
    assert hardest.what == "post_0"
    assert hardest.force_n > 60.0
    after = recorder.touches("box")
    go(simulation, HIGH, 1.0)
    assert recorder.touches("box") == after  # nobody looks any more


def test_what_a_carried_object_touches_counts_but_not_what_it_stood_on(simulation: Simulation):
    go(simulation, HIGH, 2.0)
    for name, size, z in (("base", (0.10, 0.10, 0.02), 0.01), ("box", (0.04, 0.04, 0.05), 0.045)):
        pose = Transform.from_translation(0.5, 0.0, z)
        simulation.world.add_box(name, size, pose, mass_kg=0.2)
    wait(simulation, 0.2)
    go(simulation, LOW, 2.0)
    recorder = ContactRecorder(simulation.world)
    with simulation.watched_by(recorder.step):
        close(simulation)
        go(simulation, HIGH, 2.0)
        here = simulation.world.pose(simulation.world.object("box")).translation
        add_post(simulation.world, "late", Post(here[0], here[1], 0.01, here[2] - 0.03))
        neighbour = ContactRecorder(simulation.world)
    assert recorder.touches("box") == []
    with simulation.watched_by(neighbour.step):
        go(simulation, LOW, 2.0)
    assert [(one.who, one.what) for one in neighbour.touches("box")] == [("box", "late")]
