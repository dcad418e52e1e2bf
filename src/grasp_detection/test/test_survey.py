"""The survey of a dataset finds what is wrong with it; the sheet shows its labels."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from grasp_detection.datasets import sheet
from grasp_detection.datasets.cornell import CornellDataset
from grasp_detection.datasets.dataset import DatasetError, Record, Sample
from grasp_detection.datasets.survey import Survey, views_to_read

SIZE = 100
PICTURE = np.full((SIZE, SIZE, 3), 120, np.uint8)
INSIDE = "40 45\n60 45\n60 55\n40 55\n"  # opening 20, jaw 10
BORDER = "90 45\n110 45\n110 55\n90 55\n"  # centre at u = 100, beyond the last pixel's edge
OVER = "80 45\n110 45\n110 55\n80 55\n"  # centre inside


@pytest.fixture
def root(tmp_path):
    picture = cv2.imencode(".png", PICTURE)[1].tobytes()
    labels = {
        "0100": INSIDE * 2,
        "0101": INSIDE + "nan nan\n60 45\n60 55\n40 55\n",
        "0102": BORDER + OVER,
        "0103": "",
        "0104": INSIDE,
        "0105": None,
    }
    for number, label in labels.items():
        (tmp_path / f"pcd{number}r.png").write_bytes(picture)
        if label is not None:
            (tmp_path / f"pcd{number}cpos.txt").write_text(label)
    (tmp_path / "pcd0104r.png").write_bytes(picture[:-40])
    depth = np.full((SIZE, SIZE), np.nan, np.float32)
    (tmp_path / "pcd0100d.tiff").write_bytes(cv2.imencode(".tiff", depth)[1].tobytes())
    (tmp_path / "pcd0100cneg.txt").write_text(INSIDE)
    return tmp_path


def surveyed(dataset):
    survey = Survey(dataset)
    for index in views_to_read(dataset):
        survey.look(index)
    return survey


def test_counts_and_problems(root):
    survey = surveyed(CornellDataset(root))
    report = survey.report()
    assert (report.views, report.available, report.unusable, report.pictures) == (6, 6, 2, 6)
    assert (report.grasps, report.negatives, report.skipped) == (5, 1, 1)
    assert (report.outside, report.over_border, report.unlabelled) == (1, 1, 1)
    assert (report.with_color, report.with_depth, report.with_masks) == (4, 1, 0)
    assert report.sizes == {"100x100": 4}
    assert report.objects == 0
    expected = np.percentile([20, 20, 20, 20, 30], (5, 50, 95))
    assert list(report.opening_px.values()) == pytest.approx(expected)
    assert survey.usable == [0, 1, 2, 3]
    found = [(problem.view, problem.unusable) for problem in report.problems]
    assert found == [
        ("pcd0100", False),
        ("pcd0101", False),
        ("pcd0102", False),
        ("pcd0103", False),
        ("pcd0104", True),
        ("pcd0105", True),
    ]
    for problem, reason in zip(
        report.problems,
        (
            "depth without a valid pixel",
            "1 labels skipped",
            "1 labels with the centre outside",
            "no label of a good grasp",
            f"{root}/pcd0104r.png is truncated",
            f"cannot read {root}/pcd0105cpos.txt: No such file",
        ),
        strict=True,
    ):
        assert reason in problem.reason
    assert json.loads(json.dumps(report.as_json()))["problems"][4]["view"] == "pcd0104"


def test_a_report_can_be_had_at_any_view(root):
    survey = Survey(CornellDataset(root))
    assert (survey.report().views, survey.report().opening_px) == (0, {})
    survey.look(1)
    assert (survey.report().views, survey.report().skipped) == (1, 1)


def test_a_limit_spreads_over_all_views(root):
    dataset = CornellDataset(root)
    assert views_to_read(dataset, 3) == [0, 2, 4]
    assert views_to_read(dataset, 1) == [0]
    assert views_to_read(dataset, 99) == list(range(6))
    with pytest.raises(DatasetError, match="limit is 0 views"):
        views_to_read(dataset, 0)


def test_the_sheet_draws_readable_views_the_same_each_time(root, tmp_path):
    dataset = CornellDataset(root)
    samples = sheet.sample_views(dataset, range(6), count=3)
    assert len(samples) == 3
    views = [sample.record.view for sample in samples]
    assert views == sorted(views)
    assert views == [s.record.view for s in sheet.sample_views(dataset, range(6), count=3)]
    drawn = sheet.draw_sheet(sheet.sample_views(dataset, range(6)), columns=3)
    tile_height = sheet.draw_tile(samples[0]).shape[0]
    assert drawn.shape == (2 * tile_height, 3 * sheet.TILE_PX, 3)
    path = tmp_path / "new" / "sheet.png"
    sheet.write_sheet(drawn, path)
    assert np.array_equal(cv2.imread(str(path))[:, :, ::-1], drawn)


def sample_with(**fields):
    row = np.array([[49.5, 49.5, 40.0, 20.0, 0.0]])
    given = {"color": PICTURE, "depth_m": None, "grasps": row, "negatives": row[:0], **fields}
    return Sample(Record("view", "view"), **given)


def around(tile, u, v, reach=1):
    """Colours of the pixels around a place of a 100 px picture, shape (N, 3)."""
    scale = sheet.TILE_PX / SIZE
    column, row = round((u + 0.5) * scale), round((v + 0.5) * scale)
    near = tile[row - reach : row + reach, column - reach : column + reach]
    return near.reshape(-1, 3).astype(float)


def colors_at(tile, u, v):
    return around(tile, u, v).mean(axis=0)


def test_jaws_are_drawn_where_the_label_says():
    tile = sheet.draw_tile(sample_with())
    for u in (29.5, 69.5):
        red, _, blue = colors_at(tile, u, 49.5)
        assert blue > red + 50
    for v in (39.5, 59.5):
        colors = around(tile, 49.5, v, 3)
        assert np.ptp(colors, axis=1).max() < 20  # white between dark, no blue
        assert colors.min() < 100 < 160 < colors.max()
    assert colors_at(tile, 49.5, 49.5) == pytest.approx([120.0] * 3)
    tile = sheet.draw_tile(sample_with(grasps=np.empty((0, 5)), negatives=sample_with().grasps))
    red, _, blue = colors_at(tile, 29.5, 49.5)
    assert red > blue + 50


def test_depth_alone_is_drawn_in_grey_and_masks_are_outlined():
    depth_m = np.full((SIZE, SIZE), 1.0, np.float32)
    depth_m[:, 50:] = 0.5
    depth_m[:20] = np.nan
    none = np.empty((0, 5))
    tile = sheet.draw_tile(sample_with(color=None, depth_m=depth_m, grasps=none))
    far, near, invalid = (colors_at(tile, *at) for at in ((20, 60), (80, 60), (20, 10)))
    assert far[0] + 100 < near[0]
    assert invalid[0] > invalid[1] + 50
    instances = np.zeros((SIZE, SIZE), np.int32)
    instances[40:60, 40:60] = 300
    tile = sheet.draw_tile(sample_with(grasps=none, instances=instances))
    yellow = (tile[:, :, 0] > 170) & (tile[:, :, 2] < 90)
    rows, columns = np.nonzero(yellow[: sheet.TILE_PX])
    assert (rows.min(), rows.max()) == pytest.approx((120, 180), abs=2)
    assert (columns.min(), columns.max()) == pytest.approx((120, 180), abs=2)


def test_a_sheet_without_views_or_of_another_kind_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="no view can be drawn"):
        sheet.draw_sheet([])
    with pytest.raises(DatasetError, match=r"must end in \.png"):
        sheet.write_sheet(PICTURE, tmp_path / "sheet.jpg")
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="cannot write the sheet"):
        sheet.write_sheet(PICTURE, tmp_path / "file" / "sheet.png")
