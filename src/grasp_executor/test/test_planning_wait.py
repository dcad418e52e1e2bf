"""Whoever waits for the embedded planner is asked between its attempts, and can end it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

pytest.importorskip("roboplan")
from planning_cell import CONTACTS, TABLE, best, box, top_down

from grasp_core.errors import Cancelled, Unreachable
from grasp_executor.planning import embedded
from grasp_executor.planning.embedded_config import EmbeddedConfig
from grasp_executor.scene import CollisionScene

POSE, LOWER = top_down(0.5, 0.1, 0.2), top_down(0.5, 0.1, 0.1)


def calls(planner, observe):
    """The three calls that may take long, by name."""
    goal = best(planner, POSE, observe)
    return {
        "solve_ik": lambda wait: planner.solve_ik(POSE, observe, wait=wait)[0],
        "plan_joints": lambda wait: planner.plan_joints(observe, goal, wait=wait).positions,
        "plan_line": lambda wait: planner.plan_line(goal, LOWER, 0.1, wait=wait).positions,
    }


@pytest.mark.parametrize("name", ["solve_ik", "plan_joints", "plan_line"])
def test_what_wait_raises_ends_the_call_and_leaves_the_planner_as_it_was(planner, observe, name):
    def cancel():
        raise Cancelled("cancelled by the client")

    call = calls(planner, observe)[name]
    expected = call(lambda: None)
    with pytest.raises(Cancelled):
        call(cancel)
    np.testing.assert_array_equal(call(lambda: None), expected)


def test_wait_is_asked_before_every_search(monkeypatch, planner, observe):
    wall = box("wall", (0.5, 0.02, 0.5), (0.5, 0.0, 0.25))
    planner.set_scene(CollisionScene((TABLE, wall), CONTACTS))
    start = best(planner, top_down(0.5, 0.25, 0.1), observe)
    goal = best(planner, top_down(0.5, -0.25, 0.1), start)
    searches, planned = [], planner.plan_joints(start, goal)

    def find_nothing(*_, seed, **__):
        searches.append(seed)

    def give_up_after_two():
        if len(searches) == 2:
            raise Cancelled("cancelled by the client")

    with monkeypatch.context() as patched:
        patched.setattr(embedded, "search_path", find_nothing)
        with pytest.raises(Cancelled):
            planner.plan_joints(start, goal, wait=give_up_after_two)
    assert len(searches) == 2
    again = planner.plan_joints(start, goal, wait=lambda: None)
    np.testing.assert_array_equal(again.positions, planned.positions)


def test_solving_for_a_pose_out_of_reach_asks_before_every_start(planner, observe):
    asked = itertools.count()
    with pytest.raises(Unreachable):
        planner.solve_ik(top_down(1.2, 0.0, 0.2), observe, wait=lambda: next(asked))
    assert next(asked) == EmbeddedConfig().ik_seeds
