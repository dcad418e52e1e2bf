"""The rectangle metric and its relatives, against cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasp_core.rectangle import corners_of, matches
from grasp_detection.evaluation.metric import (
    angle_ladder,
    angles_rounded,
    declared_jaw_ratio,
    jaccard_ladder,
    jaw_sensitivity,
    judge,
    multi_grasp,
)

LABEL = np.array([[50.0, 40.0, 20.0, 10.0, 0.0]])


def moved(du=0.0, dv=0.0, degrees=0.0):
    row = LABEL[0].copy()
    row[:2] += du, dv
    row[4] += math.radians(degrees)
    return row


def clipped_area(subject, clip):
    """Area of the intersection of two convex polygons, by cutting edge after edge."""
    points = list(subject)
    for start, stop in zip(clip, np.roll(clip, -1, axis=0), strict=True):
        normal = np.array([start[1] - stop[1], stop[0] - start[0]])
        kept = []
        for a, b in zip(points, points[1:] + points[:1], strict=True):
            side_a, side_b = normal @ (a - start), normal @ (b - start)
            if side_a >= 0.0:
                kept.append(a)
            if side_a * side_b < 0.0:
                kept.append(a + (b - a) * side_a / (side_a - side_b))
        points = kept
        if len(points) < 3:
            return 0.0
    u, v = np.array(points).T
    return 0.5 * abs(u @ np.roll(v, -1) - v @ np.roll(u, -1))


def slow_jaccard(a, b):
    common = clipped_area(corners_of(a)[0], corners_of(b)[0])
    return common / (a[2] * a[3] + b[2] * b[3] - common)


# Shifted by du along its width of 20, a rectangle has a Jaccard index of (20 - du) / (20 + du).
@pytest.mark.parametrize(
    ("row", "jaccard", "degrees", "right"),
    [
        (moved(), 1.0, 0.0, True),
        (moved(du=10.0), 1.0 / 3.0, 0.0, True),
        (moved(du=12.0), 0.25, 0.0, False),  # must exceed 0.25
        (moved(du=40.0), 0.0, 0.0, False),
        (moved(degrees=29.0), None, 29.0, True),
        (moved(degrees=31.0), None, 31.0, False),
        (moved(degrees=170.0), None, 10.0, True),  # a jaw axis has no direction
        (moved(degrees=90.0), 1.0 / 3.0, 90.0, False),
    ],
)
def test_cases_worked_out_by_hand(row, jaccard, degrees, right):
    judgement = judge(row, LABEL)
    found, turn = judgement.closest
    if jaccard is not None:
        assert found == pytest.approx(jaccard)
    assert math.degrees(turn) == pytest.approx(degrees, abs=1e-9)
    assert judgement.best_is_right() is right
    assert judgement.right().tolist() == [right]


def test_the_deciding_label_is_one_within_the_angle():
    across = np.array([50.0, 40.0, 20.0, 20.0, np.pi / 2])
    labels = np.stack([across, moved(du=10.0)])
    assert judge(LABEL, labels).closest == pytest.approx((1.0 / 3.0, 0.0))
    assert judge(LABEL, labels[:1]).closest == pytest.approx((0.5, np.pi / 2))


def test_no_candidate_is_wrong():
    judgement = judge(np.empty((0, 5)), LABEL)
    assert judgement.best_is_right() is False
    assert judgement.closest[0] == 0.0
    assert math.isnan(judgement.closest[1])


rectangles = st.tuples(
    st.floats(-20, 20),
    st.floats(-20, 20),
    st.floats(2, 40),
    st.floats(2, 40),
    st.floats(-1.5, 1.5),
).map(lambda row: np.array(row))


@given(st.lists(rectangles, min_size=1, max_size=3), st.lists(rectangles, min_size=1, max_size=3))
def test_agrees_with_exact_polygons(rows, labels):
    judgement = judge(np.array(rows), np.array(labels))
    slow = [[slow_jaccard(a, b) for b in labels] for a in rows]
    np.testing.assert_allclose(judgement.jaccard, slow, atol=1e-7)
    assert judgement.right().tolist() == matches(rows, labels).tolist()


@given(st.lists(rectangles, min_size=1, max_size=4), st.lists(rectangles, min_size=1, max_size=3))
def test_ladders_never_rise(rows, labels):
    judgements = [judge(row, labels) for row in rows]
    for ladder in (jaccard_ladder(judgements), angle_ladder(judgements)):
        shares = list(ladder.values())
        assert shares == sorted(shares, reverse=True)
    assert jaccard_ladder(judgements)[0.25] == angle_ladder(judgements)[30]


def test_ladders_by_hand():
    judgements = [judge(moved(du=du), LABEL) for du in (0.0, 9.0, 10.0, 11.5)]
    # Jaccard indices 1, 0.379, 0.333, 0.270.
    assert list(jaccard_ladder(judgements).values()) == [1.0, 0.75, 0.5, 0.25]
    turned = [judge(moved(degrees=degrees), LABEL) for degrees in (0, 7, 12, 28)]
    assert list(angle_ladder(turned).values()) == [1.0, 0.75, 0.75, 0.75, 0.5, 0.25]


def labels_with(rng, degrees_of):
    views = []
    for _ in range(20):
        rows = np.tile(LABEL, (4, 1))
        rows[:, 4] = np.radians(degrees_of(rng, 4) + rng.uniform(0.0, 360.0))  # the view's turn
        views.append(rows)
    return views


def test_rounded_angles_are_found_in_turned_views():
    rng = np.random.default_rng(1)
    rounded = labels_with(rng, lambda rng, n: 10.0 * rng.integers(0, 18, n))
    exact = labels_with(rng, lambda rng, n: rng.uniform(0.0, 180.0, n))
    assert angles_rounded(rounded)
    assert not angles_rounded(exact)
    assert not angles_rounded([rows[:1] for rows in rounded]), "single labels tell nothing"
    assert not angles_rounded([np.tile(LABEL, (9, 1))]), "parallel labels tell nothing"
    assert not angles_rounded([])


def test_multi_grasp_by_hand():
    good, bad = moved(), moved(du=40.0)
    judgements = [
        judge(np.stack([good, good, bad]), LABEL),
        judge(np.stack([bad, good]), LABEL),
        judge(np.empty((0, 5)), LABEL),
    ]
    qualities = [[0.9, 0.6, 0.3], [0.5, 0.1], []]
    every = multi_grasp(judgements, qualities)
    assert every.generated == (2, 4, 5, 5, 5)
    assert every.correct == (1, 3, 3, 3, 3)
    assert every.share(1) == 0.5
    assert every.share(3) == 0.6
    sure = multi_grasp(judgements, qualities, 0.5)
    assert sure.generated == (2, 3, 3, 3, 3)
    assert sure.correct == (1, 2, 2, 2, 2)
    assert math.isnan(multi_grasp(judgements, qualities, 0.95).share(5))


def test_a_declared_height_is_told_from_a_predicted_one():
    rows = np.array([[0.0, 0.0, 10.0, 5.0, 0.0], [3.0, 3.0, 24.0, 12.0, 1.0]])
    assert declared_jaw_ratio([rows[:1], rows[1:]]) == pytest.approx(0.5)
    assert declared_jaw_ratio([rows[:1], np.empty((0, 5))]) is None
    rows[1, 3] = 13.0
    assert declared_jaw_ratio([rows]) is None


def test_jaw_sensitivity_by_hand():
    # In place, heights of 6 to 14 over a label of 10 have Jaccard indices of 0.6 to 1 to 0.71.
    # Shifted by half the width of 20, height h <= 10 has 10 h / (20 h + 200 - 10 h).
    tried = jaw_sensitivity([LABEL[0], moved(du=10.0), np.empty(0)], [LABEL] * 3)
    by_hand = {0.3: 1, 0.4: 2, 0.5: 2, 0.6: 2, 0.7: 2}  # 60 / 260 = 0.23 at 0.3
    assert tried == pytest.approx({ratio: right / 3 for ratio, right in by_hand.items()})
