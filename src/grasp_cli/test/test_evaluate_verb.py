"""`grasp evaluate` on a tiny dataset, with detectors that know the labels. No ROS."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from grasp_cli.main import main
from grasp_cli.verbs import evaluate as evaluate_command
from grasp_core.errors import ConfigError
from grasp_core.rectangle import corners_of
from grasp_detection.datasets.cornell import CornellDataset
from grasp_detection.datasets.split import make_folds, make_split, save_splits
from grasp_detection.entry import Entry
from grasp_detection.evaluation import run
from grasp_detection.learned.model import LearnedModel
from grasp_detection.maps.config import MapsConfig
from grasp_detection.ranking import Ranking

PICTURES = 20
LABEL = np.array([[32.0, 30.0, 20.0, 10.0, 0.3], [36.0, 40.0, 16.0, 8.0, 1.27]])


class Fake:
    """Answers with the label; weights named "bad" miss every fourth picture."""

    def __init__(self, name, values, metadata):
        self.name = name
        self.values = values
        self.asked = values.get("weights", "")
        self.bad = self.asked == "bad"
        self.metadata = metadata

    def about(self):
        return {"weights_split": (self.metadata or {}).get("split")}

    def pictures_seen(self, dataset):
        return LearnedModel.pictures_seen(self, dataset) if self.metadata is not None else set()

    def rank(self, color, depth_m, limit):
        rows = LABEL.copy()
        if self.bad and color[0, 0, 0] % 4 == 0:
            rows[:, 0] += 60.0
        return Ranking(rows, np.array([0.8, 0.6]), np.array([0.5, 0.4]), np.array([0.7, 0.6]))


@pytest.fixture
def loaded(monkeypatch):
    """Detectors as they are loaded; fills in their metadata first."""
    made = []
    metadata = {}

    def load(name, values):
        if name == "nothing":
            raise ConfigError(f"no network {name!r}")
        asked = values.get("weights", "")
        made.append(Fake(name, values, metadata.get(asked)))
        return made[-1]

    entry = Entry("fake", "maps", MapsConfig, None, lambda: None)
    monkeypatch.setattr(run, "create_picture_detector", load)
    for module in (run, evaluate_command):
        monkeypatch.setattr(module, "find_detector", lambda name: entry)
    monkeypatch.setattr(run, "resolve", lambda name: name)
    monkeypatch.setattr(run, "weights_of", lambda name, weights, depth: weights or "default")
    load.made, load.metadata = made, metadata
    return load


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    corners = "\n".join(f"{u:.4f} {v:.4f}" for u, v in corners_of(LABEL).reshape(-1, 2))
    for picture in range(PICTURES):
        color = np.full((64, 64, 3), 60, np.uint8)
        color[0, 0] = picture
        cv2.imwrite(str(folder / f"pcd{100 + picture:04d}r.png"), color)
        (folder / f"pcd{100 + picture:04d}cpos.txt").write_text(corners + "\n")
    return folder


def grasp_evaluate(root, *arguments):
    common = ["--detector", "fake", "--dataset", "cornell", "--root", str(root)]
    return main(["evaluate", *common, *map(str, arguments)])


def figures_of(root, tmp_path, *arguments):
    path = tmp_path / "out" / "figures.json"
    assert grasp_evaluate(root, *arguments, "--json", path) == 0
    return json.loads(path.read_text())


def test_figures_of_a_drawn_split(root, tmp_path, loaded, capsys):
    figures = figures_of(root, tmp_path, "--split", "image-wise", "--seed", 3)
    split = make_split(CornellDataset(root), "image-wise", seed=3)
    assert figures["split_digest"] == split.digest
    assert (figures["part"], figures["n"], figures["folds"]) == ("test", 4, 1)
    assert figures["accuracy"] == 1.0
    assert figures["seen_in_training"] == 0
    shown = capsys.readouterr().out
    assert "test part of image-wise" in shown
    assert "100.0 %" in shown
    assert "WARNING" not in shown
    for value in figures.values():
        assert isinstance(value, str | int | float | list)


def test_every_output_is_written(root, tmp_path, loaded):
    out = tmp_path / "new"
    outputs = ("--csv", out / "views.csv", "--pictures", out / "cases")
    outputs += ("--reliability", out / "plots" / "reliability.png", "--against", "fake:bad")
    figures = figures_of(root, tmp_path, "--split", "all", *outputs)
    assert figures["accuracy"] == 1.0
    assert figures["against_accuracy"] == 0.75
    assert figures["against_weights"] == "bad"
    assert figures["difference"] == pytest.approx(0.25)
    assert figures["mcnemar_p"] == pytest.approx(2 / 2**5)
    with (out / "views.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * PICTURES
    assert [line["right"] for line in lines if line["weights"] == "bad"].count("0") == 5
    assert lines[0]["view"] == "pcd0100"
    for path in (out / "cases" / "worst.png", out / "plots" / "reliability.png"):
        assert path.read_bytes().startswith(b"\x89PNG")


def test_both_detectors_rank_as_asked_for(root, tmp_path, loaded):
    arguments = ("--split", "all", "--against", "fake:b", "--set", "certainty=0")
    figures = figures_of(root, tmp_path, *arguments)
    assert figures["settings"] == ["certainty=0"]
    assert [one.values["certainty"] for one in loaded.made[-2:]] == [0, 0]
    figures_of(root, tmp_path, *arguments, "--against-set", "certainty=2")
    assert [one.values["certainty"] for one in loaded.made[-2:]] == [0, 2]


def test_folds_have_weights_of_their_own_and_are_pooled(root, tmp_path, loaded):
    dataset = CornellDataset(root)
    folds = make_folds(dataset, "image-wise", 4)
    for number, split in enumerate(folds):
        loaded.metadata[f"fold{number}"] = {
            "split": split.digest,
            "dataset": "cornell",
            "trained_on": list(split.train),
        }
    arguments = ("--split", "image-wise", "--folds", 4, "--weights", "fold{fold}")
    figures = figures_of(root, tmp_path, *arguments)
    # Once to see that all can be loaded, once to use them.
    assert [one.asked for one in loaded.made] == [f"fold{i}" for i in range(4)] * 2
    assert figures["fold_accuracy"] == [1.0] * 4
    assert figures["fold_n"] == [5] * 4
    assert (figures["n"], figures["pictures"]) == (20, 20)
    assert figures["seen_in_training"] == 0
    assert not [note for note in figures["notes"] if "split" in note]
    assert figures["split_digest"] == [split.digest for split in folds]

    save_splits(folds, tmp_path / "folds.json")
    again = figures_of(
        root, tmp_path, "--split", tmp_path / "folds.json", "--weights", "fold{fold}"
    )
    assert again["split_digest"] == figures["split_digest"]


def test_trained_on_measured_pictures_warns(root, tmp_path, loaded, capsys):
    loaded.metadata["bad"] = {
        "split": "another",
        "dataset": "cornell",
        "trained_on": ["0100", "0101", "9999"],
    }
    figures = figures_of(root, tmp_path, "--split", "all", "--weights", "bad")
    assert figures["seen_in_training"] == 2
    shown = " ".join(capsys.readouterr().out.split())
    assert "WARNING: fake (bad) was trained on or chosen by 2 of the 20 measured pictures" in shown
    assert "trained on another split" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--split", "nowhere"), "valid are all, image-wise"),
        (("--split", "object-wise"), "names no object"),
        (("--split", "all", "--folds", "3"), "--folds 3 needs --split"),
        (("--split", "all", "--part", "test"), "means nothing"),
        (("--split", "image-wise", "--folds", "99"), "99 folds of 20 groups"),
        (("--split", "image-wise", "--weights", "w{fold}"), "no folds"),
        (("--split", "all", "--detector", "nothing"), "no network 'nothing'"),
        (("--split", "all", "--against", "nothing:w"), "no network 'nothing'"),
        (("--split", "all", "--dataset", "nothing"), "no dataset layout"),
        (("--split", "all", "--set", "certain=1"), "--set is 'certain=1', must be NAME=VALUE"),
        (("--split", "all", "--against-set", "certainty=1"), "means nothing without --against"),
    ],
)
def test_refusals_are_one_line(root, loaded, capsys, arguments, message):
    assert grasp_evaluate(root, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_a_broken_view_is_named(root, loaded, capsys):
    (root / "pcd0107cpos.txt").write_text("1 2\n3 4\n")
    assert grasp_evaluate(root, "--split", "all") == 2
    assert "pcd0107cpos.txt holds 2 corners" in capsys.readouterr().err


def test_a_broken_view_outside_the_measured_part_does_not_matter(root, tmp_path, loaded):
    split = make_split(CornellDataset(root), "image-wise")
    save_splits([split], tmp_path / "split.json")
    for picture in {*split.train, *split.validation}:
        (root / f"pcd{picture}r.png").write_bytes(b"no picture")
    assert figures_of(root, tmp_path, "--split", tmp_path / "split.json")["n"] == len(split.test)


def test_a_detector_that_lacks_a_channel_says_for_which_view(root, loaded, capsys, monkeypatch):
    def rank(self, color, depth_m, limit):
        raise ConfigError("modality 'd' needs depth, which is not there")

    monkeypatch.setattr(Fake, "rank", rank)
    assert grasp_evaluate(root, "--split", "all") == 2
    assert "view pcd0100: modality 'd' needs depth" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_named(root, tmp_path, loaded, capsys):
    (tmp_path / "file").write_text("")
    assert grasp_evaluate(root, "--split", "all", "--json", tmp_path / "file" / "x.json") == 2
    shown = capsys.readouterr()
    assert "cannot write" in shown.err
    assert not shown.out, "it is refused before anything is measured"


def test_needs_neither_ros_nor_torch():
    code = (
        "import sys, grasp_cli.verbs.evaluate;"
        "print(sorted({'rclpy', 'torch', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
