"""The command `grasp train`, from its arguments to the weights."""

import json
import re

import cv2
import numpy as np
import pytest

from grasp_cli.main import main
from grasp_core.rectangle import corners_of
from grasp_detection.datasets.registry import open_dataset
from grasp_detection.datasets.split import make_split, save_splits
from grasp_detection.learned.training.provenance import revision
from grasp_detection.learned.weights import load_weights


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Five pictures of a bar in Cornell's layout and a split of them, in the current folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "bars" / "01"
    folder.mkdir(parents=True)
    label = corners_of(np.array([[16.0, 16.0, 10.0, 6.0, 0.3]]))[0]
    for number in range(5):
        picture = np.full((32, 32, 3), 220, np.uint8)
        cv2.circle(picture, (16, 16), 4 + number, (40, 60, 90), -1)
        cv2.imwrite(str(folder / f"pcd{number:04d}r.png"), picture)
        text = "\n".join(f"{u} {v}" for u, v in label)
        (folder / f"pcd{number:04d}cpos.txt").write_text(text + "\n")
    dataset = open_dataset("cornell", tmp_path / "bars")
    save_splits([make_split(dataset, "image-wise", (0.6, 0.2, 0.2))], tmp_path / "split.json")
    return tmp_path


ARGUMENTS = [
    *("train", "--detector", "dsc_graspnet", "--dataset", "cornell", "--root", "bars"),
    *("--split", "split.json", "--size", "32", "--epochs", "2", "--batch", "2", "--device", "cpu"),
]


def test_it_ends_with_weights_that_say_where_they_come_from(data, capsys):
    assert main(ARGUMENTS) == 0
    out = data / "runs" / "dsc_graspnet-rgb-split"
    assert {"checkpoint.pt", "curves.png", "log.csv", "origin.json", "weights.json"} <= {
        path.name for path in out.iterdir()
    }
    about = load_weights("dsc_graspnet", str(out / "weights.safetensors")).metadata
    assert about["command"] == (
        "grasp train --detector dsc_graspnet --dataset cornell --root bars --split split.json "
        "--size 32 --epochs 2 --batch 2"
    )
    lines = capsys.readouterr().out.splitlines()
    assert [line[:9] for line in lines if line.startswith("epoch")] == ["epoch 1/2", "epoch 2/2"]
    # Again: nothing is left to train; the code of its start stays, the command is the present one.
    (out / "origin.json").write_text(json.dumps({"command": "first", "revision": "abc"}))
    assert main(ARGUMENTS) == 0
    assert "resumes after epoch 2" in capsys.readouterr().out
    again = load_weights("dsc_graspnet", str(out / "weights.safetensors")).metadata
    assert (again["command"], again["revision"]) == (about["command"], "abc")
    assert again["sha256"] == about["sha256"]


def test_a_run_out_of_patience_says_how_it_goes_on(data, capsys, monkeypatch):
    losses = iter([0.1, 0.2])
    monkeypatch.setattr(
        "grasp_detection.learned.training.trainer.Trainer._validate",
        lambda self, size: (next(losses), 0.5),
    )
    assert main([*ARGUMENTS, "--epochs", "3", "--patience", "1"]) == 0
    assert "a larger --patience goes on" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--detector", "resnet"], "no detector 'resnet'; valid names are antipodal"),
        (["--dataset", "imagenet"], "valid are cornell"),
        (["--root", "nowhere"], "nowhere is no folder"),
        (["--split", "nothing.json"], "cannot read split nothing.json"),
        (["--fold", "3"], "--fold is 3, but split.json holds folds 0 to 0"),
        (["--size", "36"], "must be a multiple of 8"),
        (["--epochs", "0"], "epochs is 0"),
        (["--modality", "rgbd"], "has no depth"),
        (["--workers", "-1"], "--workers is -1"),
        (["--threads", "-2"], "--threads is -2"),
        (["--out", "split.json"], "cannot make the folder split.json"),
    ],
)
def test_wrong_input_is_one_clear_line(data, capsys, arguments, reason):
    assert main([*ARGUMENTS, *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert reason in error
    assert error.count("\n") == 1


def test_a_run_that_begins_anew_does_not_take_the_old_ones_origin(data, capsys):
    arguments = [*ARGUMENTS, "--out", "run"]
    assert main(arguments) == 0
    assert main([*arguments, "--view-m", "0.5"]) == 2
    assert "--view-m is 0.5, but the run in run began with 0.0" in capsys.readouterr().err
    (data / "run" / "checkpoint.pt").unlink()
    assert main([*arguments, "--view-m", "0.5", "--seed", "1"]) == 0
    about = json.loads((data / "run" / "weights.json").read_text())
    assert about["view_m"] == 0.5
    assert "--seed 1" in about["command"]


def test_hyphens_do_and_labels_that_cannot_be_used_are_counted(data, capsys):
    for number in range(5):
        path = data / "bars" / "01" / f"pcd{number:04d}cpos.txt"
        path.write_text("nan nan\n" * 4 + path.read_text())
    arguments = [*ARGUMENTS, "--detector", "dsc-graspnet"]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    # Of three training pictures, two to a batch, one may never be looked at.
    assert re.search(r"^[34] labels were skipped: not finite, or no area$", told, re.MULTILINE)


def test_a_missing_git_is_no_reason_to_fail(data, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert revision() == "unknown"


def test_a_run_can_start_from_weights_and_says_so(data, capsys):
    assert main([*ARGUMENTS, "--out", "first"]) == 0
    first = load_weights("dsc_graspnet", "first/weights.safetensors")
    more = ["--init", "first/weights.safetensors", "--learning-rate", "1e-7", "--out", "second"]
    more += ["--view-m", "0.5"]
    assert main([*ARGUMENTS, *more]) == 0
    second = load_weights("dsc_graspnet", "second/weights.safetensors")
    before, after = (weights.state["stem.0.weight"] for weights in (first, second))
    assert abs(before - after).max() < 1e-5
    assert second.metadata["init_sha256"] == first.metadata["sha256"]
    assert second.metadata["init_commands"] == [first.metadata["command"]]
    split = [*first.metadata["trained_on"], *first.metadata["validated_on"]]
    assert second.metadata["init_seen"] == {"cornell": sorted(split)}
    assert "--init weights.safetensors --" in second.metadata["command"]
    assert second.metadata["view_m"] == 0.5
    assert "--view-m 0.5" in second.metadata["command"]
    assert "view_m" not in first.metadata
    capsys.readouterr()
    assert main([*ARGUMENTS, "--init", "nothing", "--out", "third"]) == 2
    assert "no weights 'nothing'" in capsys.readouterr().err
