"""`grasp detect` on a traced block, with the detector that needs no weights. No ROS."""

import csv
import json

import cv2
import numpy as np
import pytest

from grasp_cli.main import main
from grasp_detection.predictions import read_predictions
from grasp_detection.warm_up import plain_frame

INTRINSICS = "615,615,319.5,239.5"


@pytest.fixture
def folder(tmp_path):
    frame = plain_frame()
    folder = tmp_path / "block"
    folder.mkdir()
    cv2.imwrite(str(folder / "color.png"), frame.color)
    cv2.imwrite(str(folder / "depth.png"), (frame.depth_m * 1000.0).round().astype(np.uint16))
    names = ("fx", "fy", "cx", "cy", "width", "height")
    (folder / "camera.json").write_text(json.dumps({k: getattr(frame.camera, k) for k in names}))
    return folder


def detect(*arguments):
    return main(["detect", "--detector", "antipodal", *map(str, arguments)])


def test_a_recorded_frame_gives_a_picture_and_two_tables(folder, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    assert detect(folder, "--out", out, "--most", 3) == 0
    assert {path.name for path in out.iterdir()} == {"block.png", "grasps.csv", "grasps.json"}
    drawn = cv2.imread(str(out / "block.png"))
    assert drawn.shape == (480, 640, 3)
    assert (drawn != cv2.imread(str(folder / "color.png"))).any()
    told = json.loads((out / "grasps.json").read_text())
    (picture,) = told["pictures"]
    assert (told["detector"], picture["picture"]) == ("antipodal", "block")
    assert 1 <= len(picture["grasps"]) <= 3
    best = picture["grasps"][0]
    ranking = read_predictions(out / "grasps.csv").of("block")
    assert ranking.rows[0, 0] == pytest.approx(best["u"], abs=0.01)
    assert ranking.score[0] == pytest.approx(best["quality"], abs=1e-4)
    assert best["width_m"] == pytest.approx(0.05, abs=0.01)
    with (out / "grasps.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["detector"] == "antipodal"
    assert "block" in capsys.readouterr().out


def test_colour_and_depth_apart_give_the_same(folder, tmp_path):
    assert detect(folder, "--out", tmp_path / "a") == 0
    files = (folder / "color.png", "--depth", folder / "depth.png", "--intrinsics", INTRINSICS)
    assert detect(*files, "--out", tmp_path / "b") == 0
    first = read_predictions(tmp_path / "a" / "grasps.csv").of("block")
    second = read_predictions(tmp_path / "b" / "grasps.csv").of("color")
    np.testing.assert_array_equal(first.rows, second.rows)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("color.png",), "detector antipodal needs depth"),
        (("color.png", "--depth", "depth.png"), "intrinsics"),
        (("color.png", "--depth", "depth.png", "--intrinsics", INTRINSICS, "--depth-unit", "m"),
         "millimetres published as metres"),
        (("color.png", "--depth", "none.png", "--intrinsics", INTRINSICS), "No such file"),
        (("none.png",), "No such file"),
        (("camera.json",), "is no readable picture"),
        ((".", "--most", "0"), "--most is 0"),
        ((".", "--weights", "cornell_rgb"), "is not learned"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_sentence(folder, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(folder)
    assert detect(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert said in error
    assert error.count("\n") == 1
