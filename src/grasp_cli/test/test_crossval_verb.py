"""The command `grasp crossval`: folds are trained once, resumed, pooled and compared."""

import json

import cv2
import numpy as np
import pytest

from grasp_cli.main import main
from grasp_core.rectangle import corners_of


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Eight pictures of a bar and three folds of them, in the current folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "bars" / "01"
    folder.mkdir(parents=True)
    label = corners_of(np.array([[16.0, 16.0, 10.0, 6.0, 0.3]]))[0]
    for number in range(8):
        picture = np.full((32, 32, 3), 220, np.uint8)
        cv2.circle(picture, (16, 16), 4 + number % 3, (40, 60, 90), -1)
        cv2.imwrite(str(folder / f"pcd{number:04d}r.png"), picture)
        text = "\n".join(f"{u} {v}" for u, v in label)
        (folder / f"pcd{number:04d}cpos.txt").write_text(text + "\n")
    split = ("data", "split", "bars", "--kind", "image-wise", "--folds", "3")
    assert main([*split, "--out", "folds.json"]) == 0
    return tmp_path


def run(*more, detector="gg_cnn2"):
    return main([
        *("crossval", "--detector", detector, "--dataset", "cornell", "--root", "bars"),
        *("--split", "folds.json", "--size", "32", "--epochs", "1", "--batch", "2"),
        *("--threads", "1", "--device", "cpu", *more),
    ])  # fmt: skip


def test_folds_are_trained_once_pooled_and_compared(data, capsys):
    assert run("--out", "first", "--first", "1") == 0
    assert [path.name for path in (data / "first").iterdir()] == ["fold0"]
    assert run("--out", "first", "--json", "first.json") == 0
    said = capsys.readouterr().out
    assert said.count("fold 0: trained before") == 1
    assert said.count("best epoch 1") == 3
    figures = json.loads((data / "first.json").read_text())
    assert (figures["folds"], figures["n"], len(figures["fold_accuracy"])) == (3, 8, 3)
    assert figures["seen_in_training"] == 0
    assert figures["ci95_over"] == "pictures"
    # Another command is another run.
    with open(data / "first" / "fold0" / "weights.json") as file:
        assert "--epochs 1" in json.load(file)["command"]
    options = ("--out", "second", "--against", "gg-cnn2:first", "--json", "second.json")
    assert run(*options, "--learning-rate", "0.01", "--with", "certainty=0") == 0
    figures = json.loads((data / "second.json").read_text())
    assert {"difference", "mcnemar_p", "against_accuracy"} <= figures.keys()


def test_what_is_no_set_of_folds_is_refused(data, capsys):
    assert run("--out", "runs", "--first", "4") == 2
    assert "folds.json holds 3 fold(s), --first 4" in capsys.readouterr().err
    assert not (data / "runs").exists()
