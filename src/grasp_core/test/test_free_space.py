"""Space that a cell declares free."""

from __future__ import annotations

import pytest

from grasp_core.cell import Cell, load_cell
from grasp_core.errors import ConfigError


def test_boxes_and_their_volume():
    cell = Cell(free_space={"shelf": [0.8, 0.0, 0.1, 1.0, 0.5, 0.3]})
    (box,) = cell.free_boxes()
    assert box.name == "shelf"
    assert box.size_m == pytest.approx((0.2, 0.5, 0.2))
    assert box.center == pytest.approx((0.9, 0.25, 0.2))
    assert cell.free_space_text().endswith("shelf 20 l; 20 l in all")
    assert "no free space" in Cell().free_space_text()


@pytest.mark.parametrize(
    ("box", "complaint"),
    [
        ([0.8, 0.0, 0.1, 1.0, 0.5], "six numbers"),
        ("all", "six numbers"),
        ([0.8, 0.0, 0.1, 1.0, 0.5, float("nan")], "six numbers"),
        ([0.8, 0.0, 0.3, 1.0, 0.5, 0.1], "below the second"),
        ([0.7, 0.0, 0.1, 1.0, 0.5, 0.3], "overlaps the workspace"),
    ],
)
def test_impossible_boxes_are_refused(box, complaint):
    with pytest.raises(ConfigError, match=f"free_space shelf.*{complaint}"):
        Cell(free_space={"shelf": box})


def test_the_tabletop_declares_little():
    cell = load_cell("tabletop")
    volume_m3 = sum(x * y * z for x, y, z in (box.size_m for box in cell.free_boxes()))
    around_m3 = (2 * cell.unknown_reach_m) ** 2 * cell.unknown_height_m
    assert volume_m3 < 0.06 * around_m3
