"""Rectangles: corners, overlap against an independent method, angles, suppression."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasp_core.rectangle import (
    GraspRectangle,
    angle_difference,
    corners_of,
    iou_matrix,
    matches,
    paired_iou,
    rectangles_to_array,
    suppress,
    wrap_angle,
)

lengths = st.floats(1.0, 200.0)
places = st.floats(-300.0, 300.0)
angles = st.floats(-10.0, 10.0)
rectangles = st.builds(GraspRectangle, places, places, lengths, lengths, angles)


@given(rectangles)
def test_corners_round_trip(rectangle):
    again = GraspRectangle.from_corners(rectangle.corners)
    assert again.u == pytest.approx(rectangle.u, abs=1e-6)
    assert again.v == pytest.approx(rectangle.v, abs=1e-6)
    assert again.width == pytest.approx(rectangle.width, rel=1e-6)
    assert again.height == pytest.approx(rectangle.height, rel=1e-6)
    assert angle_difference(again.angle, rectangle.angle) < 1e-6


@given(rectangles)
def test_corners_taken_in_either_direction_mean_the_same(rectangle):
    there = rectangle.corners
    back = there[[1, 0, 3, 2]]
    assert angle_difference(GraspRectangle.from_corners(back).angle, rectangle.angle) < 1e-6
    assert GraspRectangle.from_corners(back).width == pytest.approx(rectangle.width)


def test_first_edge_of_a_label_runs_along_the_opening():
    label = [(10.0, 20.0), (50.0, 20.0), (50.0, 30.0), (10.0, 30.0)]
    rectangle = GraspRectangle.from_corners(label)
    assert (rectangle.width, rectangle.height, rectangle.angle) == (40.0, 10.0, 0.0)


def test_angle_turns_from_u_towards_v():
    rectangle = GraspRectangle(0.0, 0.0, 10.0, 2.0, math.radians(30))
    first, second = rectangle.corners[:2]
    assert second[0] > first[0]
    assert second[1] > first[1]  # v grows downwards, so a positive angle descends in the picture


@given(angles)
def test_wrapped_angles_lie_in_the_half_open_interval(angle):
    wrapped = float(wrap_angle(angle))
    assert -math.pi / 2 < wrapped <= math.pi / 2
    assert math.isclose(abs(math.cos(2 * (wrapped - angle))), 1.0, abs_tol=1e-9)


def test_quarter_turns_wrap_to_the_closed_end():
    assert wrap_angle(-math.pi / 2) == pytest.approx(math.pi / 2)
    assert angle_difference(math.radians(89), math.radians(-89)) == pytest.approx(math.radians(2))


def clipped_area(subject, clip):
    """Area of the intersection of convex polygons by Sutherland and Hodgman's clipping."""
    polygon = [np.array(p) for p in subject]
    for a, b in zip(clip, np.roll(clip, -1, axis=0), strict=True):
        edge = b - a
        sides = [edge[0] * (p - a)[1] - edge[1] * (p - a)[0] for p in polygon]
        kept = []
        for k, (point, side) in enumerate(zip(polygon, sides, strict=True)):
            before, before_side = polygon[k - 1], sides[k - 1]
            if side * before_side < 0.0:
                kept.append(before + (point - before) * before_side / (before_side - side))
            if side >= 0.0:
                kept.append(point)
        polygon = kept
        if not polygon:
            return 0.0
    x, y = np.array(polygon).T
    return 0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))


@given(rectangles, rectangles)
def test_iou_agrees_with_polygon_clipping(a, b):
    rows = rectangles_to_array([a, b])
    exact = float(paired_iou(rows[:1], rows[1:])[0])
    common = clipped_area(*corners_of(rows))
    union = a.width * a.height + b.width * b.height - common
    assert exact == pytest.approx(common / union, abs=1e-6)


