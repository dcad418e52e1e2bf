"""A detector evaluated on tiny Cornell folders whose answers are known."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from grasp_core.rectangle import corners_of
from grasp_detection.datasets.cornell import CornellDataset
from grasp_detection.datasets.dataset import DatasetError
from grasp_detection.datasets.split import make_folds
from grasp_detection.evaluation.errors import EvaluationError
from grasp_detection.evaluation.evaluate import evaluate
from grasp_detection.evaluation.pictures import draw_case, write_cases
from grasp_detection.evaluation.protocol import Protocol
from grasp_detection.evaluation.summary import (
    HEIGHT_NOTE,
    PICTURES_NOTE,
    ROUNDED_NOTE,
    compare,
    reliability_of,
    seen_in_training,
    summarise,
)
from grasp_detection.learned.model import LearnedModel
from grasp_detection.ranking import Ranking

PICTURES = 12
SIDE = 96


def write_cornell(root, labels_of, pictures=PICTURES, views=2, objects=False):
    """Views in Cornell's layout; the first pixel of each says which one it is."""
    for view in range(views):
        folder = root / f"{view + 1:02d}"
        folder.mkdir(parents=True)
        for picture in range(pictures):
            color = np.full((SIDE, SIDE, 3), 60, np.uint8)
            color[0, 0] = view, 0, picture  # written as BGR: red is the picture
            stem = folder / f"pcd{100 + picture:04d}"
            cv2.imwrite(f"{stem}r.png", color)
            corners = corners_of(labels_of(picture, view)).reshape(-1, 2)
            text = "\n".join(f"{u:.4f} {v:.4f}" for u, v in corners)
            (folder / f"{stem.name}cpos.txt").write_text(text + "\n")
    if objects:
        lines = [f"{100 + picture} thing{picture // 3}" for picture in range(pictures)]
        (root / "z.txt").write_text("\n".join(lines) + "\n")


def labels_of(picture, view):
    rng = np.random.default_rng([picture, view])
    rows = np.empty((3, 5))
    rows[:, :2] = rng.uniform(30.0, 66.0, (3, 2))
    rows[:, 2] = rng.uniform(16.0, 30.0, 3)
    rows[:, 3] = rows[:, 2] * rng.uniform(0.4, 0.7, 3)
    rows[:, 4] = rng.uniform(-1.5, 1.5, 3)
    return rows


def labels_rounded(picture, view):
    rows = labels_of(picture, view)
    turn = 0.1 * picture + 0.03 * view
    rows[:, 4] = np.radians(10.0 * np.round(np.degrees(rows[:, 4]) / 10.0)) + turn
    return rows


@dataclass
class Oracle:
    """Answers with labels, shifted by a number of pixels for some pictures."""

    shift: float = 0.0
    wrong: tuple[int, ...] = tuple(range(PICTURES))
    quality: float = 0.9
    jaw_ratio: float | None = None
    labels: object = labels_of
    name: str = "oracle"
    calls: list = field(default_factory=list)

    def rank(self, color, depth_m, limit):
        picture, view = int(color[0, 0, 0]), int(color[0, 0, 2])
        self.calls.append((picture, view))
        rows = self.labels(picture, view)[:limit].copy()
        if picture in self.wrong:
            rows[:, 0] += self.shift
        if self.jaw_ratio is not None:
            rows[:, 3] = self.jaw_ratio * rows[:, 2]
        quality = self.quality - 0.1 * np.arange(len(rows))
        return Ranking(rows, quality, 0.5 * quality, quality)  # it thinks little of itself


class Silent:
    name = "silent"

    def rank(self, color, depth_m, limit):
        return Ranking(np.empty((0, 5)), *[np.empty(0)] * 3)


@pytest.fixture
def dataset(tmp_path):
    write_cornell(tmp_path / "data", labels_of, objects=True)
    return CornellDataset(tmp_path / "data")


def run(detector, dataset, indices=None):
    return evaluate(detector, dataset, range(len(dataset.records)) if indices is None else indices)


def test_an_oracle_is_always_right(dataset):
    told = []
    every = range(len(dataset.records))
    results = evaluate(Oracle(), dataset, every, progress=lambda *done: told.append(done))
    figures = summarise(results)
    assert figures["accuracy"] == 1.0
    assert (figures["n"], figures["pictures"], figures["objects"]) == (24, 12, 4)
    assert figures["ci95_method"] == "clopper-pearson"
    assert figures["ci95"] == pytest.approx([0.025 ** (1 / 12), 1.0])
    assert all(figures[f"jaccard_{x}"] == 1.0 for x in ("0.25", "0.30", "0.35", "0.40"))
    assert all(figures[f"angle_{x}"] == 1.0 for x in (30, 25, 20, 15, 10, 5))
    assert figures["multi_grasp_0.5_top3"] == 1.0
    assert figures["multi_grasp_0.5_generated"] == [24, 48, 72, 72, 72]
    assert figures["multi_grasp_raw_0.5_generated"] == [0] * 5
    assert figures["multi_grasp_raw_0.2_generated"] == [24, 48, 72, 72, 72]
    assert figures["multi_grasp_raw_0.2_top3"] == 1.0
    assert told[0] == (0, 24)
    assert told[-1] == (24, 24)


