"""Order of candidates, goals, and what is said when none can be executed."""

import numpy as np
import pytest

from grasp_core.errors import (
    BadCalibration,
    BadGoal,
    CandidateFailure,
    Code,
    Collision,
    ConfigError,
    InvalidDepth,
    NoGrasp,
    ObjectNotFound,
    OutsideWorkspace,
    PlanningFailed,
    TooWide,
    Unreachable,
)
from grasp_core.grasp import Grasp
from grasp_core.hand_eye import load_hand_eye
from grasp_core.rectangle import GraspRectangle
from grasp_executor.choice import furthest
from grasp_executor.selection import PickGoal, Policy, candidates_in_order


def candidate(quality, label=""):
    return Grasp(GraspRectangle(0.0, 0.0, 10.0, 5.0, 0.0), quality, label=label)


GRASPS = [candidate(q) for q in (0.99, 0.97, 0.95, 0.92, 0.8, 0.5)]


def order(goal, grasps=GRASPS, seed=0):
    return candidates_in_order(grasps, goal, 0.9, np.random.default_rng(seed))


def test_best_goes_down_the_ranking():
    assert order(PickGoal()) == GRASPS
    assert order(PickGoal(min_quality=0.9)) == GRASPS[:4]


def test_random_above_draws_among_the_good_and_then_goes_down():
    goal = PickGoal(policy=Policy.RANDOM_ABOVE)
    firsts = {order(goal, seed=seed)[0].quality for seed in range(40)}
    assert firsts == {0.99, 0.97, 0.95, 0.92}
    assert order(goal)[4:] == GRASPS[4:]
    assert order(goal, seed=3) == order(goal, seed=3)


def test_labels_filter_and_name_what_was_seen():
    grasps = [candidate(0.9, "cup"), candidate(0.8, "pen")]
    assert order(PickGoal(label="pen"), grasps) == grasps[1:]
    with pytest.raises(ObjectNotFound, match=r"'shoe'; seen: cup, pen"):
        order(PickGoal(label="shoe"), grasps)


def test_too_little_quality_is_no_grasp():
    with pytest.raises(NoGrasp, match=r"quality 0.99, below the minimum of 1.00"):
        order(PickGoal(min_quality=1.0))


@pytest.mark.parametrize("values", [{"min_quality": 1.5}, {"policy": 7}, {"max_attempts": 0}])
def test_goals_out_of_range_are_refused(values):
    with pytest.raises(BadGoal, match="must"):
        PickGoal(**values)


def test_the_failure_that_got_furthest_is_reported_with_all_counts():
    failures = [
        OutsideWorkspace("far"),
        TooWide("wide"),
        PlanningFailed("no path"),
        Collision("x"),
    ]
    told = furthest([*failures, TooWide("wider")])
    assert type(told) is PlanningFailed
    assert "none of 5 candidates" in str(told)
    assert "2 TOO_WIDE" in str(told)
    assert type(furthest(failures[:2])) is TooWide


def test_candidates_fail_in_the_order_of_the_checks():
    order = [OutsideWorkspace, InvalidDepth, TooWide, Collision, Unreachable, PlanningFailed]
    assert sorted(order, key=lambda failure: failure.merit) == order
    assert len({failure.merit for failure in order}) == len(order)


def test_a_failure_made_elsewhere_is_ranked_by_its_own_merit():
    class WouldTip(CandidateFailure):
        code = Code.COLLISION
        merit = TooWide.merit + 1

    class CloseToSingular(Unreachable):
        """Ranked as what it refines."""

    wide, tips, touches = TooWide("wide"), WouldTip("tips"), Collision("touches")
    assert type(furthest([tips, wide])) is WouldTip
    assert type(furthest([wide, touches, tips])) is Collision
    assert type(furthest([CloseToSingular("wrist"), touches])) is CloseToSingular
    assert type(furthest([CloseToSingular("wrist"), PlanningFailed("late")])) is PlanningFailed


def test_hand_eye_files(tmp_path):
    path = tmp_path / "hand_eye.yaml"
    path.write_text(
        "parent_frame: base\nchild_frame: cam\ntranslation: [0.5, 0.0, 0.7]\n"
        "rotation_xyzw: [1.0, 0.0, 0.0, 0.0]\n"
    )
    calibration = load_hand_eye(path)
    assert (calibration.parent_frame, calibration.camera_frame) == ("base", "cam")
    assert calibration.T_parent_camera.apply((0.0, 0.0, 0.7)) == pytest.approx((0.5, 0.0, 0.0))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("parent_frame: base\n", BadCalibration, "lacks child_frame, translation, rotation_xyzw"),
        (
            "parent_frame: b\nchild_frame: c\n"
            "translation: [0, 0, 0]\nrotation_xyzw: [0, 0, 0, 0]\n",
            BadCalibration,
            "norm above 0",
        ),
        ("[1, 2]\n", ConfigError, "mapping"),
    ],
)
def test_broken_hand_eye_files_say_why(tmp_path, text, error, message):
    path = tmp_path / "hand_eye.yaml"
    path.write_text(text)
    with pytest.raises(error, match=message):
        load_hand_eye(path)