@given(rectangles, rectangles)
def test_iou_is_symmetric_and_bounded(a, b):
    rows = rectangles_to_array([a, b])
    matrix = iou_matrix(rows, rows)
    assert matrix[0, 1] == pytest.approx(matrix[1, 0], abs=1e-9)
    assert np.all((matrix >= 0.0) & (matrix <= 1.0 + 1e-12))
    assert np.diag(matrix) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((0.0, 0.0, 4.0, 2.0, math.pi), 1.0),  # the same, turned by half a turn
        ((2.0, 0.0, 4.0, 2.0, 0.0), 1.0 / 3.0),  # shifted along shared edges
        ((4.0, 0.0, 4.0, 2.0, 0.0), 0.0),  # touching in an edge
        ((0.0, 0.0, 2.0, 2.0, 0.0), 0.5),  # inside, with collinear edges
        ((0.0, 0.0, 1.0, 1.0, 0.3), 0.125),  # strictly inside
        ((0.0, 0.0, 2.0, 4.0, 0.0), 1.0 / 3.0),  # a cross
    ],
)
def test_iou_of_hand_computed_cases(other, expected):
    assert paired_iou([[0.0, 0.0, 4.0, 2.0, 0.0]], [other])[0] == pytest.approx(expected)


def test_metric_needs_overlap_and_angle():
    label = np.array([[100.0, 100.0, 40.0, 20.0, 0.0]])
    turned = np.add(label, (0, 0, 0, 0, math.radians(31)))
    far = np.add(label, (30.0, 0, 0, 0, 0))
    assert matches(label, label).tolist() == [True]
    assert matches(turned, label).tolist() == [False]
    assert matches(far, label).tolist() == [False]


def test_suppression_keeps_the_best_and_other_directions():
    rows = np.array(
        [[0, 0, 40, 20, 0.0], [1, 0, 40, 20, 0.05], [0, 0, 40, 20, 1.5], [90, 0, 40, 20, 0.0]]
    )
    scores = [0.5, 0.9, 0.7, 0.1]
    kept = suppress(rows, scores, jaccard=0.3, angle=math.radians(30))
    assert kept.tolist() == [1, 2, 3]
    assert suppress(rows, scores, jaccard=0.3).tolist() == [1, 3]
    assert suppress(rows, scores, jaccard=0.3, limit=1).tolist() == [1]


@pytest.mark.parametrize("limit", [None, 0, 7])
@pytest.mark.parametrize("turn", [math.radians(30), math.pi / 2])
@pytest.mark.parametrize("jaccard", [0.0, 0.3, 0.8])
def test_suppression_is_greedy_by_exact_overlap(jaccard, turn, limit):
    rng = np.random.default_rng(5)
    rows = np.column_stack(
        [
            rng.uniform(0.0, 120.0, (300, 2)),
            rng.uniform(5.0, 60.0, (300, 2)),
            rng.uniform(-math.pi / 2, math.pi / 2, 300),
        ]
    )
    scores = rng.uniform(size=300)
    kept: list[int] = []
    for index in np.argsort(-scores):
        overlap = iou_matrix(rows[index], rows[kept])[0]
        near = angle_difference(rows[index, 4], rows[kept, 4]) <= turn
        if not (near & (overlap > jaccard)).any():
            kept.append(int(index))
    assert (
        suppress(rows, scores, jaccard=jaccard, angle=turn, limit=limit).tolist() == kept[:limit]
    )
    assert len(kept) > 7


@pytest.mark.parametrize("values", [(0, 0, 0, 1, 0), (0, 0, 1, -1, 0), (math.nan, 0, 1, 1, 0)])
def test_impossible_rectangles_are_refused(values):
    with pytest.raises(ValueError, match=r"above 0|finite"):
        GraspRectangle(*map(float, values))


def test_corner_rows_are_positively_oriented():
    x, y = corners_of([[0, 0, 4, 2, 0.7]])[0].T
    assert 0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) == pytest.approx(8.0)
