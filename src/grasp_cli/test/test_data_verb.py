"""grasp data as people use it; it starts no ROS."""

import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from grasp_cli.main import main
from grasp_detection.datasets.split import load_splits
from grasp_detection.datasets.survey import Survey

LABEL = "40 45\n60 45\n60 55\n40 55\n"


@pytest.fixture
def root(tmp_path):
    """Fifty pictures in Cornell's layout."""
    folder = tmp_path / "cornell"
    folder.mkdir()
    picture = cv2.imencode(".png", np.full((80, 100, 3), 120, np.uint8))[1].tobytes()
    for number in range(100, 150):
        (folder / f"pcd{number:04d}r.png").write_bytes(picture)
        (folder / f"pcd{number:04d}cpos.txt").write_text(LABEL)
    return folder


def grasp_data(*arguments):
    return main(["data", *map(str, arguments)])


def test_a_whole_dataset_is_counted_and_drawn(root, tmp_path, capsys):
    sheet, counts = tmp_path / "new" / "sheet.png", tmp_path / "counts.json"
    assert grasp_data("check", root, "--sheet", sheet, "--json", counts) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert f"cornell: {root}" in out
    assert "100x80 (50)" in out
    assert f"sheet: {sheet}" in out
    assert cv2.imread(str(sheet)).ndim == 3
    report = json.loads(counts.read_text())
    assert (report["views"], report["grasps"], report["problems"]) == (50, 50, [])
    assert report["opening_px"] == {"5": 20.0, "50": 20.0, "95": 20.0}


def test_the_sheet_has_a_place_of_its_own_and_the_limit_holds(root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert grasp_data("check", root, "--dataset", "cornell", "--limit", 7) == 0
    assert "7 of 50" in capsys.readouterr().out
    assert (tmp_path / "log" / "cornell_cornell.png").exists()


def test_broken_views_are_listed_and_decide_the_exit_status(root, tmp_path, capsys):
    (root / "pcd0101cpos.txt").write_text("")
    sheet = tmp_path / "sheet.png"
    assert grasp_data("check", root, "--sheet", sheet) == 0  # worth a look, but usable
    assert "look at pcd0101: no label of a good grasp" in capsys.readouterr().out
    broken = root / "pcd0103r.png"
    broken.write_bytes(broken.read_bytes()[:-20])
    assert grasp_data("check", root, "--sheet", sheet) == 1
    assert f"unusable pcd0103: {broken} is truncated" in capsys.readouterr().out


def test_an_interrupt_shows_what_was_read(root, tmp_path, monkeypatch, capsys):
    look = Survey.look

    def interrupted(survey, index):
        if index == 4:
            raise KeyboardInterrupt
        look(survey, index)

    monkeypatch.setattr(Survey, "look", interrupted)
    assert grasp_data("check", root, "--sheet", tmp_path / "sheet.png") == 130
    out, err = capsys.readouterr()
    assert "4 of 50" in out
    assert err == "interrupted\n"


def test_a_split_is_saved_once(root, tmp_path, capsys):
    path = tmp_path / "new" / "split.json"
    arguments = ("split", root, "--kind", "image-wise", "--shares", "0.5,0.2,0.3", "--out", path)
    assert grasp_data(*arguments) == 0
    (split,) = load_splits(path)
    assert [len(split.part(part)) for part in ("train", "validation", "test")] == [25, 10, 15]
    out = capsys.readouterr().out
    assert split.digest in out
    assert f"split: {path}" in out
    before = path.read_bytes()
    assert grasp_data(*arguments) == 2
    assert "is there already" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_folds_are_saved(root, tmp_path, capsys):
    path = tmp_path / "folds.json"
    arguments = ("split", root, "--kind", "image-wise", "--folds", 5, "--seed", 3, "--out", path)
    assert grasp_data(*arguments) == 0
    splits = load_splits(path)
    assert sorted(picture for split in splits for picture in split.test) == [
        f"{number:04d}" for number in range(100, 150)
    ]
    out = capsys.readouterr().out
    assert all(split.digest in out and split.seed == 3 for split in splits)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", "nosuch"), "nosuch is no folder"),
        (("check", "ROOT", "--dataset", "ocid"), "holds no folder rgb"),
        (("check", "."), "fits no known layout; cornell: "),
        (("check", "ROOT", "--limit", "0"), "limit is 0 views"),
        (("check", "ROOT", "--sheet", "sheet.jpg"), "must end in .png"),
        (("split", "ROOT", "--kind", "object-wise"), "names no object"),
        (("split", "ROOT", "--kind", "image-wise", "--shares", "0.5,0.5"), "add up to 1"),
        (("split", "ROOT", "--kind", "image-wise", "--folds", "1"), "1 folds of 50 groups"),
        (("split", "ROOT", "--kind", "image-wise", "--seed", "-1"), "--seed is -1"),
        (
            ("split", "ROOT", "--kind", "image-wise", "--folds", "5", "--shares", "0.7,0.1,0.2"),
            "--shares does not go with --folds",
        ),
    ],
)
def test_wrong_input_is_one_line_and_status_2(
    root, tmp_path, monkeypatch, capsys, arguments, message
):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    filled = [str(root) if argument == "ROOT" else argument for argument in arguments]
    if filled[0] == "split":
        filled += ["--out", str(tmp_path / "split.json")]
    assert grasp_data(*filled) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "split.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("check",),
        ("split", "ROOT", "--kind", "by-eye", "--out", "split.json"),
        ("split", "ROOT", "--kind", "blocks", "--out", "split.json", "--shares", "a,b,c"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(root, arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        grasp_data(*arguments)
    assert caught.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_neither_ros_nor_torch_is_loaded():
    code = (
        "import sys, grasp_cli.verbs.data; "
        "print([name for name in ('rclpy', 'torch', 'grasp_msgs') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