def test_a_shifted_detector_is_always_wrong(dataset):
    figures = summarise(run(Oracle(shift=90.0), dataset))
    assert figures["accuracy"] == 0.0
    assert figures["ci95"] == pytest.approx([0.0, 1.0 - 0.025 ** (1 / 12)])
    assert figures["jaccard_0.40"] == 0.0
    assert figures["calibration_error"] == pytest.approx(0.9)


@pytest.mark.parametrize(("objects", "clusters"), [(True, 4), (False, PICTURES)])
def test_intervals_are_over_objects_where_the_dataset_names_them(tmp_path, objects, clusters):
    write_cornell(tmp_path / "data", labels_of, objects=objects)
    protocol = Protocol.of(CornellDataset(tmp_path / "data"), "all", None, None, 0)
    assert protocol.by_object is objects
    figures = summarise(run(Oracle(), protocol.dataset), by_object=protocol.by_object)
    assert figures["ci95"] == pytest.approx([0.025 ** (1 / clusters), 1.0])
    assert (PICTURES_NOTE in figures["notes"]) is not objects


def test_a_detector_wrong_on_a_quarter(dataset):
    results = run(Oracle(shift=90.0, wrong=(0, 1, 2)), dataset)
    figures = summarise(results)
    assert figures["accuracy"] == 0.75
    assert figures["ci95"][0] < 0.75 < figures["ci95"][1]
    by_object = summarise(results, by_object=True)
    assert by_object["ci95_over"] == "objects"
    # All wrong pictures show one object of four: objects tell less than pictures.
    assert np.ptp(by_object["ci95"]) > np.ptp(figures["ci95"])
    assert figures["reliability_right"] == [0.75]


def test_no_answer_is_wrong_but_has_no_quality(dataset):
    results = run(Silent(), dataset)
    figures = summarise(results)
    assert figures["accuracy"] == 0.0
    assert figures["unanswered"] == 24
    assert "calibration_error" not in figures
    assert "multi_grasp_0.0_top1" not in figures
    assert results[0].row()["angle_deg"] == ""
    assert reliability_of(results).count.sum() == 0


def test_rounded_labels_have_no_angle_ladder(tmp_path):
    write_cornell(tmp_path / "data", labels_rounded)
    dataset = CornellDataset(tmp_path / "data")
    results = run(Oracle(labels=labels_rounded), dataset)
    figures = summarise(results)
    assert ROUNDED_NOTE in figures["notes"]
    assert figures["angles_rounded"] is True
    assert not [key for key in figures if key.startswith("angle_")]
    assert "angle_5" in summarise(results, rounded=False)


def test_jaw_ratios_are_tried_where_the_height_is_declared(dataset):
    declared = summarise(run(Oracle(jaw_ratio=0.5), dataset))
    assert declared["jaw_ratio"] == 0.5
    assert declared["jaw_ratio_0.5"] == declared["accuracy"]
    predicted = summarise(run(Oracle(), dataset))
    assert not [key for key in predicted if key.startswith("jaw_ratio")]
    assert HEIGHT_NOTE in predicted["notes"]


def test_figures_are_flat_and_go_through_json(dataset):
    figures = summarise(run(Oracle(shift=90.0, wrong=(3,), jaw_ratio=0.5), dataset))
    text = json.dumps(figures, allow_nan=False)
    assert json.loads(text) == figures
    for value in figures.values():
        for one in value if isinstance(value, list) else [value]:
            assert isinstance(one, str | int | float)
        assert not isinstance(value, list) or len(value) <= 10


def test_the_first_view_is_ranked_once_more_before_the_clock_runs(dataset):
    detector = Oracle()
    results = run(detector, dataset, [3, 4])
    first = (int(results[0].record.picture) - 100, 0)
    assert detector.calls[:2] == [first, first]
    assert len(detector.calls) == 3
    assert all(one.ms >= 0.0 for one in results)


def test_folds_are_pooled(dataset):
    splits = make_folds(dataset, "image-wise", 3)
    pooled = []
    for fold, split in enumerate(splits):
        indices = split.indices(dataset, "test")
        wrong = range(PICTURES) if fold == 0 else ()
        pooled += evaluate(Oracle(shift=90.0, wrong=tuple(wrong)), dataset, indices, fold=fold)
    figures = summarise(pooled)
    assert figures["n"] == 24
    assert figures["pictures"] == 12
    assert figures["accuracy"] == pytest.approx(16 / 24)


