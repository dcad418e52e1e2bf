"""The catalogue over the robot in memory: each misbehaviour, and what is promised of it."""

from __future__ import annotations

import numpy as np
import pytest
from fake_robot import Block
from unkind_case import ArmDoes, HandDoes
from unkind_fake_cases import FAKE_CASES
from unkind_robot import UnkindRobot

from grasp_executor import motion


@pytest.mark.parametrize("case", FAKE_CASES, ids=lambda case: case.row.name)
def test_a_misbehaviour_ends_as_promised(monkeypatch, case):
    monkeypatch.setattr(motion, "_LEAST_PATIENCE_S", 0.0)
    row, robot = case.row, UnkindRobot(Block(0.5, 0.0, width_m=case.width_m))
    case.before(robot)
    begun, gap_m = robot.starts, robot.hand.gap_m
    outcome = robot.pick(*case.events)
    assert outcome.code is row.code, outcome.message
    assert row.hand.holding in (None, outcome.holding), outcome.message
    assert not robot.opened_in_the_air
    if row.arm is ArmDoes.UNSURE:
        assert "may still move" in outcome.message
    else:
        assert not robot.arm.moves
    if row.arm is ArmDoes.STAYS:
        assert robot.starts == begun
    if row.arm is ArmDoes.RETURNS:
        assert robot.arm.positions == pytest.approx(robot.model.arm.observe, abs=1e-3)
    assert robot.blocks[0].in_bin == (row.hand is HandDoes.DELIVERS)
    if row.hand is HandDoes.SHUT:
        assert robot.held is robot.blocks[0]
    if row.hand is HandDoes.MAY_HOLD:
        assert robot.hand.gap_m <= gap_m
    if row.hand is HandDoes.EMPTY:
        assert robot.held is None


def test_kind_hardware_picks():
    robot = UnkindRobot(Block(0.5, 0.0))
    outcome = robot.pick()
    assert outcome.success, outcome.message
    assert robot.blocks[0].in_bin
    assert np.isfinite(outcome.force_n)
