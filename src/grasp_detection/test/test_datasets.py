"""Cornell's files: what is read, and what is said of files that cannot be."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasp_detection.datasets.cornell import CornellDataset
from grasp_detection.datasets.dataset import DatasetError
from grasp_detection.datasets.files import read_color, read_depth_m, read_mask
from grasp_detection.datasets.labels import read_center_rows, read_corners, rows_of_corners

HEIGHT, WIDTH = 48, 64
# Opening 20 along +u, jaw 8 across, centred at (30, 20).
LABEL = "20 16\n40 16\n40 24\n20 24\n"
PICTURE = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def encoded(image, ending=".png"):
    return cv2.imencode(ending, image)[1].tobytes()


@pytest.fixture
def root(tmp_path):
    (tmp_path / "01").mkdir()
    (tmp_path / "01" / "pcd0100r.png").write_bytes(encoded(PICTURE))
    (tmp_path / "01" / "pcd0100cpos.txt").write_text(LABEL)
    return tmp_path


def test_a_view_is_read_as_it_was_written(root):
    depth = np.full((HEIGHT, WIDTH), 0.7, np.float32)
    depth[0, 0], depth[0, 1] = 0.0, np.nan
    (root / "01" / "pcd0100d.tiff").write_bytes(encoded(depth, ".tiff"))
    (root / "01" / "pcd0100cneg.txt").write_text("5 5\n5 15\n9 15\n9 5\n")
    dataset = CornellDataset(root)
    (record,) = dataset.records
    assert (record.view, record.picture, record.object) == ("01/pcd0100", "0100", "")
    sample = dataset.load(0)
    assert np.array_equal(sample.color, PICTURE[:, :, ::-1])
    assert np.isnan(sample.depth_m[0, :2]).all()
    assert np.nanmin(sample.depth_m) == np.nanmax(sample.depth_m) == np.float32(0.7)
    assert sample.grasps == pytest.approx(np.array([[30.0, 20.0, 20.0, 8.0, 0.0]]))
    assert sample.negatives == pytest.approx(np.array([[7.0, 10.0, 10.0, 4.0, math.pi / 2]]))
    assert (sample.size, sample.skipped) == ((HEIGHT, WIDTH), 0)


def test_views_of_a_picture_share_its_number_and_the_list_names_objects(root):
    (root / "02").mkdir()
    for name in ("pcd0100", "pcd0101"):
        (root / "02" / f"{name}r.png").write_bytes(encoded(PICTURE))
    (root / "02" / "pcdb0002r.png").write_bytes(encoded(PICTURE))  # a background, no view
    (root / "z.txt").write_text("% number object\n0100 7 pen\n0101 8 cup\n")
    records = CornellDataset(root).records
    assert [(r.view, r.picture, r.object) for r in records] == [
        ("01/pcd0100", "0100", "7"),
        ("02/pcd0100", "0100", "7"),
        ("02/pcd0101", "0101", "8"),
    ]


@pytest.mark.parametrize("turn", [0, 1])
def test_the_first_edge_is_the_opening_whichever_way_round_the_corners_run(root, turn):
    path = root / "label.txt"
    # Opening 20 long at 30 degrees from +u towards +v, jaw 8.
    along = np.array([math.cos(math.radians(30)), math.sin(math.radians(30))])
    across = np.array([-along[1], along[0]]) * (1 if turn else -1)
    center = np.array([31.0, 22.0])
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    corners = [center + 10 * a * along + 4 * b * across for a, b in signs]
    path.write_text("".join(f"{u} {v}\n" for u, v in corners))
    rows, usable = rows_of_corners(read_corners(path))
    assert usable.all()
    assert rows == pytest.approx(np.array([[31.0, 22.0, 20.0, 8.0, math.radians(30)]]))


@pytest.mark.parametrize(
    "bad",
    [
        "NaN NaN\n40 16\n40 24\n20 24\n",
        "inf 16\n40 16\n40 24\n20 24\n",
        "20 16\n20 16\n20 16\n20 16\n",
        "20 16\n40 16\n40 16\n20 16\n",
        "10 10\n20 20\n30 30\n20 20\n",  # all corners on one line
    ],
)
def test_labels_without_area_or_with_nan_are_skipped_and_counted(root, bad):
    (root / "01" / "pcd0100cpos.txt").write_text(bad + LABEL)
    sample = CornellDataset(root).load(0)
    assert (len(sample.grasps), sample.skipped) == (1, 1)
    assert sample.grasps[0, :2] == pytest.approx([30.0, 20.0])


def write(name, content):
    def change(root):
        (root / "01" / name).write_bytes(content)

    return change


@pytest.mark.parametrize(
    ("change", "name", "reason"),
    [
        (write("pcd0100r.png", encoded(PICTURE)[:900]), "pcd0100r.png", "is truncated"),
        (write("pcd0100r.png", encoded(PICTURE)[:5]), "pcd0100r.png", "no readable picture"),
        (write("pcd0100r.png", b""), "pcd0100r.png", "no readable picture"),
        (write("pcd0100r.png", encoded(PICTURE[:, :, 0])), "pcd0100r.png", "holds 1 channel"),
        (
            write("pcd0100r.png", encoded(PICTURE.astype(np.uint16))),
            "pcd0100r.png",
            "3 channel(s) of uint16",
        ),
        (
            write("pcd0100d.tiff", encoded(np.ones((HEIGHT, 9), np.float32), ".tiff")),
            "pcd0100d.tiff",
            "is 9x48 px, its view 64x48",
        ),
        (write("pcd0100d.tiff", encoded(PICTURE, ".tiff")), "pcd0100d.tiff", "one channel of"),
        (
            write("pcd0100d.tiff", encoded(np.ones((HEIGHT, WIDTH), np.float32), ".tiff")[:500]),
            "pcd0100d.tiff",
            "no readable picture",
        ),
        (lambda root: (root / "01/pcd0100cpos.txt").unlink(), "pcd0100cpos.txt", "No such file"),
        (write("pcd0100cpos.txt", b"20 16\n40 16\n"), "pcd0100cpos.txt", "holds 2 corners"),
        (write("pcd0100cpos.txt", b"20 16 3\n"), "pcd0100cpos.txt:1", "must hold 2 numbers"),
        (write("pcd0100cpos.txt", b"20 16\nu v\n"), "pcd0100cpos.txt:2", "must hold 2 numbers"),
        (write("pcd0100cpos.txt", b"\xff\xfe\x00"), "pcd0100cpos.txt", "no text file"),
        (write("pcd0100cneg.txt", b"20 16\n"), "pcd0100cneg.txt", "holds 1 corners"),
    ],
)
def test_a_broken_file_is_named_with_the_reason(root, change, name, reason):
    change(root)
    dataset = CornellDataset(root)
    with pytest.raises(DatasetError) as caught:
        dataset.load(0)
    assert f"{root / '01' / name}" in str(caught.value)
    assert reason in str(caught.value)


def test_a_folder_without_views_or_none_at_all_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"holds no pcdNNNNr\.png"):
        CornellDataset(tmp_path)
    with pytest.raises(DatasetError, match="is no folder"):
        CornellDataset(tmp_path / "nosuch")


def test_a_broken_object_list_is_named(root):
    (root / "z.txt").write_text("0100 7\npen\n")
    with pytest.raises(DatasetError, match=r"z\.txt:2 must start with picture number"):
        CornellDataset(root)


@given(place=st.integers(0, 10**6), flip=st.integers(1, 255), cut=st.booleans())
def test_no_damage_to_a_png_goes_unnoticed(tmp_path_factory, place, flip, cut):
    data = bytearray(encoded(PICTURE))
    place %= len(data)
    if cut:
        del data[place:]
    else:
        data[place] ^= flip
    path = tmp_path_factory.mktemp("png") / "picture.png"
    path.write_bytes(data)
    with pytest.raises(DatasetError):
        read_color(path)


@given(
    text=st.one_of(
        st.binary(max_size=60),
        st.text("0123456789.;- \nnaife", max_size=60).map(str.encode),
    ),
    reader=st.sampled_from([read_corners, read_center_rows]),
)
def test_any_label_file_is_read_or_refused(tmp_path_factory, text, reader):
    path = tmp_path_factory.mktemp("label") / "label.txt"
    path.write_bytes(text)
    try:
        found = reader(path)
    except DatasetError as error:
        named = str(path) in str(error)
    else:
        named = None
    if named is not None:
        assert named
        return
    if reader is read_corners:
        found = rows_of_corners(found)
    rows, _ = found
    assert rows.shape[1] == 5
    assert np.isfinite(rows).all()
    assert (rows[:, 2:4] > 0.0).all()


def test_depth_in_millimetres_becomes_metres(tmp_path):
    depth = np.array([[0, 700], [1250, 65535]], np.uint16)
    (tmp_path / "d.png").write_bytes(encoded(depth))
    expected = np.array([[np.nan, 0.7], [1.25, 65.535]], np.float32)
    assert read_depth_m(tmp_path / "d.png") == pytest.approx(expected, nan_ok=True)


def test_a_mask_is_one_channel_of_numbers(tmp_path):
    path = tmp_path / "mask.png"
    numbers = np.array([[0, 3], [300, 65535]], np.uint16)
    path.write_bytes(encoded(numbers))
    assert np.array_equal(read_mask(path), numbers)
    path.write_bytes(encoded(np.repeat(numbers[:, :, None], 3, axis=2)))
    assert np.array_equal(read_mask(path), numbers)
    path.write_bytes(encoded(PICTURE))  # colours that stand for objects are no numbers
    with pytest.raises(DatasetError, match="one channel of integers"):
        read_mask(path)