def test_two_detectors_are_compared_view_by_view(dataset):
    first, second = run(Oracle(), dataset), run(Oracle(shift=90.0, wrong=(1, 5)), dataset)
    figures = compare(first, second)
    assert figures["difference"] == pytest.approx(4 / 24)
    assert (figures["only_first_right"], figures["only_second_right"]) == (4, 0)
    assert figures["mcnemar_p"] == pytest.approx(2 / 2**4)
    assert figures["difference_ci95"][0] >= 0.0
    with pytest.raises(EvaluationError, match="same views"):
        compare(first, second[1:])


def test_pictures_seen_in_training_are_counted(dataset):
    results = run(Oracle(), dataset, [0, 1, 12])  # pictures 100 and 101, and 100 once more

    def seen(**metadata):
        model = SimpleNamespace(metadata=metadata)
        detector = SimpleNamespace(pictures_seen=partial(LearnedModel.pictures_seen, model))
        return seen_in_training(detector, dataset, results)

    assert seen(dataset="cornell", trained_on=["0100", "0111"]) == 1
    assert seen(dataset="another", trained_on=["0100"]) == 0
    # What the weights were trained on before counts, too, and what chose the epoch.
    before = {"cornell": ["0100", "0101"], "jacquard": ["7"]}
    assert seen(dataset="another", trained_on=["0100"], init_seen=before) == 2
    assert seen(dataset="cornell", trained_on=[], validated_on=["0101"]) == 1
    assert seen(dataset="cornell") is None


def test_views_without_labels_are_left_out(dataset):
    (dataset.root / "01" / "pcd0100cpos.txt").write_text("")
    assert len(run(Oracle(), dataset)) == 23
    with pytest.raises(EvaluationError, match="none of 1 views"):
        run(Oracle(), dataset, [0])


def test_a_view_that_cannot_be_read_is_named(dataset):
    path = dataset.root / "02" / "pcd0104r.png"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DatasetError, match=r"pcd0104r\.png is truncated"):
        run(Oracle(), dataset)


@pytest.mark.parametrize(
    ("ranking", "message"),
    [
        (Ranking(np.full((1, 5), np.nan), *[np.ones(1)] * 3), "weights broken"),
        (Ranking(np.array([[9.0, 9, 0, 4, 0]]), *[np.ones(1)] * 3), "no area"),
        (Ranking(np.ones((1, 5)), np.array([1.2]), np.ones(1), np.ones(1)), "must lie in"),
        (Ranking(np.ones((1, 5)), np.array([np.nan]), np.ones(1), np.ones(1)), "must lie in"),
        (Ranking(np.ones((2, 5)), *[np.ones(1)] * 3), "shapes"),
    ],
)
def test_an_answer_that_is_no_ranking_is_refused(dataset, ranking, message):
    class Broken:
        name = "broken"

        def rank(self, color, depth_m, limit):
            return ranking

    with pytest.raises(EvaluationError, match=message):
        run(Broken(), dataset)


def test_worst_and_best_cases_are_drawn(dataset, tmp_path):
    results = run(Oracle(shift=90.0, wrong=(2,)), dataset)
    paths = write_cases(results, dataset, tmp_path / "out", count=6)
    assert [path.name for path in paths] == ["worst.png", "best.png"]
    sheet = cv2.cvtColor(cv2.imread(str(paths[0])), cv2.COLOR_BGR2RGB).astype(int)
    assert sheet.shape == (2 * 346, 5 * 306, 3)
    assert has_color(sheet[:340, :306], (235, 60, 50)), "the worst case is wrong, so red"
    best = cv2.cvtColor(cv2.imread(str(paths[1])), cv2.COLOR_BGR2RGB).astype(int)
    assert has_color(best, (40, 200, 80))
    assert not has_color(best, (235, 60, 50))


def test_one_view_makes_one_sheet(dataset, tmp_path):
    results = run(Oracle(), dataset, [0])
    assert [p.name for p in write_cases(results, dataset, tmp_path)] == ["worst.png"]


def test_depth_alone_is_drawn_in_grey(dataset):
    result = run(Silent(), dataset, [0])[0]
    sample = dataset.load(0)
    depth_m = np.full((SIDE, 2 * SIDE), 0.8, np.float32)
    depth_m[:40] = np.nan
    shown = type(sample)(sample.record, None, depth_m, sample.grasps[:0], sample.negatives)
    tile = draw_case(shown, result)
    assert tile.shape == (340, 300, 3)
    red, green, blue = tile[10, 10].astype(int)
    assert min(red, blue) > green + 50, "unknown depth is purple"
    assert np.ptp(tile[140, 150]) == 0


def has_color(image, color):
    return bool((np.abs(image - np.array(color)).max(axis=-1) < 12).any())
