"""After letting go: what hangs on a finger, stays in the workspace or does not come to the bin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_robot import CONFIG, Block, Event, FakeRobot, comes_back, hand_tells, sees

from grasp_core.cell import Cell
from grasp_core.errors import Code, NoImage, NotPlaced
from grasp_core.height_map import Grid, HeightMap
from grasp_core.transform import Transform
from grasp_executor.outcome import Stage
from grasp_executor.placing import judge_places
from grasp_executor.surroundings import Compared

CELL = Cell(bin_center=(0.5, 0.45), bin_size_m=0.2)
GRID = Grid(0.2, -0.4, 0.01, 100, 60)
THING, NEIGHBOUR, IN_BIN, ON_RIM = (0.5, 0.0), (0.6, 0.1), (0.52, 0.44), (0.5, 0.3)


def heights(*places, height_m=0.06, unseen_from_y=1.0):
    """Things of 4 by 4 cm that stand at places."""
    x, y = GRID.centres()
    height = np.zeros(GRID.shape, np.float32)
    for px, py in places:
        here = (np.abs(x - px) < 0.02)[None, :] & (np.abs(y - py) < 0.02)[:, None]
        height[here] = height_m
    seen = np.broadcast_to((y < unseen_from_y)[:, None], GRID.shape)
    return HeightMap(height * seen, seen, GRID, Transform.from_translation(0.0, 0.0, 0.0))


def judge(before, after):
    x, y = before.grid.centres()
    region = (np.abs(x - THING[0]) < 0.02)[None, :] & (np.abs(y - THING[1]) < 0.02)[:, None]
    judge_places(Compared(before, after, region), CELL, 0.04 * 0.02, 0.06)


def test_what_is_gone_and_changes_the_drop_zone_is_placed():
    judge(heights(THING, NEIGHBOUR), heights(NEIGHBOUR, IN_BIN))


def test_a_neighbour_that_was_pushed_does_not_count_against_it():
    judge(heights(THING, NEIGHBOUR), heights((0.55, 0.13), IN_BIN))


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (heights(THING, NEIGHBOUR), "has not left it"),
        (heights(NEIGHBOUR, (0.4, -0.2)), "has not left it"),  # it has rolled elsewhere
        (heights(NEIGHBOUR), "has not come there"),
        (heights(NEIGHBOUR, ON_RIM), "has not come there"),  # beside the bin
    ],
)
def test_what_was_seen_speaks_against_it(after, why):
    with pytest.raises(NotPlaced, match=why):
        judge(heights(THING, NEIGHBOUR), after)


def test_a_drop_zone_that_is_hardly_seen_says_nothing():
    judge(heights(THING, unseen_from_y=0.42), heights(unseen_from_y=0.42))


def test_a_drop_zone_that_the_map_ends_in_is_not_all_seen():
    def cut(whole):
        rows = 80  # up to y = 0.4: a quarter of the zone
        grid = Grid(GRID.x0_m, GRID.y0_m, GRID.cell_m, rows, GRID.shape[1])
        return HeightMap(whole.height_m[:rows], whole.seen[:rows], grid, whole.T_frame_support)

    judge(cut(heights(THING)), cut(heights()))


@pytest.mark.parametrize(
    ("event", "holding", "why"),
    [
        (Event(Stage.CHECK, hand_tells(9.0, gap_m=0.004)), True, "hangs on a finger"),
        (Event(Stage.RETURN, comes_back), False, "has not left it"),
    ],
)
def test_a_pick_that_was_not_placed_is_no_success(event, holding, why):
    robot = FakeRobot(Block(0.5, 0.0), Block(0.6, 0.2))
    outcome = robot.pick(event)
    assert (outcome.code, outcome.holding) == (Code.NOT_PLACED, holding), outcome.message
    assert why in outcome.message
    assert outcome.held_s >= CONFIG.hold_s


def test_no_image_afterwards_does_not_undo_a_pick():
    robot = FakeRobot(Block(0.5, 0.0))
    outcome = robot.pick(Event(Stage.CHECK, sees(NoImage("dark"))))
    assert outcome.code is Code.OK
    assert outcome.message.endswith("on the way back: dark")


def test_it_is_left_out_where_it_is_not_wanted():
    robot = FakeRobot(Block(0.5, 0.0), config=replace(CONFIG, check_placed=False))
    outcome = robot.pick(Event(Stage.RETURN, comes_back))
    assert outcome.code is Code.OK
    assert Stage.CHECK not in [stage for stage, _ in outcome.stage_s]
