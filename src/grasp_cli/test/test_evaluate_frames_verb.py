"""`grasp evaluate` on recorded frames and on predictions from a file. No ROS."""

import csv
import json

import pytest
from recorded import square, write_frame, write_labels

from grasp_cli.main import main
from grasp_core.transform import Transform
from grasp_detection.warm_up import plain_frame

HEADER = "picture,u,v,width,height,angle_rad,score\n"
# Across the short side of a block of 9 x 5 cm, 44 px high in the picture.
GOOD = "319.5,239.5,50,18,1.5708"
BESIDE = "100,100,50,18,0"


@pytest.fixture
def root(tmp_path):
    """One frame of a block, its labels, and an answer."""
    looking_down = Transform.from_rpy((3.141592653589793, 0.0, 0.0), (0.0, 0.0, 0.75))
    write_frame(tmp_path / "frames" / "block", plain_frame(), looking_down)
    write_labels(tmp_path / "labels", "block", [square(319, 239, 60)])
    (tmp_path / "mine.csv").write_text(f"{HEADER}block,{BESIDE},0.9\nblock,{GOOD},0.8\n")
    (tmp_path / "eye.csv").write_text("frame,mine_top1_good,mine_top5_good\nblock,1,1\n")
    return tmp_path


def evaluate(root, *arguments, answers="mine.csv"):
    common = ["--dataset", "real_rgbd", "--root", root / "frames", "--labels", root / "labels"]
    who = ["--predictions", root / answers] if answers else []
    return main(["evaluate", *map(str, [*common, *who, *arguments])])


def test_predictions_on_real_frames(root, capsys):
    out = root / "out"
    files = ("--json", out / "f.json", "--csv", out / "f.csv", "--pictures", out / "drawn")
    assert evaluate(root, *files, "--verdicts", root / "eye.csv") == 0
    figures = json.loads((out / "f.json").read_text())
    assert figures["detector"] == "mine"
    assert (figures["frames"], figures["first_good"], figures["within_five_good"]) == (1, 0, 1)
    assert (figures["eye_agreed"], figures["eye_verdicts"]) == (1, 2)
    with (out / "f.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["good"] for line in lines] == ["0", "1"]
    assert (out / "drawn" / "block.png").exists()
    shown = capsys.readouterr().out
    assert "it is not on a graspable object: 1" in shown
    assert "agrees with 1 of 2 verdicts by eye (50.0 %)" in shown
    assert "block, first: by the rules not good, by eye good" in shown


def test_a_detector_on_real_frames_beside_predictions(root):
    path = root / "f.json"
    assert evaluate(root, "--against", "antipodal", "--json", path) == 0
    figures = json.loads(path.read_text())
    assert figures["against"] == "antipodal"
    assert figures["against_first_good"] == 1
    assert figures["first_difference"] == -1.0


def test_a_detector_beside_itself_with_another_setting(root):
    path = root / "f.json"
    arguments = ("--against", "antipodal", "--against-set", "min_object_height_m=0.1")
    assert evaluate(root, "--detector", "antipodal", *arguments, "--json", path, answers="") == 0
    figures = json.loads(path.read_text())
    assert (figures["first_good"], figures["against_first_good"]) == (1, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--against-set", "min_quality=0.2"), "means nothing without --against"),
        (("--split", "image-wise"), "--split means nothing with --dataset real_rgbd"),
        (("--part", "test", "--folds", "3"), "--part, --folds means nothing"),
        (("--verdicts", "none.csv"), "cannot read none.csv"),
        (("--gripper", "claw"), "no gripper 'claw'"),
        (("--labels", "none"), "no frame of"),
    ],
)
def test_what_does_not_belong_to_real_frames_is_told(root, capsys, arguments, said):
    assert evaluate(root, *arguments) == 2
    assert said in capsys.readouterr().err


def test_answers_to_other_pictures_are_refused(root, capsys):
    (root / "other.csv").write_text(f"{HEADER}elsewhere,{GOOD},0.9\n")
    assert evaluate(root, answers="other.csv") == 2
    assert "'elsewhere', is a view of the dataset, such as 'block'" in capsys.readouterr().err


def test_other_datasets_need_a_split_and_know_no_labels(root, capsys):
    common = ["evaluate", "--predictions", str(root / "mine.csv"), "--dataset", "cornell"]
    assert main([*common, "--root", str(root)]) == 2
    assert "--split is missing" in capsys.readouterr().err
    assert main([*common, "--root", str(root), "--split", "all", "--gripper", "franka_hand"]) == 2
    assert "--gripper means nothing with --dataset cornell" in capsys.readouterr().err
