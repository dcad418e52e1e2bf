"""Which candidate is executed, and how."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from test_grasp_pose import CELL, CONFIG, GRIPPER, column, observed, overhead

from grasp_core.errors import Cancelled, Collision
from grasp_executor import choice
from grasp_executor.choice import Chooser
from grasp_executor.config import PickConfig
from grasp_executor.selection import PickGoal


def chosen(monkeypatch, points, *, others=(), config=CONFIG, wait=lambda: None):
    """The target that is planned for, with points in the hand's way."""
    grasp, observation = observed(overhead(0.0))
    monkeypatch.setattr(choice, "visible_points", lambda *_: points)

    def plan(target, start, wait):
        wait()
        return target

    station = SimpleNamespace(
        config=config,
        cell=CELL,
        rng=np.random.default_rng(0),
        model=SimpleNamespace(gripper=GRIPPER),
        pick_planner=SimpleNamespace(plan=plan),
    )
    moved = [
        replace(grasp, quality=0.5, rectangle=replace(grasp.rectangle, u=grasp.rectangle.u + du))
        for du in others
    ]
    observation = replace(observation, grasps=[grasp, *moved])
    target = Chooser(station, PickGoal(), lambda grasp: None, wait).first_executable(
        observation, None
    )
    return target.grasp.quality, target.top_z_m - target.T_base_grasp.translation[2]


def test_a_shallow_grasp_is_for_when_nothing_else_can_be_done(monkeypatch):
    post = column(0.080, 0.085)
    assert chosen(monkeypatch, post) == (0.9, pytest.approx(0.014))
    assert chosen(monkeypatch, post, others=[150.0]) == (0.5, pytest.approx(0.030))


def test_what_cannot_be_made_shallower_fails_as_before(monkeypatch):
    with pytest.raises(Collision, match="the palm"):
        chosen(monkeypatch, column(0.080, 0.12))


def test_planning_has_an_end(monkeypatch):
    post, free = column(0.080, 0.12), [150.0]
    assert chosen(monkeypatch, post, others=free)[0] == 0.5
    times = iter(range(0, 1000, 60))
    monkeypatch.setattr(choice.time, "monotonic", lambda: next(times))
    with pytest.raises(Collision, match="none of 1 candidates"):
        chosen(monkeypatch, post, others=free, config=PickConfig(plan_timeout_s=20.0))


def test_a_cancel_ends_planning(monkeypatch):
    def cancel():
        raise Cancelled("cancelled by the client")

    with pytest.raises(Cancelled):
        chosen(monkeypatch, np.zeros((0, 3)), wait=cancel)
