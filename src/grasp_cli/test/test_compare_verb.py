"""The command `grasp compare`: who is measured on which split, once, and what the table says."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from grasp_cli.main import main
from grasp_core.config_folder import config_dir
from grasp_core.rectangle import corners_of
from grasp_detection.datasets.split import load_splits
from grasp_detection.evaluation.comparison import Row, markdown, ordered, trained_for
from grasp_detection.evaluation.run import DetectorRun

LABEL = np.array([16.0, 16.0, 10.0, 6.0, 0.3])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Pictures of a bar, two splits of them, and weights trained on the first."""
    home = tmp_path_factory.mktemp("compare")
    folder = home / "bars" / "01"
    folder.mkdir(parents=True)
    for number in range(10):
        picture = np.full((32, 32, 3), 220, np.uint8)
        cv2.circle(picture, (16, 16), 4 + number % 3, (40, 60, 90), -1)
        cv2.imwrite(str(folder / f"pcd{number:04d}r.png"), picture)
        text = "\n".join(f"{u} {v}" for u, v in corners_of(LABEL[None])[0])
        (folder / f"pcd{number:04d}cpos.txt").write_text(text + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        for seed, name in ((0, "split.json"), (5, "other.json")):
            split = ("data", "split", "bars", "--kind", "image-wise", "--seed", str(seed))
            assert main([*split, "--out", name]) == 0
        assert main([
            *("train", "--detector", "gg_cnn2", "--dataset", "cornell", "--root", "bars"),
            *("--split", "split.json", "--size", "32", "--epochs", "1", "--batch", "2"),
            *("--threads", "1", "--device", "cpu", "--out", "run"),
        ]) == 0  # fmt: skip
    rows = ["picture,u,v,width,height,angle_rad,score"]
    rows += [f"01/pcd{number:04d},{','.join(map(str, LABEL))},0.9" for number in range(10)]
    (home / "lab.csv").write_text("\n".join(rows) + "\n")
    return home


@pytest.fixture
def compare(home, monkeypatch):
    monkeypatch.chdir(home)

    def run(*more, detectors="gg_cnn2:run/weights.safetensors", splits="split.json", out="out"):
        common = ("--dataset", "cornell", "--root", "bars", "--splits", splits)
        return main(["compare", *common, "--detectors", detectors, "--out", out, *more])

    return run


def test_a_detector_stands_beside_answers_made_elsewhere(compare, home, capsys):
    assert compare("--predictions", "lab.csv") == 0
    said = capsys.readouterr().out
    rows = json.loads((home / "out" / "table.json").read_text())["rows"]
    assert [row["detector"] for row in rows] == ["lab", "gg_cnn2"]
    assert rows[0]["accuracy"] == 1.0
    assert (home / "out" / "table.md").read_text() == said
    assert "| image-wise | `lab` | 100.0 % |" in said
    assert "`gg_cnn2 (run)`" in said
    assert (home / "out" / "table.png").stat().st_size > 5000


def test_what_was_measured_is_not_measured_again(compare, home, monkeypatch):
    assert compare(out="twice") == 0
    first = (home / "twice" / "table.json").read_text()

    def refuse(*arguments):
        raise AssertionError("measured again")

    monkeypatch.setattr(DetectorRun, "measure", refuse)
    assert compare(out="twice") == 0
    assert (home / "twice" / "table.json").read_text() == first
    with pytest.raises(AssertionError, match="measured again"):
        compare("--anew", out="twice")


def test_weights_are_left_out_where_they_have_seen_the_test_part(compare, home, capsys):
    assert compare(splits="other.json", out="seen") == 2
    told = capsys.readouterr().err
    assert "left out: gg_cnn2:run/weights.safetensors has seen 2 of 2 test pictures" in told
    assert "nobody can be measured on other.json" in told
    assert not (home / "seen" / "table.json").exists()


def test_stored_figures_join_in_and_others_are_refused(compare, home, capsys):
    assert compare(out="stored") == 0
    figures = json.loads((home / "stored" / "table.json").read_text())["rows"][0]
    figures |= {"detector": "grasp_scorer", "weights": "runs/folds/fold{fold}/w.safetensors"}
    figures |= {"folds": 5, "split_kind": "blocks", "accuracy": 0.5}
    Path("folds.json").write_text(json.dumps(figures))
    assert compare("--results", "folds.json", out="stored") == 0
    said = capsys.readouterr().out
    assert "| blocks, 5 folds | `grasp_scorer (folds)` | 50.0 % |" in said
    assert "95.2 % (RGB)" in said
    Path("wrong.json").write_text('{"accuracy": 1.0}')
    assert compare("--results", "wrong.json") == 2
    assert "wrong.json lacks detector, weights, ci95" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["cornell_rgb_blocks", "cornell_rgb_image_wise"])
def test_shipped_weights_are_found_by_the_split_they_were_trained_on(name):
    split = load_splits(config_dir() / "splits" / f"{name}.json")[0]
    found = trained_for(split, ["dsc_graspnet"])
    assert found
    assert {("blocks" in one.weights) for one in found} == {"blocks" in name}
    assert set(found) <= set(trained_for(split))


def test_the_best_of_a_split_comes_first():
    def row(detector, accuracy, kind):
        about = {"detector": detector, "weights": "", "split_kind": kind, "pictures": 9}
        return Row({**about, "accuracy": accuracy, "ci95": [0.1, 0.9]})

    rows = [row("efcn", 0.6, "blocks"), row("det", 0.9, "image-wise"), row("gr", 0.7, "blocks")]
    assert [one.figures["detector"] for one in ordered(rows)] == ["gr", "efcn", "det"]
    lines = markdown(rows).splitlines()
    assert len(lines) == 2 + 3 + 2
    assert lines[3].endswith("| 91.0 % (depth) |")
    assert "Wang et al. 2019" in lines[-1]
