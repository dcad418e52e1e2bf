"""What the camera does not see is not run into: posts beside the way to the bin, holes in depth.

``pytest -m slow -s`` on this file does all placements and prints each.
"""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

from grasp_benchmark.in_process import sequence_in
from grasp_core.errors import Code
from grasp_core.robot import load_robot
from grasp_core.transform import Transform
from grasp_detection.registry import create_detector
from grasp_executor.outcome import PickOutcome
from grasp_executor.selection import PickGoal
from grasp_sim.config import SimConfig
from grasp_sim.simulation import Simulation

ROBOT = load_robot("panda", "force_hand")
BLOCK_M, POST_M, NEIGHBOUR_M = (0.04, 0.06, 0.05), (0.04, 0.04, 0.30), (0.06, 0.06, 0.14)
# Beside the free space that the cell declares over the bin: none of it is in the camera's view to
# its top, some of it not at all.
POSTS = [(x, y) for x in (0.505, 0.53, 0.56, 0.60) for y in (0.30, 0.34, 0.38, 0.42, 0.47)]
NEIGHBOURS = [
    (0.0, 0.075), (0.0, -0.075), (0.065, 0.0), (-0.065, 0.0), (0.055, 0.065), (-0.055, 0.065),
    (0.07, 0.03),
]  # fmt: skip
REFUSALS = {Code.COLLISION, Code.PLANNING_FAILED, Code.UNREACHABLE, Code.NO_GRASP}


@pytest.fixture(scope="module")
def shared():
    simulation = Simulation(SimConfig(renderer="tiny"), ROBOT)
    yield simulation
    simulation.close()


@pytest.fixture
def simulation(shared, monkeypatch):
    shared.clear()
    shared.world.add_box("block", BLOCK_M, Transform.from_translation(0.5, 0.1, 0.025))
    yield shared
    monkeypatch.undo()


@cache
def detector():
    return create_detector("antipodal", ROBOT.gripper)


def pick_beside(simulation, size_m, x, y, monkeypatch) -> tuple[PickOutcome, float]:
    """One pick beside a fixed thing, and the largest force, N, of anything that moves on it."""
    middle = Transform.from_translation(x, y, size_m[2] / 2)
    thing = simulation.world.add_box("thing", size_m, middle, 0.0)
    touching = [simulation.world.robot_body, simulation.world.object("block").body]
    forces, step = [0.0], simulation.step

    def watched():
        step()
        for body in touching:
            contacts = simulation.world.client.getContactPoints(bodyA=body, bodyB=thing.body)
            forces.append(sum(contact[9] for contact in contacts))

    monkeypatch.setattr(simulation, "step", watched)
    outcome = sequence_in(simulation, detector(), ROBOT).run(PickGoal())
    return outcome, max(forces)


def judge(what, outcome, force_n):
    print(f"{what}: {outcome.code.name}, {force_n:.0f} N", flush=True)
    assert force_n == 0.0, f"{what} was touched: {outcome.message}"
    assert outcome.code is Code.OK or outcome.code in REFUSALS, outcome.message


def post(simulation, x, y, monkeypatch):
    judge(f"post at {x}, {y}", *pick_beside(simulation, POST_M, x, y, monkeypatch))


def neighbour(simulation, dx, dy, monkeypatch):
    x, y = 0.5 + dx, 0.1 + dy
    render = simulation.render

    def with_a_hole():
        frame = render()
        points = simulation.T_base_camera.apply(frame.camera.point_map(frame.depth_m))
        away = np.abs(points[..., :2] - (x, y)).max(axis=-1)
        depth_m = frame.depth_m.copy()
        depth_m[(away < NEIGHBOUR_M[0] / 2 + 0.003) & (points[..., 2] > 0.005)] = np.nan
        assert np.isnan(depth_m).sum() > np.isnan(frame.depth_m).sum() + 1000
        return dataclasses.replace(frame, depth_m=depth_m)

    monkeypatch.setattr(simulation, "render", with_a_hole)
    what = f"neighbour at {x:.3f}, {y:.3f} under a hole"
    judge(what, *pick_beside(simulation, NEIGHBOUR_M, x, y, monkeypatch))


@pytest.mark.parametrize(("x", "y"), [POSTS[1], POSTS[8]])
def test_a_post_beside_the_way_to_the_bin_is_not_hit(simulation, monkeypatch, x, y):
    post(simulation, x, y, monkeypatch)


@pytest.mark.parametrize(("dx", "dy"), [NEIGHBOURS[0], NEIGHBOURS[4]])
def test_a_neighbour_under_a_hole_is_not_hit(simulation, monkeypatch, dx, dy):
    neighbour(simulation, dx, dy, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize(("x", "y"), POSTS)
def test_twenty_posts_are_avoided_or_the_pick_is_refused(simulation, monkeypatch, x, y):
    post(simulation, x, y, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize(("dx", "dy"), NEIGHBOURS)
def test_seven_neighbours_under_holes_are_not_touched(simulation, monkeypatch, dx, dy):
    neighbour(simulation, dx, dy, monkeypatch)
