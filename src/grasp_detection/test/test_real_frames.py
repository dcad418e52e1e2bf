"""The yardstick on recorded frames: labels, verdicts, figures, on traced scenes."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from recorded import square, write_frame, write_labels

from grasp_core.errors import BadImage
from grasp_core.gripper_profile import load_gripper
from grasp_core.rectangle import GraspRectangle
from grasp_detection.datasets.dataset import DatasetError
from grasp_detection.evaluation.errors import EvaluationError
from grasp_detection.evaluation.frame_judge import FrameJudge
from grasp_detection.evaluation.frame_labels import labels_folder, read_labels
from grasp_detection.evaluation.frame_pictures import write_frame_pictures
from grasp_detection.evaluation.real_frames import (
    FIRST,
    WITHIN,
    compare_frames,
    compare_with_eye,
    evaluate_frames,
    labelled_frames,
    predicted_answers,
    summarise_frames,
)
from grasp_detection.frames import read_recorded
from grasp_detection.predictions import Predictions, read_predictions
from grasp_detection.ranking import Ranking

GOOD = (319.5, 239.5, 41.0, 16.0, 0.0)  # across a block of 4 cm at 0.7 m: 35 px
BESIDE = (500.0, 100.0, 41.0, 16.0, 0.0)
SHARED = Path(__file__).resolve().parents[4] / "shared"
REAL = Path(os.environ.get("REAL_RGBD", SHARED / "data" / "real_rgbd"))


@pytest.fixture(scope="module")
def frames(tmp_path_factory, scene, solids, world_from_camera):
    """Two frames with a block in the middle and one of a bare table."""
    box, _ = solids
    root, labels = tmp_path_factory.mktemp("frames"), tmp_path_factory.mktemp("labels")
    block = scene(box(0.0, 0.0, 0.04, 0.1, 0.05))
    for name, frame, objects, source in (
        ("block", block, [square(319, 239, 50)], "github.com/one/a@1 x"),
        ("empty", scene(), [], "github.com/two/b@1 x"),
        ("other", block, [square(319, 239, 50)], "github.com/two/b@1 x"),
    ):
        write_frame(root / name, frame, world_from_camera(0.0), source=source)
        write_labels(labels, name, objects, [square(100, 100, 20)])
    return root, labels


@pytest.fixture
def judge(frames):
    """Judges rectangles of the block's frame, perhaps with other labels."""
    root, labels = frames

    def make(path=None):
        told = read_labels(path or labels / "block.json")
        return FrameJudge(read_recorded(root / "block"), told, load_gripper("franka_hand"))

    return make


def predictions(**rows):
    """Predictions of rectangles by picture, best first."""

    def ranking(those):
        score = np.linspace(0.9, 0.1, len(those))
        return Ranking(np.array(those, float).reshape(-1, 5), score, score, score)

    return Predictions("made", {name: ranking(those) for name, those in rows.items()})


def measured(frames, **rows):
    root, labels = frames
    answer = predicted_answers(predictions(**rows))
    return evaluate_frames(labelled_frames(root, labels), answer, load_gripper("franka_hand"))


def test_a_grasp_is_good_on_an_object_only(judge, tmp_path):
    verdict = judge().verdict(GraspRectangle(*GOOD))
    assert verdict.good
    assert verdict.why_not == ""
    elsewhere = write_labels(tmp_path, "block", [square(500, 400, 20)])
    verdict = judge(elsewhere).verdict(GraspRectangle(*GOOD))
    assert (verdict.on_object, verdict.closes, verdict.good) == (False, True, False)
    assert verdict.why_not == "it is not on a graspable object"


def test_a_finger_must_keep_out_of_forbidden_zones(judge, tmp_path):
    # Where the right finger comes down, 35 to 45 mm from the middle.
    glass = write_labels(tmp_path, "block", [square(319, 239, 50)], [square(355, 239, 6)])
    verdict = judge(glass).verdict(GraspRectangle(*GOOD))
    assert (verdict.on_object, verdict.free, verdict.good) == (True, False, False)
    assert verdict.why_not == "a finger enters a forbidden zone"


def test_labels_of_another_size_are_refused(judge, tmp_path):
    small = write_labels(tmp_path, "block", size=(320, 240))
    with pytest.raises(BadImage, match="640x480 px, its labels are of a picture of 320x240"):
        judge(small)


