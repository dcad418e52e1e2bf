"""Predictions in a file: written, read, scored as a detector's answers are."""

import numpy as np
import pytest

from grasp_core.errors import ConfigError
from grasp_core.grasp import Grasp
from grasp_core.rectangle import GraspRectangle
from grasp_detection.datasets.cornell import CornellDataset
from grasp_detection.datasets.dataset import DatasetError
from grasp_detection.evaluation.protocol import Protocol
from grasp_detection.evaluation.run import DetectorRun
from grasp_detection.predictions import read_predictions, write_predictions

HEADER = "picture,u,v,width,height,angle_rad,score\n"


def test_what_is_written_is_read(tmp_path):
    grasps = [
        Grasp(GraspRectangle(10.0, 20.0, 30.0, 15.0, 0.5), 0.9, depth_m=0.7, label="mug"),
        Grasp(GraspRectangle(11.0, 21.0, 31.0, 16.0, -0.5), 0.4),
    ]
    write_predictions(tmp_path / "g.csv", {"a": grasps, "b": []})
    assert (tmp_path / "g.csv").read_text().splitlines()[1].endswith(",mug")
    read = read_predictions(tmp_path / "g.csv")
    ranking = read.of("a")
    np.testing.assert_allclose(ranking.rows[0], (10.0, 20.0, 30.0, 15.0, 0.5))
    np.testing.assert_allclose(ranking.score, (0.9, 0.4))
    assert len(read.of("a", 1)) == 1
    assert len(read.of("b")) == 0
    with pytest.raises(ConfigError, match="cannot write"):
        write_predictions(tmp_path / "none" / "g.csv", {})


def test_order_is_by_score_and_file_names_mean_views(tmp_path):
    path = tmp_path / "g.csv"
    path.write_text(
        f"{HEADER}01/pcd0100r.png,1,2,3,4,0,-5\n01/pcd0100r.png,9,2,3,4,0,12\n"
        "s/0_x_RGB.png,1,2,3,4,0,1\nplain.jpg,1,2,3,4,0,1\n"
    )
    read = read_predictions(path)
    assert read.of("01/pcd0100").rows[:, 0].tolist() == [9.0, 1.0]
    assert len(read.of("s/0_x")) == 1
    assert len(read.of("plain")) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("picture,u,v\na,1,2\n", "lacks the columns width, height, angle_rad, score"),
        (f"{HEADER}a,1,2,3,4,0\n", ":2 holds no rectangle with a score"),
        (f"{HEADER}a,1,2,0,4,0,1\n", "width and height must be above 0"),
        (f"{HEADER}a,1,2,3,4,0,nan\n", "score is nan"),
        (f"{HEADER}a,1,2,3,four,0,1\n", "could not convert"),
    ],
)
def test_what_is_no_prediction_is_told(tmp_path, text, said):
    path = tmp_path / "g.csv"
    path.write_text(text)
    with pytest.raises(DatasetError, match=said):
        read_predictions(path)


def test_predictions_are_scored_as_answers_are(bars, tmp_path):
    dataset = CornellDataset(bars)
    path = tmp_path / "g.csv"
    lines = []
    for index, record in enumerate(dataset.records):
        u, v, width, height, angle = dataset.load(index).grasps[0]
        wrong = 30.0 if index % 4 == 0 else 0.0
        lines.append(f"{record.view},{u + wrong},{v},{width},{height},{angle},0.8\n")
    path.write_text(HEADER + "".join(lines))
    protocol = Protocol.of(dataset, "all", None, None, 0)
    run = DetectorRun.of_predictions(path, protocol)
    run.measure(protocol, lambda done: None)
    figures = run.figures(protocol)
    assert figures["detector"] == "g"
    assert figures["n"] == 12
    assert figures["accuracy"] == 0.75
    assert "the weights do not say which pictures they were trained on" in figures["notes"]


def test_predictions_of_another_dataset_are_refused(bars, tmp_path):
    path = tmp_path / "g.csv"
    path.write_text(f"{HEADER}elsewhere,1,2,3,4,0,1\n")
    protocol = Protocol.of(CornellDataset(bars), "all", None, None, 0)
    with pytest.raises(DatasetError, match="'elsewhere', is a view of the dataset, such as"):
        DetectorRun.of_predictions(path, protocol)