def test_labels_that_are_none_are_refused(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(
        '{"picture": "x", "size": [4, 4], "objects": [{"name": "a", "polygons": [[1]]}]}'
    )
    with pytest.raises(DatasetError, match="polygons of three points or more"):
        read_labels(path)


def test_shares_count_frames_with_something_to_grasp(frames):
    results = measured(frames, block=[GOOD], empty=[GOOD], other=[BESIDE, GOOD])
    figures = summarise_frames(results)
    assert (figures["frames"], figures["first_good"], figures["within_five_good"]) == (2, 1, 2)
    assert figures["first"] == 0.5
    assert figures["within_five"] == 1.0
    assert 0.0 <= figures["first_ci95"][0] <= 0.5 <= figures["first_ci95"][1] <= 1.0
    assert (figures["empty_frames"], figures["empty_frames_answered"]) == (1, 1)
    assert figures["by_source"] == [["one/a, Traced", 1, 1, 1], ["two/b, Traced", 1, 0, 1]]
    assert figures["first_wrong"] == [["it is not on a graspable object", 1]]


def test_only_the_first_five_count(frames):
    results = measured(frames, block=[BESIDE] * WITHIN + [GOOD])
    assert results[0].answers == WITHIN + 1
    assert not results[0].right(WITHIN)
    assert summarise_frames(results)["unanswered"] == 1  # the other block


def test_two_detectors_are_compared_on_the_same_frames(frames):
    first = measured(frames, block=[GOOD], other=[GOOD])
    second = measured(frames, block=[BESIDE], other=[GOOD])
    figures = compare_frames(first, second)
    assert figures["first_difference"] == 0.5
    assert (figures["first_only_first_right"], figures["first_only_second_right"]) == (1, 0)


def test_disagreements_with_the_eye_are_listed(frames, tmp_path):
    results = measured(frames, block=[GOOD], other=[BESIDE, GOOD])
    table = tmp_path / "eye.csv"
    table.write_text(
        "frame,mine_top1_good,mine_top5_good\nblock,1,1\nempty,0,0\nother,1,1\n", encoding="utf-8"
    )
    figures = compare_with_eye(results, table, "mine")
    assert (figures["eye_agreed"], figures["eye_verdicts"]) == (5, 6)
    assert figures["eye_differ"] == ["other, first: by the rules not good, by eye good"]
    with pytest.raises(DatasetError, match="no table with frame, yours_top1_good"):
        compare_with_eye(results, table, "yours")


def test_a_line_for_each_grasp_and_one_for_no_answer(frames):
    results = measured(frames, other=[BESIDE, GOOD])
    block, _, other = (one.table() for one in results)
    assert [line["why_not"] for line in block] == ["no answer"]
    assert [(line["rank"], line["good"]) for line in other] == [(1, 0), (2, 1)]
    assert other[1]["section_mm"] == pytest.approx(40.0, abs=6.0)


def test_pictures_show_verdicts(frames, tmp_path):
    root, labels = frames
    results = measured(frames, block=[GOOD])
    paths = write_frame_pictures(results, labelled_frames(root, labels), tmp_path / "new")
    assert [path.name for path in paths] == ["block.png", "empty.png", "other.png"]
    assert all(path.stat().st_size > 1000 for path in paths)


def test_frames_without_labels_are_left_out(frames, tmp_path):
    root, _ = frames
    write_labels(tmp_path, "block", [square(319, 239, 50)])
    assert [folder.name for folder, _ in labelled_frames(root, tmp_path)] == ["block"]
    with pytest.raises(DatasetError, match=r"no frame of .* has its labels"):
        labelled_frames(root, root)


def test_frames_without_objects_have_no_share(frames, tmp_path):
    root, _ = frames
    write_labels(tmp_path, "empty")
    only = labelled_frames(root, tmp_path)
    results = evaluate_frames(only, predicted_answers(predictions()), load_gripper("franka_hand"))
    with pytest.raises(EvaluationError, match="no frame shows anything to grasp"):
        summarise_frames(results)


def test_shipped_labels_are_whole():
    paths = sorted(labels_folder().glob("*.json"))
    assert len(paths) == 29
    for path in paths:
        labels = read_labels(path)
        assert labels.picture == path.stem
        assert bool(labels.objects) == (path.stem != "apc_shelf_7")
        for region in (*labels.objects, *labels.forbidden):
            for polygon in region.polygons:
                assert polygon.min() >= 0.0
                assert (polygon.max(axis=0) <= (labels.width, labels.height)).all()


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="needs ../shared/data/real_rgbd, or REAL_RGBD")
def test_the_rules_agree_with_an_observer_in_nine_of_ten_verdicts():
    gripper, frames = load_gripper("franka_hand"), labelled_frames(REAL, labels_folder())
    agreed = asked = 0
    for path in sorted((labels_folder() / "judged_by_eye").glob("*.csv")):
        results = evaluate_frames(frames, predicted_answers(read_predictions(path)), gripper)
        figures = compare_with_eye(results, REAL / "verdicts.csv", path.stem)
        agreed, asked = agreed + figures["eye_agreed"], asked + figures["eye_verdicts"]
        assert any(one.right(FIRST) for one in results)
    assert asked == 232
    assert agreed / asked >= 0.9


def test_tables_of_what_was_judged_by_eye_hold_five_grasps_a_frame_at_most():
    for path in (labels_folder() / "judged_by_eye").glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            pictures = [line["picture"] for line in csv.DictReader(file)]
        assert max(pictures.count(name) for name in set(pictures)) <= WITHIN
